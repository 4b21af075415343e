"""The reports of a service's nodes about themselves and each other, read all at once.

A node that is retired, or cut off from the others, may still run and answer, even in a
later view than the others; but it commits nothing any more. So the list of nodes is
that of the node that has committed most, and is asked for again if the primary has
committed more. Then each node that the service trusts is asked, for a short time: a
node that is down costs one time-out and does not stop the survey. Others are not
contacted: a stranger who asks to join chooses where its node is said to be.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import NodeId, Seqno, TxId
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.addresses import published_url, speaks_http_1
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError, ServiceError, Unreachable
from ccfpy.client.governance import read_governance
from ccfpy.client.requests import text_field
from ccfpy.client.vocabulary import NotOneId, whole_id
from ccfpy.crypto.certs import Certificate

NOTHING_COMMITTED = "0.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a primary last heard of a backup.

    Attributes:
        seqno: up to where its log is known to be the same.
        silent_ms: how long ago it was.
    """

    seqno: Seqno
    silent_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a node says of itself.

    Attributes:
        state: how far it has come, such as ``PartOfNetwork``.
        leadership: ``Leader``, ``Follower``, …; nothing before it joined.
        heard: what it heard of others, while it leads.
        configurations: the nodes of which a majority counts; of each, if several.
        is_stopping: whether its operator has announced that it will stop.
        recovered: up to where it has read a lost service's private state, if it does.
        recovery_target: where that ends.
    """

    state: str
    leadership: str | None
    view: int
    primary: NodeId | None
    commit: TxId
    heard: Mapping[NodeId, Heard]
    configurations: Sequence[Sequence[NodeId]]
    is_stopping: bool
    recovered: Seqno | None = None
    recovery_target: Seqno | None = None

    @classmethod
    def read(cls, state: JsonObject, consensus: JsonObject, commit: str) -> Self:
        """Read the answers of ``/node/state``, ``/consensus`` and ``/commit``.

        Raises:
            UnexpectedReply: a word is missing.
            Malformed: a transaction's id is none.
        """
        details = object_of(consensus.get("details"))
        primary = details.get("primary_id")
        leadership = details.get("leadership_state")
        configurations = details.get("configs")
        return cls(
            state=text_field(state, "state"),
            leadership=leadership if isinstance(leadership, str) else None,
            view=number_of(details.get("current_view")),
            primary=NodeId(primary) if isinstance(primary, str) else None,
            commit=read_txid(commit),
            heard={
                NodeId(node): Heard(
                    seqno=Seqno(number_of(object_of(ack).get("seqno"))),
                    silent_ms=number_of(object_of(ack).get("last_received_ms")),
                )
                for node, ack in object_of(details.get("acks")).items()
            },
            configurations=[
                [NodeId(node) for node in object_of(object_of(entry).get("nodes"))]
                for entry in (
                    configurations if isinstance(configurations, list) else []
                )
            ],
            is_stopping=state.get("stop_notice") is True,
            recovered=_seqno(state.get("last_recovered_seqno")),
            recovery_target=_seqno(state.get("recovery_target_seqno")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReport:
    """A node as the service knows it, and as it answered.

    Attributes:
        status: ``Pending``, ``Trusted`` or ``Retired``.
        is_removable: whether it is retired for good, so that it may stop.
        interfaces: where each interface is published, the one to ask first.
        valid_until: the end of the certificate that the service issued to it.
        answer: the node's answer, if there was one.
        trouble: why there was no answer.
    """

    id: NodeId
    status: str
    is_removable: bool
    interfaces: Mapping[str, str]
    valid_until: datetime | None
    answer: Answer | None = None
    trouble: str = ""

    @property
    def addresses(self) -> list[str]:
        """Where it says that it is published, the one to ask first."""
        return list(self.interfaces.values())

    @property
    def url(self) -> str:
        """Where it is asked; empty if it is published nowhere."""
        return next(filter(None, map(published_url, self.addresses)), "")

    @property
    def is_of_service(self) -> bool:
        """Whether the service relies on it, so that it may be asked for itself.

        A retired node is needed until its retirement is final. Anybody may have made a
        node that is pending.
        """
        is_needed = self.status == "Retired" and not self.is_removable
        return self.status == "Trusted" or is_needed


def read_node(
    listed: JsonObject, governed: Mapping[str, JsonObject], removable: Collection[str]
) -> NodeReport:
    """Read a node's entry in ``/node/network/nodes`` and what is said of it elsewhere.

    Args:
        listed: the entry.
        governed: the entries of ``/gov/service/nodes``, by id.
        removable: the ids in ``/node/network/removable_nodes``. Governance tells of a
            retirement before that is committed, when it may still come to nothing.

    Raises:
        UnexpectedReply: a word is missing.
        Malformed: the certificate is none.
    """
    node_id = NodeId(text_field(listed, "node_id"))
    more = governed.get(node_id, {})
    pem = more.get("certificate")
    until = Certificate.from_pem(pem).not_after if isinstance(pem, str) else None
    return NodeReport(
        id=node_id,
        status=text_field(listed, "status"),
        is_removable=node_id in removable,
        interfaces=dict(_published(object_of(listed.get("rpc_interfaces")))),
        valid_until=until,
    )


def _published(interfaces: JsonObject) -> Iterator[tuple[str, str]]:
    """Yield published addresses, those last that our own commands cannot ask.

    Their certificate is not the service's, or they speak HTTP/2. C++ CCF lists
    interfaces by their names, so the first may be any of them.
    """
    entries = {name: object_of(interface) for name, interface in interfaces.items()}

    def is_apart(name: str) -> bool:
        endorsement = object_of(entries[name].get("endorsement"))
        is_others = endorsement.get("authority") in ("Node", "Unsecured")
        return is_others or not speaks_http_1(entries[name])

    for name in sorted(entries, key=is_apart):
        address = entries[name].get("published_address")
        if isinstance(address, str):
            yield name, address


def object_of(value: Json) -> JsonObject:
    """Return a value that is a JSON object, and an empty object for any other."""
    return value if isinstance(value, dict) else {}


def number_of(value: Json) -> int:
    """Return a value that is a whole number, and nothing for any other."""
    return value if isinstance(value, int) else 0


def _seqno(value: Json) -> Seqno | None:
    return value if isinstance(value, int) else None


def read_txid(text: str) -> TxId:
    """Read a transaction's id as ``/node/commit`` gives it.

    Raises:
        Malformed: it is none.
    """
    return TxId(0, 0) if text == NOTHING_COMMITTED else TxId.parse(text)


ASK_TIMEOUT_S = 2.0
LEADER = "Leader"
SILENT_LONG_MS = 1000
"""A quiet primary asks its backups ten times in that time."""
EXPIRES_SOON_DAYS = 14
"""A certificate that ends sooner is worth a word."""
ROLES = {
    LEADER: "primary",
    "Follower": "backup",
    "Candidate": "candidate",
    "PreVoteCandidate": "candidate",
}
"""Roles in consensus, in the service's words."""


def role_of(answer: Answer) -> str:
    """Return a node's role in the service's words."""
    return ROLES.get(answer.leadership or "", answer.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A service and its nodes at one time.

    Attributes:
        status: the service's, such as ``Open``.
        valid_until: the end of the service's certificate.
    """

    status: str
    valid_until: datetime
    nodes: Sequence[NodeReport]

    @property
    def primary(self) -> NodeReport | None:
        """The leader that most others name, and of equals the one that committed most.

        A node that was cut off may still lead, in the view in which it was.
        """

        def rank(leader: NodeReport) -> tuple[int, int, int]:
            assert leader.answer is not None, "it leads"
            view = leader.answer.view
            naming = [
                node
                for node in self.nodes
                if node.answer is not None
                and (node.answer.primary, node.answer.view) == (leader.id, view)
            ]
            return len(naming), leader.answer.commit.seqno, view

        leaders = [
            node
            for node in self.nodes
            if node.answer is not None and node.answer.leadership == LEADER
        ]
        return max(leaders, key=rank, default=None)

    @property
    def has_majority(self) -> bool:
        """Whether a majority of each configuration answered."""
        answers = [node.answer for node in self.nodes if node.answer is not None]
        if not answers:
            return False
        latest = self.primary
        answer = latest.answer if latest else max(answers, key=lambda a: a.commit.seqno)
        assert answer is not None, "the primary answered"
        there = {node.id for node in self.nodes if node.answer is not None}
        return all(
            2 * len(there.intersection(nodes)) > len(nodes)
            for nodes in answer.configurations
        )

    def is_behind(self, node: NodeReport) -> bool:
        """Return whether a node takes another for the primary, or is in an older view.

        What it says of the service is not to be relied upon.
        """
        primary = self.primary
        if node.answer is None or primary is None or primary.answer is None:
            return False
        return node is not primary and (
            node.answer.leadership == LEADER or node.answer.view < primary.answer.view
        )

    def lag(self, node: NodeReport) -> int | None:
        """Return by how many transactions a node's commit is behind the primary's."""
        primary = self.primary
        if node.answer is None or primary is None or primary.answer is None:
            return None
        return max(0, primary.answer.commit.seqno - node.answer.commit.seqno)

    def silent_ms(self, node: NodeReport) -> int | None:
        """Return how long ago the primary heard of a node, in milliseconds."""
        primary = self.primary
        if primary is None or primary.answer is None or primary is node:
            return None
        heard = primary.answer.heard.get(node.id)
        return None if heard is None else heard.silent_ms

    def find(self, name: str) -> NodeReport:
        """Return a node by its id, the beginning of its id, or an address of it.

        Raises:
            NotOneId: there is none, or there are several.
        """
        nodes = {node.id: node for node in self.nodes}
        if name in nodes:
            return nodes[NodeId(name)]
        there = [node for node in self.nodes if name in node.addresses]
        if len(there) == 1:
            return there[0]
        if there:  # a node that asks to join may claim any address
            ids = ", ".join(node.id for node in there)
            raise NotOneId(f"{name} is the address of {len(there)} nodes: {ids}")
        found = nodes.get(NodeId(whole_id("node", name, nodes)))
        if found is None:
            raise NotOneId(f"the service has no node {name}")
        return found


async def survey(
    urls: Sequence[str], *, service_certificate: str, timeout_s: float = ASK_TIMEOUT_S
) -> Survey:
    """Ask for the nodes, and then every node.

    Args:
        urls: where nodes may answer.
        service_certificate: the service's certificate as PEM text.
        timeout_s: for each node.

    Raises:
        Unreachable: nobody answers.
    """
    asked = [
        Connection(url, service_certificate=service_certificate, timeout_s=timeout_s)
        for url in urls
    ]
    found = await asyncio.gather(*map(_list, asked), return_exceptions=True)
    lists = [entry for entry in found if isinstance(entry, _Listed)]
    if not lists:
        for error in found:
            assert isinstance(error, BaseException), "no list, so an error"
            raise error
        raise Unreachable("no address of a node to ask")
    latest = max(lists, key=lambda entry: entry.commit.seqno)
    seen = await _complete(latest, {}, service_certificate, timeout_s)
    primary = seen.primary
    if primary is None or primary.answer is None:
        return seen
    if primary.answer.commit.seqno <= latest.commit.seqno:
        return seen
    leading = Connection(
        primary.url, service_certificate=service_certificate, timeout_s=timeout_s
    )
    try:
        latest = await _list(leading)
    except (ClientError, Malformed):  # it has ended since
        return seen
    known = {node.id: node for node in seen.nodes if node.answer is not None}
    return await _complete(latest, known, service_certificate, timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """What one node says of the service.

    Attributes:
        commit: up to where that node has committed.
        status: the service's.
        certificate: the service's.
    """

    commit: TxId
    status: str
    certificate: str
    nodes: Sequence[NodeReport]


async def _list(connection: Connection) -> _Listed:
    """Ask one node for the service's status and certificate, and for its nodes."""
    async with connection:
        commit = (await connection.get("/node/commit")).object()
        network = (await connection.get("/node/network")).object()
        listed = (await connection.get("/node/network/nodes")).object()
        removable = (await connection.get("/node/network/removable_nodes")).object()
        governed = await _governed(connection)
    gone = {text_field(node, "node_id") for node in _nodes(removable)}
    return _Listed(
        commit=read_txid(text_field(commit, "transaction_id")),
        status=text_field(network, "service_status"),
        certificate=text_field(network, "service_certificate"),
        nodes=[read_node(node, governed, gone) for node in _nodes(listed)],
    )


async def _complete(
    listed: _Listed,
    known: Mapping[NodeId, NodeReport],
    service_certificate: str,
    timeout_s: float,
) -> Survey:
    """Ask each node that may be asked, other than those that have answered."""

    async def answering(node: NodeReport) -> NodeReport:
        if not node.is_of_service:
            return replace(node, trouble="it is not trusted, and was not asked")
        if not node.url:
            return replace(node, trouble="it has no address")
        if node.id in known:
            return replace(node, answer=known[node.id].answer)
        return await _ask(node, service_certificate, timeout_s)

    nodes = sorted(listed.nodes, key=lambda node: (node.addresses, node.id))
    return Survey(
        status=listed.status,
        valid_until=Certificate.from_pem(listed.certificate).not_after,
        nodes=await asyncio.gather(*map(answering, nodes)),
    )


def _nodes(reply: JsonObject) -> list[JsonObject]:
    listed = reply.get("nodes")
    return [object_of(node) for node in (listed if isinstance(listed, list) else [])]


async def _governed(connection: Connection) -> Mapping[str, JsonObject]:
    """Read what governance says of nodes, where its interface is served."""
    try:
        reply = object_of(await read_governance(connection, "service/nodes"))
    except ServiceError:
        return {}
    listed = reply.get("value")
    entries = [object_of(v) for v in (listed if isinstance(listed, list) else [])]
    return {text_field(entry, "nodeId"): entry for entry in entries}


async def _ask(
    node: NodeReport, service_certificate: str, timeout_s: float
) -> NodeReport:
    """Ask a node for itself, and complete what is known of it."""
    try:
        connection = Connection(
            node.url, service_certificate=service_certificate, timeout_s=timeout_s
        )
        async with connection:
            state = (await connection.get("/node/state")).object()
            consensus = (await connection.get("/node/consensus")).object()
            commit = (await connection.get("/node/commit")).object()
        answer = Answer.read(state, consensus, text_field(commit, "transaction_id"))
    except (ClientError, Malformed) as error:
        return replace(node, trouble=str(error))
    return replace(node, answer=answer)

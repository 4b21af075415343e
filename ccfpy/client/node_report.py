"""What a service knows of a node, and what the node says of itself."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from ccfpy.base.ids import NodeId, Seqno, TxId
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.addresses import published_url, speaks_http_1
from ccfpy.client.reply import text_field
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

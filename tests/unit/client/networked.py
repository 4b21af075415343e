"""Stand-ins for services of several nodes: values, and a server that plays them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from ccfpy.base.ids import NodeId, TxId
from ccfpy.base.json import Json, JsonObject, loads_object
from ccfpy.client.survey import Answer, Heard, NodeReport
from ccfpy.crypto import cose

UNTIL = datetime(2030, 1, 1, tzinfo=UTC)
PROPOSAL = "ab" * 32


def node_id(letter: str) -> NodeId:
    """Return a node's id."""
    return NodeId(letter * 64)


def answered(
    *,
    leads: bool = False,
    view: int = 2,
    seqno: int = 10,
    heard: Mapping[str, int] | None = None,
    configurations: Sequence[str] = ("abc",),
    names: str | None = None,
) -> Answer:
    """Return what a node says of itself; others are named by their letters."""
    return Answer(
        state="PartOfNetwork",
        leadership="Leader" if leads else "Follower",
        view=view,
        primary=None if names is None else node_id(names),
        commit=TxId(view, seqno),
        heard={
            node_id(letter): Heard(seqno=seqno, silent_ms=silent_ms)
            for letter, silent_ms in (heard or {}).items()
        },
        configurations=[
            [node_id(letter) for letter in nodes] for nodes in configurations
        ],
        is_stopping=False,
    )


def reported(
    letter: str,
    answer: Answer | None = None,
    *,
    status: str = "Trusted",
    is_removable: bool = False,
) -> NodeReport:
    """Return what is known of a node."""
    return NodeReport(
        id=node_id(letter),
        status=status,
        is_removable=is_removable,
        interfaces={"main": f"127.0.0.1:{ord(letter)}"},
        valid_until=UNTIL,
        answer=answer,
        trouble="" if answer else "no answer",
    )


@dataclass(kw_only=True)
class Service:
    """Plays one node of a service, which knows of others.

    Attributes:
        certificate: the service's.
        address: where it answers, once that is known.
        statuses: each node's, by its letter; ``a`` is the one that answers.
        votes_needed: until a proposal is accepted.
        view: of this node.
        commit: up to where it has committed.
        looks_until_removable: how often nodes are listed after one was retired, before
            it can be done without.
    """

    certificate: str
    address: str = ""
    statuses: dict[str, str] = field(default_factory=lambda: {"a": "Trusted"})
    addresses: dict[str, str] = field(default_factory=dict)
    view: int = 2
    commit: str = "2.9"
    votes_needed: int = 1
    looks_until_removable: int = 2
    has_governance: bool = True
    votes: int = 0
    proposed: list[Any] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    refuses_votes: bool = False
    state: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        """Take a request."""
        body = await request.read()
        if request.path.startswith("/gov/members/proposals") and body:
            return self._governed_by(request.path, body)
        if request.method == "DELETE":
            if not self._removable():
                return web.json_response(
                    {
                        "error": {
                            "code": "NodeNotRetiredCommitted",
                            "message": "not yet",
                        }
                    },
                    status=400,
                )
            self.removed.append(request.path.rpartition("/")[2])
            return web.json_response(True, headers=_transaction(30))
        return self._read(request.path)

    def _governed_by(self, path: str, body: bytes) -> web.Response:
        if path.endswith(":create"):
            actions = loads_object(cose.parse(body).payload or b"")["actions"]
            assert isinstance(actions, list)
            self.proposed += actions
            return self._decided()
        if path.endswith(":withdraw"):
            self.state = "Withdrawn"
            return web.json_response(self._proposal())
        if self.refuses_votes:
            error = {"code": "InvalidInput", "message": "no"}
            return web.json_response({"error": error}, status=400)
        self.votes += 1
        return self._decided()

    def _decided(self) -> web.Response:
        state = "Accepted" if self.votes >= self.votes_needed else "Open"
        if state == "Accepted":
            for action in self.proposed:
                is_in = action["name"] == "transition_node_to_trusted"
                letter = action["args"]["node_id"][0]
                self.statuses[letter] = "Trusted" if is_in else "Retired"
        self.state = state
        return web.json_response(self._proposal(), headers=_transaction(20))

    def _proposal(self) -> JsonObject:
        return {
            "proposalId": PROPOSAL,
            "proposerId": "x",
            "proposalState": self.state,
            "ballotCount": self.votes,
        }

    def _read(self, path: str) -> web.Response:
        nodes: JsonObject = {node_id(letter): {} for letter in self.statuses}
        details: JsonObject = {
            "leadership_state": "Leader",
            "current_view": self.view,
            "primary_id": node_id("a"),
            "acks": {node_id("b"): {"seqno": 7, "last_received_ms": 40}},
            "configs": [{"nodes": nodes}],
        }
        replies: dict[str, Json] = {
            "/node/network": {
                "service_status": "Open",
                "service_certificate": self.certificate,
                "current_view": self.view,
            },
            "/node/network/nodes": {"nodes": [*self._listed()]},
            "/node/state": {"state": "PartOfNetwork", "stop_notice": True},
            "/node/consensus": {"details": details},
            "/node/commit": {"transaction_id": self.commit},
            "/node/tx": {"status": "Committed"},
            "/gov/members/proposals": {
                "value": [self._proposal()] if self.state else []
            },
            f"/gov/members/proposals/{PROPOSAL}/actions": {"actions": self.proposed},
        }
        if path == "/node/network/removable_nodes":
            self.looks_until_removable -= "Retired" in self.statuses.values()
            return web.json_response({"nodes": self._removable()})
        if self.has_governance and path == "/gov/service/nodes":
            return web.json_response({"value": [*self._governed()]})
        if path not in replies:
            return web.json_response({"error": {}}, status=404)
        return web.json_response(replies[path])

    def _listed(self) -> list[Json]:
        own = self.address
        return [
            {
                "node_id": node_id(letter),
                "status": status,
                "rpc_interfaces": {
                    "plain": {
                        "published_address": "127.0.0.1:1",
                        "endorsement": {"authority": "Unsecured"},
                    },
                    "main": {"published_address": self.addresses.get(letter, own)},
                },
            }
            for letter, status in self.statuses.items()
        ]

    def _removable(self) -> list[Json]:
        return [
            {"node_id": node_id(letter)}
            for letter, status in self.statuses.items()
            if status == "Retired" and self.looks_until_removable <= 0
        ]

    def _governed(self) -> list[Json]:
        # What says so is written, and may not be committed yet.
        return [
            {
                "nodeId": node_id(letter),
                "certificate": None if status == "Pending" else self.certificate,
                "retiredCommitted": status == "Retired",
            }
            for letter, status in self.statuses.items()
        ]


def _transaction(seqno: int) -> dict[str, str]:
    return {"x-ms-ccf-transaction-id": f"2.{seqno}"}

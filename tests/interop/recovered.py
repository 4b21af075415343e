"""A service that was lost and recovered twice, and receipts of every time.

The node of the last service gives all of them: it has nothing of the earlier ones but
their ledger and what the members handed in.
"""

from base64 import b64decode
from dataclasses import dataclass, field

from apps.logging.app import app
from ccfpy.base import json
from ccfpy.base.ids import TxId
from ccfpy.base.json import JsonObject
from ccfpy.client.share import constitution
from ccfpy.testing.node import InProcessNode
from ccfpy.testing.recovery import ask_for_shares, recover_alone, submit_share
from tests.interop.service import ALICE, MEMBERS

RECOVERIES = 2
ASKED_MAX = 100
CONSTITUTION = "\n".join(path.read_text() for path in constitution("default"))
"""What the app claims of the first transaction of a service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """All that the last service gives of one transaction.

    Attributes:
        age: how many recoveries were after it.
        claim: what the app claimed, or nothing.
        cose: the COSE receipt; signatures have none.
        endorsements: to the service of its time.
    """

    age: int
    txid: TxId
    claim: bytes
    v1: JsonObject
    v2: JsonObject
    cose: bytes | None
    endorsements: tuple[bytes, ...]


@dataclass(slots=True)
class RecoveredService:
    """The last service."""

    node: InProcessNode
    written: list[tuple[int, TxId, bytes]] = field(default_factory=list)

    @property
    def certificate(self) -> str:
        """What people know of it."""
        return self.node.service_certificate

    def write(self, age: int) -> None:
        """Write with a claim and without, and sign; note what was first and last."""
        network = json.loads_object(self.node.request("GET", "/node/network").body)
        created = TxId.parse(str(network["current_service_create_txid"]))
        self.written.append((age, created, CONSTITUTION.encode()))
        for claim in (b"", b"claimed with %d to come" % age):
            body: JsonObject = {"id": age, "msg": claim.decode() or "unclaimed"}
            if claim:
                body["record_claim"] = True
            reply = self.node.request(
                "POST", "/app/log/public", body=body, person=ALICE
            )
            assert reply.status in (200, 204), reply.body
            txid = TxId.parse(reply.headers["x-ms-ccf-transaction-id"])
            self.written.append((age, txid, claim))
        self.node.advance(1000)
        signed = TxId(created.view, self.node.host.commit)
        self.written.append((age, signed, b""))

    def recover(self, age: int) -> None:
        """Lose the service, and let the members bring it back."""
        node = recover_alone(self.node.remains(), app, members=MEMBERS, seed=9 - age)
        decided = json.loads_object(ask_for_shares(node).body)
        assert decided["proposalState"] == "Accepted", decided
        for member in MEMBERS[:2]:
            reply = submit_share(node, member)
            assert reply.status == 200, reply.body
        for _ in range(10):
            node.advance(100)
        self.node = node
        self.write(age)

    def ask(self, txid: TxId, form: str) -> bytes | None:
        """Ask for what proves a transaction until it is there."""
        path = f"/app/receipt?transaction_id={txid}&form={form}"
        reply = self.node.request("GET", path)
        for _ in range(ASKED_MAX):
            if reply.status != 202:
                break
            self.node.advance(10)
            reply = self.node.request("GET", path)
        assert reply.status in (200, 404), reply.body
        return reply.body if reply.status == 200 else None

    def give(self, age: int, txid: TxId, claim: bytes) -> Given:
        """Fetch everything of a transaction."""
        v1, v2, cose, chain = (
            self.ask(txid, form) for form in ("v1", "v2", "cose", "endorsements")
        )
        assert v1 is not None
        assert v2 is not None
        listed = [] if chain is None else json.loads_object(chain)["endorsements"]
        assert isinstance(listed, list)
        return Given(
            age=age,
            txid=txid,
            claim=claim,
            v1=json.loads_object(v1),
            v2=json.loads_object(v2),
            cose=cose,
            endorsements=tuple(b64decode(str(each)) for each in listed),
        )

    def all(self) -> list[Given]:
        """Fetch everything of every transaction."""
        return [self.give(*each) for each in self.written]


def make_recovered() -> RecoveredService:
    """Run a service through three lives, with two recoveries."""
    node = InProcessNode(app, constitution=CONSTITUTION, members=MEMBERS)
    node.open_service(ALICE)
    service = RecoveredService(node)
    service.write(RECOVERIES)
    for age in reversed(range(RECOVERIES)):
        service.recover(age)
    return service

"""A service whose ledger has something of everything, made without a network.

The node is the one that ships, and so is what writes its files; only the wire between
them is left out.
"""

import io
from dataclasses import dataclass, field
from pathlib import Path

from apps.logging.app import app
from ccfpy.base import json
from ccfpy.base.ids import TxId
from ccfpy.base.json import Json, JsonObject
from ccfpy.boundary.effects import AppendLedger, CommitLedger
from ccfpy.client.share import constitution
from ccfpy.host.ledger_store import LedgerStore
from ccfpy.host.log import Journal
from ccfpy.node.replication.ledger_tail import LedgerTail
from ccfpy.testing.node import InProcessNode, Person

MEMBERS = tuple(Person.make(f"member{i}", can_recover=i < 2) for i in range(3))
NEWCOMER = Person.make("newcomer", can_recover=True)
ALICE, BOB = Person.make("alice"), Person.make("bob")
VALID_FROM = "2025-06-15T15:06:40Z"

SCRIPT: JsonObject = {
    "modules": [{"name": "hi.js", "module": "export const hi = () => ({ body: 1 })"}],
    "metadata": {
        "endpoints": {
            "/hi": {
                "get": {
                    "js_module": "hi.js",
                    "js_function": "hi",
                    "mode": "readonly",
                    "forwarding_required": "never",
                    "authn_policies": ["no_auth"],
                    "openapi": {},
                }
            }
        }
    },
}
LIMITS: JsonObject = {
    "max_heap_bytes": 1 << 27,
    "max_stack_bytes": 1 << 20,
    "max_execution_time_ms": 1000,
    "log_exception_details": False,
    "return_exception_details": False,
}


@dataclass(slots=True, kw_only=True)
class MadeService:
    """What is left of the service.

    Attributes:
        node: its node, still alive.
        ledger: the folder of its ledger's files.
        receipts: as ``GET /receipt`` gave them, by transaction.
        service_certificates: each certificate that the service had, the oldest first.
    """

    node: InProcessNode
    ledger: Path
    receipts: dict[TxId, JsonObject] = field(default_factory=dict)
    service_certificates: list[str] = field(default_factory=list)

    @property
    def chunks(self) -> list[Path]:
        """The ledger's files in order."""
        return sorted(self.ledger.iterdir(), key=_first_seqno)

    @property
    def tail(self) -> LedgerTail:
        """The node's own end of the ledger."""
        running = self.node.trusted.running
        assert running is not None
        return running.tail

    # What people do

    def write(self, path: str, body: Json, *, person: Person = ALICE) -> TxId:
        """Write as a user."""
        reply = self.node.request("POST", f"/app/log/{path}", body=body, person=person)
        assert reply.status in (200, 204), reply.body
        return TxId.parse(reply.headers["x-ms-ccf-transaction-id"])

    def govern(self, *actions: JsonObject) -> None:
        """Propose as a member, and vote as all of them."""
        decided = json.loads_object(self.node.propose(*actions).body)
        assert decided["proposalState"] == "Accepted", decided

    def sign(self) -> None:
        """Pass time until everything so far is signed."""
        self.node.advance(1000)

    def prove(self, *txids: TxId) -> None:
        """Fetch the receipts of transactions."""
        for txid in txids:
            path = f"/app/receipt?transaction_id={txid}"
            reply = self.node.request("GET", path, person=ALICE)
            assert reply.status == 200, reply.body
            self.receipts[txid] = json.loads_object(reply.body)

    def note_certificate(self) -> None:
        """Remember which certificate the service has now."""
        reply = self.node.request("GET", "/node/network")
        certificate = json.loads_object(reply.body)["service_certificate"]
        assert isinstance(certificate, str)
        self.service_certificates.append(certificate)


def make_service(ledger: Path) -> MadeService:
    """Run a service, and write its ledger to a folder."""
    source = "\n".join(path.read_text() for path in constitution("default"))
    node = InProcessNode(app, constitution=source, members=MEMBERS)
    made = MadeService(node=node, ledger=ledger)
    made.note_certificate()
    node.open_service(ALICE)
    _use(made)
    _rekey(made)
    _renew_certificates(made)
    _change_who_is_who(made)
    _leave_the_end_unsigned(made)
    _write_files(made)
    return made


def act(name: str, /, **args: Json) -> JsonObject:
    """Write down an action."""
    return {"name": name, "args": args} if args else {"name": name}


def _use(made: MadeService) -> None:
    """Private and public writes, removals, claims, nothing at all; a chunk ends."""
    private = made.write("private", {"id": 1, "msg": "kept to ourselves"})
    public = made.write("public", {"id": 1, "msg": "for all to see"})
    claimed = made.write(
        "public", {"id": 2, "msg": "with a claim", "record_claim": True}
    )
    made.write("private", {"id": 2, "msg": "soon gone"})
    for path in ("/app/log/private?id=2", "/app/log/public/all"):
        assert made.node.request("DELETE", path, person=ALICE).status == 200
    made.write("public", {"id": 3, "msg": "ü" * 5000})
    made.govern(act("trigger_ledger_chunk"))
    made.sign()
    created = TxId(private.view, 1)
    signature = TxId(private.view, made.node.host.commit)
    made.prove(created, private, public, claimed, signature)


def _rekey(made: MadeService) -> None:
    """The ledger secret changes twice, and shares once in between."""
    made.govern(act("trigger_ledger_rekey"))
    first = made.write("private", {"id": 4, "msg": "under the second secret"})
    made.govern(act("trigger_recovery_shares_refresh"))
    made.govern(act("set_recovery_threshold", recovery_threshold=2))
    made.govern(act("trigger_ledger_rekey"), act("trigger_ledger_chunk"))
    second = made.write("private", {"id": 5, "msg": "under the third"})
    made.sign()
    made.prove(first, second)


def _renew_certificates(made: MadeService) -> None:
    """Service and node get new certificates for their keys, apart and at once."""
    validity: JsonObject = {"valid_from": VALID_FROM, "validity_period_days": 90}
    before = made.write("private", {"id": 6, "msg": "before renewals"})
    made.govern(act("set_service_certificate_validity", **validity))
    made.note_certificate()
    between = made.write("public", {"id": 6, "msg": "between renewals"})
    made.sign()
    made.govern(act("set_all_nodes_certificate_validity", **validity))
    after = made.write("private", {"id": 7, "msg": "after renewals"})
    made.sign()
    made.govern(
        act("set_service_certificate_validity", **validity),
        act("set_all_nodes_certificate_validity", **validity),
        act("trigger_ledger_chunk"),
    )
    made.note_certificate()
    made.sign()
    made.prove(before, between, after)


def _change_who_is_who(made: MadeService) -> None:
    """Members, users, data, issuers and options come, change and go."""
    node = made.node
    assert NEWCOMER.encryption_key is not None
    made.govern(
        act(
            "set_member",
            cert=NEWCOMER.certificate.pem,
            encryption_pub_key=NEWCOMER.encryption_key.public_key.pem,
            member_data={"is_new": True},
        ),
        act("set_user", cert=BOB.certificate.pem, user_data={"isAdmin": False}),
    )
    made.sign()
    node.acknowledge(NEWCOMER)
    made.write("private", {"id": 8, "msg": "by another"}, person=BOB)
    bundle = node.service_certificate
    issuer = "https://issuer.example"
    made.govern(
        act("set_user_data", user_id=BOB.id, user_data={"isAdmin": True}),
        act("set_ca_cert_bundle", name="ca", cert_bundle=bundle),
        act("set_jwt_issuer", issuer=issuer, auto_refresh=False),
        act("remove_ca_cert_bundle", name="ca"),
        act("remove_user", user_id=ALICE.id),
        act("set_recovery_threshold", recovery_threshold=1),
        act("trigger_ledger_chunk"),
    )
    made.govern(
        act("remove_jwt_issuer", issuer=issuer),
        act("remove_member", member_id=MEMBERS[2].id),
        act("set_user", cert=ALICE.certificate.pem),
    )
    made.govern(
        act("set_js_app", bundle=SCRIPT), act("set_js_runtime_options", **LIMITS)
    )
    refused = node.propose(act("no_such_action"))
    assert refused.status == 400, refused.body
    made.sign()


def _leave_the_end_unsigned(made: MadeService) -> None:
    """An open chunk: signed entries, then some that nobody vouched for yet."""
    txid = made.write("public", {"id": 9, "msg": "in the open chunk"})
    made.sign()
    made.prove(txid)
    made.write("private", {"id": 10, "msg": "unsigned"})
    made.write("public", {"id": 10, "msg": "unsigned as well"})
    assert made.node.host.commit == len(made.node.host.entries) - 2


def _write_files(made: MadeService) -> None:
    """Do with the ledger what the host did."""
    store = LedgerStore(made.ledger, report=Journal(io.BytesIO()))
    store.create()
    for effect in made.node.host.effects:
        if isinstance(effect, AppendLedger):
            store.append(effect)
        elif isinstance(effect, CommitLedger):
            store.commit(effect.seqno)
    store.close()


def _first_seqno(path: Path) -> int:
    return int(path.name.removeprefix("ledger_").split("-")[0].split(".")[0])

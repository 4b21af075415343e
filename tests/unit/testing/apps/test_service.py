"""A service that a test opens, from its first proposal to its last receipt."""

import base64
import logging
from pathlib import Path

import pytest

from ccfpy.app import App, Context
from ccfpy.base.json import JsonObject
from ccfpy.client.attested import EvidenceRefused, Expected
from ccfpy.client.errors import UnexpectedReply
from ccfpy.client.share import constitution
from ccfpy.ledger.receipt import RevealedLeaf
from ccfpy.testing.apps import AttestedMachine, NotOpened, Service
from tests.unit.testing.apps.conftest import app


def test_a_service_is_open_to_its_users(service: Service) -> None:
    network = service.anybody.get("/node/network").object()
    assert network["service_status"] == "Open"
    assert [member.name for member in service.members] == ["member0", "member1"]
    info = service.ledger.table("public:ccf.gov.users.info")
    assert list(info.values()) == [b'{"user_data":{"role":"writer"}}']
    assert service.user("bob").put("/app/notes/1", "x").status == 204


def test_people_may_be_counted_or_described() -> None:
    service = Service.open(app, members={"bank": {"country": "fr"}}, users=3)
    assert [user.name for user in service.users] == ["user0", "user1", "user2"]
    (info,) = service.ledger.table("public:ccf.gov.members.info").values()
    assert b'"member_data":{"country":"fr"}' in info
    with pytest.raises(LookupError, match=r"'zoe'; there are user0, user1, user2"):
        service.user("zoe")


def test_the_same_service_is_the_same_each_time() -> None:
    one, same = Service.open(app), Service.open(app)
    assert one.certificate == same.certificate
    assert one.user().id == same.user().id
    assert one.ledger.last == same.ledger.last
    assert Service.open(app, seed=2).certificate != one.certificate


def test_a_bundle_is_served_and_its_log_is_kept(
    bundle: JsonObject, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service.open(bundle)
    answer = service.anybody.get("/app/greet")
    assert (answer.text, answer.logged) == ("hello", ["greeted"])
    assert "greeted" in service.logged
    assert (
        "ccfpy.testing.node0",
        logging.INFO,
        "[app] greeted",
    ) in caplog.record_tuples


def test_an_answer_may_be_larger_than_a_request(bundle: JsonObject) -> None:
    answer = Service.open(bundle).anybody.get("/app/long")
    assert (answer.status, answer.body) == (200, b"x" * (2 << 20))


def test_a_script_that_fails_says_where(bundle: JsonObject) -> None:
    failed = Service.open(bundle).anybody.get("/app/fail")
    assert failed.status == 500
    assert "logged: TypeError: wrong" in repr(failed)
    assert "greet.js:" in repr(failed)


def test_a_script_that_never_ends_is_ended(bundle: JsonObject) -> None:
    service = Service.open(bundle)
    limit: JsonObject = {
        "name": "set_js_runtime_options",
        "args": {
            "max_heap_bytes": 100_000_000,
            "max_stack_bytes": 1_000_000,
            "max_execution_time_ms": 10,
        },
    }
    service.decide(limit)
    answer = service.anybody.get("/app/spin")
    assert (answer.status, answer.error) == (500, "InternalError")
    assert "took too long" in answer.message


def test_members_decide_and_admit(service: Service) -> None:
    carol = service.admit("carol", {"role": "reader"})
    assert service.user("carol") is carol
    assert carol.put("/app/notes/1", "x").status == 204
    removed: JsonObject = {"name": "remove_user", "args": {"user_id": carol.id}}
    assert service.decide(removed).state == "Accepted"
    assert carol.put("/app/notes/1", "x").status == 401


def test_a_constitution_may_be_chosen(tmp_path: Path) -> None:
    actions, validate, _, apply = constitution("default")
    resolve = tmp_path / "resolve.js"
    resolve.write_text("export function resolve() { return 'Rejected'; }")
    with pytest.raises(NotOpened, match="is Rejected"):
        Service.open(app, constitution=[actions, validate, resolve, apply])
    assert Service.open(app, constitution="sandbox", members=3).user().id


def test_a_service_that_does_not_open_says_why() -> None:
    wrong: JsonObject = {"metadata": {"endpoints": {"/x": {"get": {}}}}, "modules": []}
    with pytest.raises(NotOpened, match="js_module"):
        Service.open(wrong)


@pytest.mark.slow
def test_a_service_of_three_nodes_survives_its_primary() -> None:
    service = Service.open(app, nodes=3)
    first, second, third = service.nodes
    ann = service.user()
    service.wait_committed(ann.put("/app/notes/1", "milk"))
    assert service.wait_primary() is first
    service.kill(first)
    assert service.wait_primary() in (second, third)
    for number, node in enumerate(service.nodes):
        written = ann.at(node).put(f"/app/notes/{number}", "oil")
        service.receipt(written)
    assert service.ledger.table("public:notes") == {b"0": b'"oil"', b"1": b'"oil"'}
    with pytest.raises(AssertionError, match="was killed"):
        ann.at(first).get("/app/header")


@pytest.mark.slow
def test_without_a_majority_nobody_is_primary() -> None:
    service = Service.open(app, nodes=2)
    service.kill(service.nodes[0])
    with pytest.raises(AssertionError, match="no primary within"):
        service.wait_primary()


def test_a_service_tells_how_far_it_is(service: Service) -> None:
    assert repr(service) == f"<service of 1 nodes, committed to {service.ledger.last}>"
    assert repr(service.users) == "[<ann>, <bob>]"


def test_time_moves_when_told_to(service: Service) -> None:
    before = service.now
    service.advance(90_000)
    assert (service.now - before).total_seconds() == 90
    ticks = len(service.nodes[0].host.effects)
    service.advance(300 * 24 * 3_600_000)
    assert (service.now - before).days == 300
    assert len(service.nodes[0].host.effects) - ticks < 1000
    assert service.user().put("/app/notes/1", "x").status == 204


def test_a_receipt_is_verified(service: Service) -> None:
    written = service.user().put("/app/notes/1", "milk")
    leaf = service.receipt(written).leaf
    assert isinstance(leaf, RevealedLeaf)
    assert leaf.txid == written.txid
    with pytest.raises(AssertionError, match="not a transaction"):
        service.receipt(service.anybody.put("/app/notes/1", "x"))


# Evidence

vouching = App("vouching")


@vouching.get("/key")
def key(ctx: Context, nonce: str) -> JsonObject:
    """Return evidence for a nonce."""
    evidence = ctx.evidence(bytes.fromhex(nonce))
    return {
        "format": evidence.format,
        "quote": base64.b64encode(evidence.quote).decode(),
        "endorsements": base64.b64encode(evidence.endorsements).decode(),
    }


NONCE = b"\x07" * 32


def _asked(service: Service) -> JsonObject:
    return service.anybody.get(f"/app/key?nonce={NONCE.hex()}").object()


def test_evidence_of_nodes_on_a_machine_is_checked() -> None:
    service = Service.open(vouching, nodes=2, machine=AttestedMachine())
    for node in service.nodes:
        answer = service.anybody.at(node).get(f"/app/key?nonce={NONCE.hex()}")
        service.check_evidence(answer.object(), NONCE)
    with pytest.raises(EvidenceRefused, match="bound to another nonce"):
        service.check_evidence(_asked(service), bytes(32))
    other = AttestedMachine(code=b"other").policy
    with pytest.raises(EvidenceRefused, match="code is none that is expected"):
        service.check_evidence(_asked(service), NONCE, other)
    with pytest.raises(UnexpectedReply):
        service.check_evidence(None, NONCE)


def test_virtual_nodes_have_no_policy() -> None:
    service = Service.open(vouching)
    with pytest.raises(AssertionError, match="the nodes are virtual: open the service"):
        service.check_evidence(_asked(service), NONCE)
    service.check_evidence(_asked(service), NONCE, Expected(allows_virtual=True))

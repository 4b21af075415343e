"""Rules of the default constitution beyond single actions."""

import json

import pytest

from ccfpy.js.engine import JsException, JsLimits, Program, TxAccess
from ccfpy.js.quickjs import QuickJs
from tests.governance.conftest import GOV, UNIT, Service, constitution
from tests.governance.proposals import (
    CERT,
    CERT_ID,
    CONFIG,
    GUEST,
    MEMBER,
    act,
    bundle,
    dumps,
    populated,
)
from tests.governance.test_accepted_actions import EFFECTS, WRITES
from tests.governance.test_refused_actions import REFUSED


@pytest.fixture
def service(engine: QuickJs) -> Service:
    return populated(engine)


def test_every_action_is_tried_both_ways(engine: QuickJs) -> None:
    listing = "export const names = () => [...actions.keys()];"
    program = Program(name="c", source=constitution("default") + listing)
    text = engine.call_export(program, "names", [], extensions=[], limits=JsLimits())
    names = set(json.loads(text or ""))
    assert len(names) == 46
    accepted = {action["name"] for action, _ in [*WRITES, *EFFECTS]}
    takes_anything = {
        "remove_js_app",
        "refresh_js_app_bytecode_cache",
        "trigger_ledger_chunk",
        "trigger_snapshot",
    }
    assert names - accepted == {"remove_snp_minimum_tcb_version"}
    assert names - {action["name"] for action, _ in REFUSED} == takes_anything


def test_all_faults_of_a_proposal_are_reported_in_order(service: Service) -> None:
    verdict = service.validate(
        act("remove_user"), act("trigger_snapshot"), {"name": "x"}, 1, act("set_user")
    )
    description = str(verdict["description"])
    places = [
        description.index(part)
        for part in (
            "remove_user at position 0 failed validation: Error: user_id",
            "x: no such action",
            "undefined: no such action",
            "set_user at position 4 failed validation: Error: cert",
        )
    ]
    assert verdict["valid"] is False
    assert places == sorted(places)


def test_a_body_that_is_no_proposal_is_refused(service: Service) -> None:
    for text, fault in (("{", "SyntaxError: "), ("", "SyntaxError: ")):
        with pytest.raises(JsException) as caught:
            service._call("validate", [text], service.store.begin(), TxAccess.GOV_RO)
        assert caught.value.reason.startswith(fault)
    for text in ("{}", "null", '{"actions": 1}', "[]"):
        verdict = service._call(
            "validate", [text], service.store.begin(), TxAccess.GOV_RO
        )
        assert json.loads(verdict or "")["description"] == "actions must be an array"


def test_removing_a_member_with_a_share_rekeys_the_ledger(service: Service) -> None:
    service.put(f"{GOV}members.info", GUEST, {"status": "Active"})
    service.apply(act("remove_member", member_id=MEMBER))
    assert service.effects.asked == ["rekey"]


def test_a_new_threshold_needs_new_shares(service: Service) -> None:
    service.put(f"{GOV}members.info", GUEST, {"status": "Active"})
    writes = service.apply(act("set_recovery_threshold", recovery_threshold=2))
    changed = dumps({**CONFIG, "recovery_threshold": 2})
    assert writes == {"service.config": {"0": changed}}
    assert service.effects.asked == ["shares"]


def test_the_threshold_stays_while_shares_are_awaited(service: Service) -> None:
    status = "WaitingForRecoveryShares"
    service.put(f"{GOV}service.info", UNIT, {"status": status})
    with pytest.raises(JsException, match=f"if service is {status}"):
        service.apply(act("set_recovery_threshold", recovery_threshold=2))


def test_a_recovered_service_is_opened_with_both_identities(service: Service) -> None:
    service.put(f"{GOV}service.info", UNIT, {"status": "Recovering"})
    with pytest.raises(JsException, match="requires both, the previous and the next"):
        service.apply(act("transition_service_to_open", next_service_identity=CERT))
    assert not service.effects.asked


def test_a_new_app_replaces_the_old_one_whole(service: Service) -> None:
    for table in ("modules", "endpoints", "modules_quickjs_bytecode"):
        service.put(f"{GOV}{table}", "old", "x")
    writes = service.apply(act("set_js_app", bundle=bundle()))
    assert writes["modules"].keys() == {"old", "/a.js"}
    assert writes["endpoints"].keys() == {"old", "GET /x"}
    assert writes["modules_quickjs_bytecode"].keys() == {"old", "/a.js"}
    assert writes["modules_quickjs_version"].keys() == {"0"}
    assert not any(table["old"] for table in list(writes.values()) if "old" in table)
    assert all(
        value is None
        for table in service.apply(act("remove_js_app")).values()
        for value in table.values()
    )


def test_an_endorsement_is_one_of_several_feeds(service: Service) -> None:
    table = f"{GOV}nodes.snp.uvm_endorsements"
    service.put(table, "d", {"a": {"svn": "1"}, "b": {"svn": "2"}})
    writes = service.apply(act("remove_snp_uvm_endorsement", did="d", feed="a"))
    assert writes == {"nodes.snp.uvm_endorsements": {"d": '{"b":{"svn":"2"}}'}}


def test_a_known_tcb_version_can_be_removed(service: Service) -> None:
    service.put(f"{GOV}nodes.snp.tcb_versions", "00a00f11", {})
    action = act("remove_snp_minimum_tcb_version", cpuid="00a00f11")
    assert service.validate(action)["valid"] is True
    assert service.apply(action) == {"nodes.snp.tcb_versions": {"00a00f11": None}}


def test_a_first_member_has_nothing_to_acknowledge_yet(engine: QuickJs) -> None:
    service = Service(engine, constitution("default"))
    writes = service.apply(act("set_member", cert=CERT))
    assert writes["members.acks"] == {CERT_ID: '{"state_digest":""}'}


def test_later_actions_see_what_earlier_ones_did(service: Service) -> None:
    writes = service.apply(
        act("set_user", cert=CERT), act("set_user_data", user_id=CERT_ID, user_data={})
    )
    assert writes["users.info"] == {CERT_ID: '{"user_data":{}}'}


ADDED = """
actions.set("greet", new Action(
  function (args) { checkType(args.name, "string", "name"); },
  function (args, proposalId) {
    ccf.kv["public:ccf.gov.greetings"].set(
      getSingletonKvKey(), ccf.jsonCompatibleToBuf(args.name + proposalId));
  }
));
"""


def test_a_file_placed_after_may_add_actions(engine: QuickJs) -> None:
    service = Service(engine, constitution("default") + ADDED)
    assert service.validate(act("greet", name="x"))["valid"] is True
    assert service.validate(act("greet"))["valid"] is False
    assert service.apply(act("greet", name="x")) == {"greetings": {"0": '"xpid"'}}

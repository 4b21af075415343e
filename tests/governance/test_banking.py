"""The constitution of a consortium of banks: who decides what, and what comes of it."""

import json

import pytest

from ccfpy.base.json import JsonObject
from ccfpy.js.engine import JsException
from ccfpy.js.quickjs import QuickJs
from tests.governance.conftest import CONSTITUTIONS, GOV, Service
from tests.governance.proposals import act
from tests.unit.js.conftest import Authority

OURS = CONSTITUTIONS.parents[1] / "apps" / "banking" / "constitution"
DEFAULT = CONSTITUTIONS / "default"
SOURCE = "\n".join(
    script.read_text()
    for script in (
        DEFAULT / "actions.js",
        OURS / "actions.js",
        DEFAULT / "validate.js",
        OURS / "resolve.js",
        DEFAULT / "apply.js",
    )
)
INFO = f"{GOV}members.info"
BANKS = f"{GOV}banking.banks"
REGULATOR: JsonObject = {"role": "regulator"}
FORMER, OTHER = Authority.named("Former").certificate, "0" * 64
MEMBER, CLERK = Authority.named("Member").certificate, Authority.named("C").certificate


def of(bank: str) -> JsonObject:
    return {"role": "bank", "bank": bank}


@pytest.fixture
def service(engine: QuickJs) -> Service:
    """A regulator, two who speak for aurora, one each for borealis and for nobody."""
    made = Service(engine, SOURCE)
    offices: dict[str, JsonObject | None] = {
        "reg": REGULATOR,
        "aur": of("aurora"),
        "aur2": of("aurora"),
        "bor": of("borealis"),
        "any": None,
    }
    for member, data in offices.items():
        made.put(INFO, member, {"status": "Active", "member_data": data})
    made.put(INFO, "new", {"status": "Accepted", "member_data": of("cumulus")})
    return made


FREEZE = act("freeze_account", account_id="ann", reason="a court's order")
FREE = act("unfreeze_account", account_id="ann")
LIMIT = act("set_transfer_limit", limit=100)
RULES = act("set_constitution", constitution="")
DECISIONS: list[tuple[list[JsonObject], str, str]] = [
    # freezing: the regulator and two banks, whatever the others say
    ([FREEZE], "reg aur bor", "Accepted"),
    ([FREE], "reg aur bor", "Accepted"),
    ([FREEZE], "reg aur aur2 any", "Open"),
    ([FREEZE], "aur aur2 bor any", "Open"),
    ([FREEZE], "reg aur -bor", "Open"),
    ([FREEZE], "reg aur new", "Open"),
    ([FREEZE], "reg aur gone", "Open"),
    ([FREEZE], "", "Open"),
    # who decides: a majority with the regulator
    ([RULES], "reg aur bor", "Accepted"),
    ([RULES], "aur aur2 bor any", "Open"),
    ([RULES], "reg aur", "Open"),
    ([act("set_member_data")], "aur bor any", "Open"),
    ([act("remove_member")], "aur bor any", "Open"),
    ([act("set_member")], "aur bor any", "Open"),
    ([act("set_regulator")], "aur bor any", "Open"),
    # all else: a majority
    ([LIMIT], "aur aur2 bor", "Accepted"),
    ([LIMIT], "aur bor", "Open"),
    ([LIMIT], "aur bor -any", "Open"),
    ([], "aur aur2 bor", "Accepted"),
    ([], "", "Open"),
    # all of them: the rule of each
    ([LIMIT, FREEZE], "reg aur bor", "Accepted"),
    ([LIMIT, FREEZE], "aur aur2 bor any", "Open"),
    ([FREEZE, RULES], "reg aur aur2", "Open"),
]


def cast(text: str) -> dict[str, bool]:
    """Read votes: a name is one in favour, with a minus against."""
    return {name.lstrip("-"): name[0] != "-" for name in text.split()}


@pytest.mark.parametrize(("actions", "votes", "state"), DECISIONS)
def test_each_action_has_its_rule(
    service: Service, actions: list[JsonObject], votes: str, state: str
) -> None:
    assert service.resolve("any", cast(votes), *actions) == state


def test_a_majority_alone_makes_the_first_regulator(engine: QuickJs) -> None:
    made = Service(engine, SOURCE)
    for member in ("a", "b", "c"):
        made.put(INFO, member, {"status": "Active"})
    assert made.resolve("a", cast("a b"), act("set_regulator")) == "Accepted"
    assert made.resolve("a", cast("a b c"), FREEZE) == "Open"


CERT = MEMBER.pem
BANK: JsonObject = {
    "bank_id": "cumulus",
    "name": "Cumulus",
    "member_cert": CERT,
    "user_cert": CLERK.pem,
}
ILL_FORMED = [
    act("set_bank", **{**BANK, "bank_id": "Cumulus"}),
    act("set_bank", **{**BANK, "bank_id": ""}),
    act("set_bank", **{**BANK, "bank_id": "c" * 33}),
    act("set_bank", **{**BANK, "bank_id": 1}),
    act("set_bank", **{**BANK, "name": None}),
    act("set_bank", **{**BANK, "member_cert": "no certificate"}),
    act("set_bank", **{**BANK, "user_cert": None}),
    act("set_bank", **{**BANK, "member_encryption_pub_key": 1}),
    act("remove_bank"),
    act("set_regulator", member_cert="no certificate"),
    act("set_regulator", member_cert=CERT, user_cert="no certificate"),
    act("set_transfer_limit"),
    act("set_transfer_limit", limit="1"),
    act("set_transfer_limit", limit=-1),
    act("set_transfer_limit", limit=0.5),
    act("set_transfer_limit", limit=2**53),
    act("freeze_account", account_id="ann"),
    act("freeze_account", account_id="-ann", reason=""),
    act("unfreeze_account"),
]
WELL_FORMED = [
    act("set_bank", **BANK),
    act("set_bank", **{**BANK, "bank_id": "c" * 32}),
    act("remove_bank", bank_id="0"),
    act("set_regulator", member_cert=CERT),
    act("set_regulator", member_cert=CERT, user_cert=CERT),
    act("set_transfer_limit", limit=None),
    act("set_transfer_limit", limit=0),
    act("set_transfer_limit", limit=2**53 - 1),
    FREEZE,
    FREE,
]


@pytest.mark.parametrize("action", ILL_FORMED)
def test_what_has_no_form_is_refused(service: Service, action: JsonObject) -> None:
    assert service.validate(action)["valid"] is False


@pytest.mark.parametrize("action", WELL_FORMED)
def test_what_has_its_form_is_put_to_the_vote(
    service: Service, action: JsonObject
) -> None:
    assert service.validate(action) == {"valid": True, "description": ""}


def read(row: str | None) -> object:
    assert row is not None
    return json.loads(row)


def test_a_bank_is_a_member_and_a_user(service: Service) -> None:
    written = service.apply(act("set_bank", **BANK))
    member, user = MEMBER.digest_hex, CLERK.digest_hex
    assert read(written["banking.banks"]["cumulus"]) == {
        "name": "Cumulus",
        "member_id": member,
        "user_id": user,
    }
    info = read(written["members.info"][member])
    assert info == {"member_data": of("cumulus"), "status": "Accepted"}
    assert read(written["users.info"][user]) == {"user_data": of("cumulus")}
    assert written["users.certs"] == {user: CLERK.pem}


def test_a_member_who_becomes_a_bank_keeps_its_vote(service: Service) -> None:
    service.put(INFO, MEMBER.digest_hex, {"status": "Active"})
    written = service.apply(act("set_bank", **BANK))
    info = read(written["members.info"][MEMBER.digest_hex])
    assert info == {"member_data": of("cumulus"), "status": "Active"}
    assert "members.certs" not in written


def test_a_bank_that_is_set_anew_has_one_member_and_one_user(service: Service) -> None:
    former = FORMER.digest_hex
    row = {"name": "Old", "member_id": former, "user_id": former}
    service.put(BANKS, "cumulus", row)
    service.put(INFO, former, {"status": "Accepted"})
    written = service.apply(act("set_bank", **BANK))
    assert written["members.info"][former] is None
    assert written["users.certs"][former] is None
    assert set(written["members.certs"]) == {former, MEMBER.digest_hex}


def test_a_bank_that_is_removed_has_neither(service: Service) -> None:
    former = FORMER.digest_hex
    row = {"name": "Old", "member_id": former, "user_id": former}
    service.put(BANKS, "cumulus", row).put(INFO, former, {"status": "Accepted"})
    written = service.apply(act("remove_bank", bank_id="cumulus"))
    assert written["banking.banks"] == {"cumulus": None}
    assert written["members.info"] == {former: None}
    assert written["users.certs"] == {former: None}


@pytest.mark.parametrize("data", [REGULATOR, of("aurora")])
def test_nobody_holds_two_offices(service: Service, data: JsonObject) -> None:
    holder = {"status": "Active", "member_data": data}
    service.put(INFO, MEMBER.digest_hex, holder)
    with pytest.raises(JsException):
        service.apply(act("set_bank", **BANK))


def test_nobody_acts_for_two_banks(service: Service) -> None:
    row = {"name": "A", "member_id": OTHER, "user_id": CLERK.digest_hex}
    service.put(BANKS, "aurora", row)
    with pytest.raises(JsException):
        service.apply(act("set_bank", **BANK))


def test_a_regulator_is_no_bank_and_may_have_a_user(service: Service) -> None:
    member = MEMBER.digest_hex
    action = act("set_regulator", member_cert=CERT, user_cert=CLERK.pem)
    with pytest.raises(JsException):
        service.apply(action)
    service.put(INFO, member, {"status": "Active", "member_data": of("aurora")})
    with pytest.raises(JsException):
        service.apply(action)
    service.put(INFO, member, {"status": "Active"})
    written = service.apply(action)
    info = read(written["members.info"][member])
    assert info == {"status": "Active", "member_data": REGULATOR}
    user = read(written["users.info"][CLERK.digest_hex])
    assert user == {"user_data": REGULATOR}


def test_no_bank_can_be_removed_that_is_not_there(service: Service) -> None:
    with pytest.raises(JsException):
        service.apply(act("remove_bank", bank_id="none"))


@pytest.mark.parametrize(
    ("action", "written"),
    [
        (FREEZE, {"banking.frozen_accounts": {"ann": '{"reason":"a court\'s order"}'}}),
        (FREE, {"banking.frozen_accounts": {"ann": None}}),
        (LIMIT, {"banking.transfer_limit": {"0": "100"}}),
        (
            act("set_transfer_limit", limit=None),
            {"banking.transfer_limit": {"0": None}},
        ),
    ],
)
def test_a_rule_for_accounts_is_one_row(
    service: Service, action: JsonObject, written: dict[str, dict[str, str]]
) -> None:
    assert service.apply(action) == written

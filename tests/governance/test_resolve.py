"""How each constitution counts."""

import pytest

from ccfpy.base.json import JsonObject
from ccfpy.js.engine import JsLimits, Program
from ccfpy.js.extensions.gov import GovExtension
from ccfpy.js.quickjs import QuickJs
from tests.governance.conftest import CONSTITUTIONS, GOV, Service, constitution
from tests.unit.js.conftest import Authority

NAMES = sorted(folder.name for folder in CONSTITUTIONS.iterdir())
VOTERS = ("v1", "v2", "v3")
OPERATOR, NEW_OPERATOR, FORMER = "o1", "o2", "x1"
SNAPSHOT: JsonObject = {"name": "trigger_snapshot"}
USER: JsonObject = {"name": "remove_user", "args": {}}
CERT = Authority.named("Service").certificate
OPERATOR_DATA: JsonObject = {"is_operator": True}


def service(engine: QuickJs, name: str) -> Service:
    """Three voters, one of them with a key; two operators; one not yet active."""
    made = Service(engine, constitution(name))
    info = f"{GOV}members.info"
    for voter in VOTERS:
        made.put(info, voter, {"status": "Active"})
    made.put(info, "v1", {"status": "Active", "member_data": OPERATOR_DATA})
    made.put(f"{GOV}members.encryption_public_keys", "v1", "key")
    made.put(info, FORMER, {"status": "Accepted"})
    if name == "operator":
        operator = {"status": "Active", "member_data": OPERATOR_DATA}
        made.put(info, OPERATOR, operator)
        made.put(info, NEW_OPERATOR, {**operator, "status": "Accepted"})
    return made


def votes(**cast: bool) -> dict[str, bool]:
    return cast


CASES = [
    ("default", {}, "Open"),
    ("default", votes(v1=True), "Open"),
    ("default", votes(v1=True, v2=True), "Accepted"),
    ("default", votes(v1=True, v2=False, v3=False), "Open"),
    ("default", votes(v1=True, x1=True, gone=True), "Open"),
    ("veto", {}, "Open"),
    ("veto", votes(v1=True, v2=True), "Accepted"),
    ("veto", votes(v1=True, v2=True, v3=False), "Rejected"),
    ("veto", votes(v1=True, gone=False), "Open"),
    ("sandbox", {}, "Accepted"),
    ("operator", votes(v1=True, o1=True), "Open"),
    ("operator", votes(v1=True, v2=True), "Accepted"),
]


@pytest.mark.parametrize(("name", "cast", "state"), CASES)
def test_votes_are_counted(
    engine: QuickJs, name: str, cast: dict[str, bool], state: str
) -> None:
    assert service(engine, name).resolve("v2", cast, USER) == state


def set_member(**args: object) -> JsonObject:
    return {"name": "set_member", "args": {"cert": CERT.pem, **args}}  # type: ignore[dict-item]  # plain JSON


OPERATORS_WAY = [
    ([SNAPSHOT], "Accepted"),
    ([SNAPSHOT, USER], "Open"),
    ([set_member(member_data=OPERATOR_DATA)], "Accepted"),
    ([set_member(member_data=OPERATOR_DATA, encryption_pub_key="k")], "Open"),
    ([set_member(member_data={"is_operator": 1})], "Open"),
    ([set_member()], "Open"),
    ([{"name": "remove_member", "args": {"member_id": NEW_OPERATOR}}], "Accepted"),
    ([{"name": "remove_member", "args": {"member_id": "v1"}}], "Open"),
    ([{"name": "add_virtual_measurement", "args": {}}], "Open"),
]


@pytest.mark.parametrize(("actions", "state"), OPERATORS_WAY)
def test_operators_pass_what_is_theirs_and_nothing_else(
    engine: QuickJs, actions: list[JsonObject], state: str
) -> None:
    made = service(engine, "operator")
    assert made.resolve(OPERATOR, {}, *actions) == state
    assert made.resolve("v1", {}, *actions) == "Open", "a key holder is no operator"
    assert made.resolve("v2", {}, *actions) == "Open"


def test_an_operator_cannot_turn_a_member_into_one(engine: QuickJs) -> None:
    made = service(engine, "operator")
    made.put(f"{GOV}members.info", CERT.digest_hex, {"status": "Active"})
    action = set_member(member_data=OPERATOR_DATA)
    assert made.resolve(OPERATOR, {}, action) == "Open"


@pytest.mark.parametrize("name", NAMES)
def test_every_constitution_can_be_put_in_force(engine: QuickJs, name: str) -> None:
    text = engine.call_export(
        Program(
            name="check",
            source="export const f = (text) => ccf.gov.validateConstitution(text)",
        ),
        "f",
        [constitution(name)],
        extensions=[GovExtension(engine, JsLimits())],
        limits=JsLimits(),
    )
    assert text == "true"


def test_the_constitutions_are_the_five() -> None:
    assert NAMES == ["default", "operator", "sandbox", "simulated", "veto"]

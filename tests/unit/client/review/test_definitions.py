"""A constitution's actions and arguments, found by running its checks."""

import re

import pytest

from ccfpy.client.review.dry_run import Argument, NoDefinitions, definitions
from tests.unit.client.review.made import RULES, public_state

OWN = """
actions.set("greet", new Action(
  function (args) {
    checkType(args.name, "string", "name");
    checkType(args.loud, "boolean?", "loud");
    if (args.name === "?") throw new Error("who is that\\u001b");
  },
  function () {}));
actions.set("odd", new Action((args) => { throw new Error(`never ${args.x}`); }, 0));
actions.set("broken", new Action(5, 5));
"""


def arguments(rules: str = RULES) -> dict[str, list[tuple[str, bool, str]]]:
    return {
        each.name: [(a.name, a.is_required, a.wanted) for a in each.arguments]
        for each in definitions(public_state(rules=rules))
    }


def test_every_action_is_listed_with_what_it_checks() -> None:
    found = arguments()
    assert set(re.findall(r'^define\("(\w+)"', RULES, re.MULTILINE)) <= set(found)
    certificate = "a valid X509 certificate (bundle) in PEM format"
    assert found["set_member"] == [
        ("cert", True, certificate),
        ("encryption_pub_key", False, "string"),
        ("member_data", False, "object"),
        ("recovery_role", False, "one of NonParticipant,Participant,Owner"),
    ]
    assert found["trigger_snapshot"] == []
    assert [name for name, *_ in found["set_js_app"]] == [
        "bundle",
        "disable_bytecode_cache",
    ]
    for action in ("set_snp_minimum_tcb_version", "set_snp_minimum_tcb_version_hex"):
        assert [name for name, *_ in found[action]] == ["cpuid", "tcb_version"]


def test_actions_of_a_consortium_are_asked_too() -> None:
    found = arguments(RULES + OWN)
    assert found["greet"] == [("name", True, "string"), ("loud", False, "boolean")]
    assert [name for name, *_ in found["odd"]] == ["x"]
    assert found["broken"] == []


def test_an_argument_that_may_be_anything_wants_nothing() -> None:
    rules = RULES + (
        'actions.set("any", new Action((args) => { args.a; args.b; }, 0));'
    )
    (definition,) = (
        each for each in definitions(public_state(rules=rules)) if each.name == "any"
    )
    assert definition.arguments == (
        Argument(name="a", is_required=False, wanted=""),
        Argument(name="b", is_required=False, wanted=""),
    )


@pytest.mark.parametrize("rules", ["export function resolve () {}", "nonsense ("])
def test_a_constitution_without_a_table_of_actions_says_so(rules: str) -> None:
    with pytest.raises(NoDefinitions, match="does not say which actions"):
        definitions(public_state(rules=rules))

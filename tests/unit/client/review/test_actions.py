import re

from ccfpy.base.json import Json
from ccfpy.client.review.actions import PURPOSES, names, rows
from tests.unit.client.review.made import ADDS_USER, RULES, USER, action

APP: Json = {
    "metadata": {"endpoints": {"/a": {"get": {}, "post": {}}, "/b": {"put": {}}}},
    "modules": [{"name": "a.js", "module": "x"}, {"name": "b.js", "module": "y"}],
}


def test_each_action_has_its_purpose_and_its_arguments() -> None:
    document: dict[str, Json] = {"actions": [ADDS_USER, action("own_action", at=1)]}
    told = [(row.label, row.text, row.depth) for row in rows(document)]
    assert told[0] == ("1. set_user", PURPOSES["set_user"], 0)
    assert told[1][0] == "cert"
    assert USER.subject in told[1][1]
    assert told[2] == ("user_data", '{"role": "clerk"}', 1)
    assert told[3:] == [("2. own_action", "", 0), ("at", "1", 1)]
    assert names(document) == ("set_user", "own_action")


def test_an_app_is_named_by_endpoints_and_modules() -> None:
    document: dict[str, Json] = {"actions": [action("set_js_app", bundle=APP)]}
    told = {row.label: row.text for row in rows(document)}
    assert told["endpoints"] == "GET /a, POST /a, PUT /b"
    assert told["modules"] == "a.js, b.js"


def test_what_is_no_proposal_has_no_actions() -> None:
    broken: list[dict[str, Json]] = [
        {},
        {"actions": 5},
        {"actions": [5, None]},
    ]
    for document in broken:
        assert not names(document)
    odd: dict[str, Json] = {"actions": [{"name": "a\x1b", "args": 5}]}
    assert [row.label for row in rows(odd)] == ["1. a\\x1b"]
    worse: dict[str, Json] = {"actions": [action("set_js_app", bundle=5)]}
    assert [row.text for row in rows(worse)][1:] == ["none", "none"]


def test_every_action_of_the_shipped_constitution_has_a_purpose() -> None:
    defined = set(re.findall(r'^define\("(\w+)"', RULES, re.MULTILINE))
    assert len(defined) > 30
    assert defined <= set(PURPOSES)

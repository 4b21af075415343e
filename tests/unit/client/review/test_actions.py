from datetime import UTC, datetime

from ccfpy.base.json import Json
from ccfpy.client.review.actions import RENDERINGS, facts, names, purpose, title
from ccfpy.client.review.description import Change, Diff
from ccfpy.client.review.dry_run import Definition, definitions
from ccfpy.crypto.certs import service_certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.testing.entropy import SeededEntropy
from tests.attacks import attack
from tests.unit.client.review.made import (
    ADDS_USER,
    RULES,
    USER,
    action,
    public_state,
)

APP: Json = {
    "metadata": {"endpoints": {"/a": {"get": {}, "post": {}}, "/b": {"put": {}}}},
    "modules": [{"name": "a.js", "module": "x"}, {"name": "b.js", "module": "y"}],
}


def test_each_action_has_its_purpose_and_its_arguments() -> None:
    document: dict[str, Json] = {"actions": [ADDS_USER, action("own_action", at=1)]}
    told = [(fact.label, fact.text, fact.depth) for fact in facts(document)]
    assert told[0] == ("1. set_user", purpose("set_user"), 0)
    assert told[1][0] == "cert"
    assert USER.subject in told[1][1]
    assert told[2] == ("user_data", '{"role": "clerk"}', 1)
    assert told[3:] == [("2. own_action", "", 0), ("at", "1", 1)]
    assert names(document) == ("set_user", "own_action")


def test_a_certificate_that_has_expired_is_warned_of() -> None:
    entropy = SeededEntropy(3)
    expired = service_certificate(
        KeyPair.generate(entropy, Curve.SECP256R1),
        subject="CN=old",
        not_before=datetime(2020, 1, 1, tzinfo=UTC),
        validity_days=1,
        entropy=entropy,
    )
    document: dict[str, Json] = {"actions": [action("set_user", cert=expired.pem)]}
    warned = [(each.label, each.text) for each in facts(document) if each.is_warning]
    assert warned == [("certificate", "expired on 2020-01-01")]


def test_an_app_is_named_by_endpoints_and_modules() -> None:
    document: dict[str, Json] = {"actions": [action("set_js_app", bundle=APP)]}
    told = {fact.label: fact.text for fact in facts(document)}
    assert told["endpoints"] == "GET /a, POST /a, PUT /b"
    assert told["modules"] == "a.js, b.js"


def test_many_names_of_an_app_may_be_folded() -> None:
    modules: Json = [{"name": f"{number}.js"} for number in range(4)]
    bundle: Json = {"metadata": {"endpoints": {"/a": {"get": {}}}}, "modules": modules}
    document: dict[str, Json] = {"actions": [action("set_js_app", bundle=bundle)]}
    folded = {fact.label: fact.is_folded for fact in facts(document)}
    assert (folded["endpoints"], folded["modules"]) == (False, True)


def _changed(kind: str, count: int, change: Change = Change.CHANGED) -> list[Diff]:
    return [Diff(subject=str(n), change=change, kind=kind) for n in range(count)]


def test_a_title_says_what_a_proposal_does() -> None:
    install = action("set_js_app", bundle=APP)
    document: dict[str, Json] = {"actions": [install]}
    assert title(document) == "Replace the app: 3 endpoints in 2 files"
    same = _changed("endpoint", 11, Change.UNCHANGED)
    for diffs, said in (
        (
            [*_changed("endpoint", 1), *same, *_changed("module", 12)],
            "1 endpoint and 12 files change",
        ),
        (_changed("module", 1), "1 file changes"),
        (_changed("user", 1), "no endpoint and no file changes"),
    ):
        assert title(document, diffs) == f"Replace the app: {said}"


def test_a_title_counts_actions_and_names_what_is_not_known() -> None:
    adds = [ADDS_USER, ADDS_USER]
    assert title({"actions": adds}) == (
        "Add a user, or replace what is known of one (2 times)"
    )
    others = [action(name) for name in ("own", "b", "c", "d", "e")]
    assert title({"actions": others}) == (
        "⦅own⦆, which is not known here; ⦅b⦆, which is not known here; "
        "⦅c⦆, which is not known here; 2 other actions"
    )
    assert title({}) == "No action"


def test_what_is_no_proposal_has_no_actions() -> None:
    broken: list[dict[str, Json]] = [
        {},
        {"actions": 5},
        {"actions": [5, None]},
    ]
    for document in broken:
        assert not names(document)
    odd: dict[str, Json] = {"actions": [{"name": "a\x1b", "args": 5}]}
    assert [fact.label for fact in facts(odd)] == ["1. a⟦U+001B⟧", "args"]
    worse: dict[str, Json] = {"actions": [action("set_js_app", bundle=5)]}
    *named, bundle = [fact.text for fact in facts(worse)][1:]
    assert named == ["none", "none"]
    assert bundle.startswith("1 characters, SHA-256 ")


def test_whatever_a_proposal_has_is_told() -> None:
    """A constitution may read more of a proposal than those of CCF do."""
    document: dict[str, Json] = {
        "actions": [{"name": "remove_user", "args": {}, "why": "x"}],
        "note": {"a": [1]},
    }
    told = {fact.label: (fact.text, fact.is_unknown) for fact in facts(document)}
    assert told == {
        "1. remove_user": ("remove a user", False),
        "beside its arguments, why": ("x", True),
        "beside the actions, note": ('{"a": [1]}', True),
    }


@attack("gov: code between the lines of a certificate")
def test_only_certificates_and_keys_are_decoded() -> None:
    key = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
    known = action("set_member", cert=USER.pem, encryption_pub_key=key)
    other = action("set_member", member_data=key)
    foreign = action("sign_with", cert=USER.pem, encryption_pub_key=key)
    document: dict[str, Json] = {"actions": [known, other, foreign]}
    told = [fact.text for fact in facts(document) if fact.depth]
    assert [text.partition(" of ")[0] for text in told[:2]] == [
        "certificate",
        "public key",
    ]
    assert all("BEGIN" in text for text in told[2:])


def test_a_name_without_letters_is_said_to_be_none() -> None:
    document: dict[str, Json] = {"actions": [{"name": "", "args": {"": 1}}]}
    assert [fact.label for fact in facts(document)] == ["1. ⟦no name⟧", "⟦no name⟧"]


def test_names_in_a_list_are_told_apart() -> None:
    modules: list[Json] = [{"name": "a, b", "module": ""}, {"name": "c\u200b"}]
    app = action("set_js_app", bundle={"modules": modules})
    told = {fact.label: fact.text for fact in facts({"actions": [app]})}
    assert told["modules"] == '"a, b", c⟦U+200B⟧'


def _without_rendering(defined: list[Definition]) -> list[str]:
    """List actions, and arguments, that members would be shown as raw values only."""
    missing = [each.name for each in defined if each.name not in RENDERINGS]
    return missing + [
        f"{each.name}.{argument.name}"
        for each in defined
        if each.name in RENDERINGS
        for argument in each.arguments
        if argument.name not in RENDERINGS[each.name].arguments
    ]


def test_every_action_of_the_shipped_constitution_has_a_rendering() -> None:
    defined = definitions(public_state())
    assert len(defined) > 40
    assert _without_rendering(defined) == []
    assert {each.name for each in defined} == set(RENDERINGS), "and no other has one"


def test_an_action_or_argument_without_a_rendering_is_found() -> None:
    own = """
    actions.set("greet", new Action((args) => { args.name; }, 0));
    actions.set("remove_user", new Action((args) => { args.user_id; args.how; }, 0));
    """
    defined = definitions(public_state(rules=RULES + own))
    assert _without_rendering(defined) == ["greet", "remove_user.how"]


def test_what_is_not_known_here_is_marked_and_shown() -> None:
    long = "x" * 300
    document: dict[str, Json] = {
        "actions": [
            action("greet", whom="you"),
            action("remove_user", user_id="a", how={"b": long}),
        ]
    }
    told = {fact.label: fact for fact in facts(document)}
    unknown = [label for label, fact in told.items() if fact.is_unknown]
    assert unknown == ["1. greet", "whom", "how"]
    assert told["how"].whole == f'{{"b": "{long}"}}'
    assert told["user_id"].whole == "", "the text is whole"

"""What must not be missed of what would come of a proposal."""

import pytest

from ccfpy.base.json import Json, dumps
from ccfpy.client.review.consequences import callers, wider_access
from ccfpy.client.review.description import Description, Fact, Quote, Severity, warnings
from ccfpy.client.review.proposal import describe
from ccfpy.client.review.public_state import PublicState
from ccfpy.console.proposal import page_of
from ccfpy.js.quickjs import VERSION, compile_module
from ccfpy.kv.store import Store
from ccfpy.service.tables import js, members, service
from ccfpy.service.tables.members import MemberInfo, MemberStatus
from ccfpy.testing.node import Person
from tests.attacks import attack
from tests.unit.client.review.made import (
    ADDS_USER,
    ALICE,
    PROPOSAL,
    RULES,
    action,
    public_state,
)
from tests.unit.client.review.misleading import (
    ALONE,
    BROKEN,
    BYTECODE,
    FORGING,
    LOCKED,
    READS,
    UNKNOWN,
    VERDICT,
    app,
    endpoint,
    hidden,
    users,
)

MEMBER = Person.make("dora", can_recover=True)
OTHER_KEY = Person.make("mallory", can_recover=True)


def _told(state: PublicState) -> Description:
    return describe(state, PROPOSAL, {})


def _warned(state: PublicState) -> list[tuple[str, str]]:
    return [(fact.label, fact.text) for fact in warnings(_told(state))]


def _title(state: PublicState) -> str:
    return page_of(state, PROPOSAL, names={}, signer_id=None).title


@attack("gov: a constitution among two hundred harmless actions")
def test_a_constitution_is_named_first_wherever_it_is() -> None:
    state = public_state(*hidden(f"{RULES}\n"))
    label, text = _warned(state)[0]
    assert label == "⦅set_constitution⦆, action 151 of 195"
    assert "read all of it" in text
    assert _title(state).startswith("Replace the rules by which members decide; ")


@attack("gov: a constitution under which one member decides alone, or nobody")
def test_a_constitution_by_which_one_decides_alone_says_so_first() -> None:
    state = public_state(*hidden(ALONE))
    told = _warned(state)
    assert (
        told[1][0],
        told[1][1].partition(":")[0],
    ) == ("who decides", "one member alone would decide ⦅set_constitution⦆")
    assert _title(state).startswith("One member would decide alone; replace the rules")


@attack("gov: a constitution under which one member decides alone, or nobody")
@pytest.mark.parametrize(
    ("rules", "said"),
    [(LOCKED, "not even all active members"), (BROKEN, "decides nothing: it fails")],
)
def test_a_constitution_by_which_nobody_decides_says_so(rules: str, said: str) -> None:
    state = public_state(action("set_constitution", constitution=rules))
    assert any(said in text for _, text in _warned(state))
    assert _title(state).startswith("Nobody could decide any more; ")


FAILING = "export function resolve() { throw new Error('a\\u3164\u27e6U+0041\u27e7') }"


@attack("gov: a text that hides a part of itself from members")
def test_what_a_constitution_throws_hides_nothing() -> None:
    state = public_state(action("set_constitution", constitution=FAILING))
    (words,) = (
        quote.text
        for fact in warnings(_told(state))
        for quote in fact.quotes
        if quote.by == "its error"
    )
    assert words.endswith("a⟦U+3164, U+27E6⟧U+0041⟦U+27E7⟧")


def test_one_who_decides_alone_today_is_told_apart() -> None:
    state = public_state(action("set_constitution", constitution=ALONE), rules=ALONE)
    assert any("that is so today, too" in text for _, text in _warned(state))
    assert "alone" not in _title(state)


def _with_member(*actions: Json, key: Person = MEMBER) -> PublicState:
    """Return a state in which Dora is an active member with a share."""
    state = public_state(*actions)
    tx = state.store.begin()
    member_id = type(ALICE)(MEMBER.id)
    members.INFO.of(tx).put(member_id, MemberInfo(status=MemberStatus.ACTIVE))
    members.CERTS.of(tx).put(member_id, MEMBER.certificate.pem)
    members.ENCRYPTION_PUBLIC_KEYS.of(tx).put(member_id, _public(key))
    configuration = service.ServiceConfiguration(recovery_threshold=1)
    service.CONFIGURATION.of(tx).put(configuration)
    state.store.apply(2, tx.writes)
    return state


def _public(person: Person) -> str:
    assert person.encryption_key is not None
    return person.encryption_key.public_key.pem


@attack("gov: another recovery key for a living member")
def test_a_living_members_recovery_key_that_is_replaced_is_told() -> None:
    replaced = action(
        "set_member",
        cert=MEMBER.certificate.pem,
        encryption_pub_key=_public(OTHER_KEY),
    )
    state = _with_member(replaced)
    label, text = next(it for it in _warned(state) if "already" in it[1])
    assert label == f"member ⦅{MEMBER.id[:8]}⦆"
    assert "the recovery key would be replaced: shares go to another key" in text
    assert "no vote before acknowledging again" in text
    assert _title(state).startswith("A living member's keys are replaced; ")
    removed = _with_member(action("set_member", cert=MEMBER.certificate.pem))
    assert any("the recovery key would be removed" in it for _, it in _warned(removed))


def test_a_new_member_and_one_who_leaves_are_told() -> None:
    added = public_state(action("set_member", cert=MEMBER.certificate.pem))
    assert (f"member ⦅{MEMBER.id[:8]}⦆", "would be a new member") in _warned(added)
    left = _warned(public_state(action("remove_member", member_id=ALICE)))
    assert ("member ⦅aaaaaaaa⦆", "would be no member any more") in left


def test_fewer_shares_than_today_are_told() -> None:
    state = _with_member(action("set_recovery_threshold", recovery_threshold=1))
    assert not any(label == "recovery" for label, _ in _warned(state))
    own = """
    actions.set("demand", new Action(() => {}, () => {
      const table = ccf.kv["public:ccf.gov.service.config"];
      table.set(new ArrayBuffer(8), ccf.jsonCompatibleToBuf({ recovery_threshold: 9 }));
    }));
    """
    told = _warned(public_state(action("demand"), rules=RULES + own))
    assert any("could not be recovered" in text for _, text in told)


@attack("gov: compiled code that is not what its text gives")
def test_code_that_is_not_what_its_text_gives_is_told() -> None:
    good = app({"/a": {"get": endpoint(["user_cert"], "one")}}, a=READS)
    assert not any("compiled" in label for label, _ in _warned(public_state(good)))
    bad = public_state(good, action("write_compiled"), rules=RULES + BYTECODE)
    label, text = next(it for it in _warned(bad) if "compiled" in it[0])
    assert (label, text.partition(":")[0]) == (
        "compiled form of module ⦅/a.js⦆",
        "is not what its text gives",
    )
    assert "code that nobody can read is written" in _title(bad).lower()
    shown = [diff.title for section in _told(bad).sections for diff in section.diffs]
    assert "compiled form of module /a.js: new" in shown


@attack("gov: compiled code that is not what its text gives")
def test_modules_that_change_under_an_old_compiled_form_are_told() -> None:
    state = public_state(
        action("set_text"),
        rules=RULES
        + """
        actions.set("set_text", new Action(() => {}, () => {
          const table = ccf.kv["public:ccf.gov.modules"];
          table.set(ccf.strToBuf("/a.js"), ccf.strToBuf("export function f () {}"));
        }));
        """,
    )
    tx = state.store.begin()
    js.MODULES.of(tx).put("/a.js", READS)
    js.MODULES_BYTECODE.of(tx).put("/a.js", compile_module("/a.js", READS))
    js.MODULES_VERSION.of(tx).put(VERSION)
    state.store.apply(2, tx.writes)
    assert any("is not what its text gives" in text for _, text in _warned(state))


def test_what_is_not_known_here_is_said_to_be_and_is_quoted() -> None:
    state = public_state(UNKNOWN)
    fact = next(it for it in warnings(_told(state)) if "action 1 of 1" in it.label)
    assert fact.severity == Severity.UNKNOWN
    assert "nothing is known here" in fact.text
    assert _ours(fact) == ", action 1 of 1"
    assert VERDICT not in _unquoted(_title(state))


@attack("gov: a proposer's words in the place of a judgement")
def test_others_words_are_in_no_judgement() -> None:
    facts = warnings(_told(public_state(FORGING)))
    assert len(facts) >= 2
    for fact in facts:
        assert VERDICT not in _unquoted(f"{fact.label} {fact.text} {fact.headline}")
    quotes = [quote for fact in facts for quote in fact.quotes]
    assert {quote.by for quote in quotes} >= {
        "the proposed app would say of it (summary)",
        "the proposed app would say of it (description)",
    }


def test_what_puts_little_at_stake_has_no_warning() -> None:
    assert not _warned(public_state(ADDS_USER, *users(3)))


def _ours(fact: Fact) -> str:
    return _unquoted(fact.label)


def _unquoted(text: str) -> str:
    """Return what is said in ccfpy's own voice."""
    told, is_ours = "", True
    for character in text:
        if character == "⦅":
            assert is_ours
            is_ours = False
        elif character == "⦆":
            assert not is_ours
            is_ours = True
        elif is_ours:
            told += character
    return told


KEY = b"GET /accounts"


def _warned_of(was: Json, would_be: Json) -> list[str]:
    store = Store()
    store.apply(1, {js.ENDPOINTS.name: {KEY: dumps(was)} if was else {}})
    writes = {js.ENDPOINTS.name: {KEY: dumps(would_be) if would_be else None}}
    facts = list(wider_access(store, writes))
    assert all(fact.is_warning and fact.label == "⦅GET /accounts⦆" for fact in facts)
    return [fact.text for fact in facts]


def _asks(*policies: Json, mode: str = "readwrite") -> Json:
    return {"authn_policies": list(policies), "mode": mode}


ALL_OF: Json = {"all_of": ["user_cert", "jwt"]}


@pytest.mark.parametrize(
    ("was", "would_be", "said"),
    [
        (
            _asks("user_cert"),
            _asks("no_auth"),
            (
                "may be called by anybody, without a certificate or a token; "
                "today only by users with a certificate"
            ),
        ),
        (
            _asks("user_cert", "jwt"),
            _asks(),
            (
                "may be called by anybody, without a certificate or a token; "
                "today only by users with a certificate or callers with a token "
                "(JWT)"
            ),
        ),
        (
            _asks(ALL_OF),
            _asks("jwt"),
            (
                "may be called by callers with a token (JWT); today only by callers "
                "who are all of: users with a certificate, callers with a token (JWT)"
            ),
        ),
        (
            _asks("user_cert"),
            _asks("user_cert", "any_cert"),
            (
                "may be called by users with a certificate or anybody with a "
                "certificate; today only by users with a certificate"
            ),
        ),
        (
            None,
            _asks("no_auth"),
            "new, and may be called by anybody, without a certificate or a token",
        ),
        (
            _asks("jwt", mode="readonly"),
            _asks("jwt"),
            "may write; today it only reads",
        ),
    ],
)
def test_more_callers_or_more_effects_are_a_warning(
    was: Json, would_be: Json, said: str
) -> None:
    assert _warned_of(was, would_be) == [said]


@pytest.mark.parametrize(
    ("was", "would_be"),
    [
        (_asks("user_cert"), _asks("user_cert")),
        (_asks("user_cert", "jwt"), _asks("jwt")),
        (_asks("no_auth"), _asks("no_auth", "jwt")),
        (_asks("no_auth"), _asks("user_cert")),
        (_asks("jwt"), _asks("jwt", mode="readonly")),
        (_asks("jwt"), None),
        (None, _asks("user_cert")),
    ],
)
def test_no_more_callers_are_none(was: Json, would_be: Json) -> None:
    assert _warned_of(was, would_be) == []


def test_a_row_of_another_form_is_as_open_as_one_without_policies() -> None:
    store = Store()
    writes = {js.ENDPOINTS.name: {b"GET /\x1b": b"3"}}
    (fact,) = wider_access(store, writes)
    assert fact.label == "⦅GET /⟦U+001B⟧⦆"
    assert "anybody" in fact.text


def test_callers_are_named_and_what_cannot_be_seen_is_shown() -> None:
    assert callers(["member_cert"]) == "members with a certificate"
    told = callers(["user_cert", "quorum\x1b"])
    assert told == (
        "users with a certificate or callers whom the policy ⦅quorum⟦U+001B⟧⦆ accepts"
    )


def test_a_warning_names_what_answers_today_and_what_the_app_says_of_it() -> None:
    was: Json = {"authn_policies": ["user_cert"], "js_module": "m.js"}
    new: Json = {"authn_policies": [], "openapi": {"summary": "reads\u202e one"}}
    store = Store()
    store.apply(1, {js.ENDPOINTS.name: {KEY: dumps(was)}})
    (fact,) = wider_access(store, {js.ENDPOINTS.name: {KEY: dumps(new)}})
    by = "the proposed app would say of it (summary)"
    assert fact.module == "/m.js"
    assert fact.quotes == (Quote(by=by, text="reads⟦U+202E⟧ one"),)
    (fact,) = wider_access(Store(), {js.ENDPOINTS.name: {KEY: dumps(new)}})
    assert fact.module == "", "a module that is not installed has no place"

"""The bank's permissions, in TypeScript and in Python: the same in every case."""

from typing import NamedTuple

import pytest

from ccfpy.base.json import JsonObject
from tests.apps.banks import (
    BANKS,
    Consortium,
    fresh_reference,
    set_bank,
    sources,
    teller,
)

REFERENCE = "00000000-0000-4000-8000-000000000001"
MOVED = "00000000-0000-4000-8000-000000000002"
AMOUNT_MAX = 1_000_000_000_000


@pytest.fixture(scope="module", params=["typescript", "python"])
def bank(request: pytest.FixtureRequest) -> Consortium:
    """Ann has 100 at aurora, Bob nothing at borealis, and a deposit is on record."""
    made = Consortium.open(sources()[request.param])
    made.open_account("ann", bank="aurora", owner="ann").raise_for_error()
    made.open_account("bob", bank="borealis", owner="bob").raise_for_error()
    made.cash("ann", 100, bank="aurora", reference=MOVED).raise_for_error()
    return made


class Asked(NamedTuple):
    """A request and its refusal."""

    who: str
    verb: str
    path: str
    body: object
    status: int
    code: str


def put(who: str, path: str, body: object, status: int, code: str) -> Asked:
    return Asked(who, "PUT", path, body, status, code)


def get(who: str, path: str, status: int, code: str) -> Asked:
    return Asked(who, "GET", path, None, status, code)


UNKNOWN = (401, "InvalidAuthenticationInfo")
NOT_THEIRS = (403, "AuthorizationFailed")
NO_ACCOUNT = (404, "AccountNotFound")
BAD = (400, "InvalidInput")
BAD_NAME = (400, "InvalidResourceName")
BAD_QUERY = (400, "InvalidQueryParameterValue")
ONE: JsonObject = {"amount": 1}
TO_BOB: JsonObject = {"to": "bob", "amount": 1}
IN = f"/deposits/{REFERENCE}"
OUT = f"/withdrawals/{REFERENCE}"
SENT = f"/transfers/{REFERENCE}"
NO_CASH: list[object] = [
    b"{",
    b"",
    [],
    1,
    {},
    *({"amount": amount} for amount in (None, "1", True, 0, -1, 1.5, AMOUNT_MAX + 1)),
    b'{"amount": 1%s}' % (b"0" * 30),
]
NO_TRANSFERS: list[object] = [{"amount": 1}, {"to": "bob"}, {"to": 1, "amount": 1}]
NO_OWNERS = ["nobody", "0" * 64, "jwt:" + "x" * 253, 1, None]

REFUSED = [
    # who nobody knows
    *(get(who, "/me", *UNKNOWN) for who in ("anybody", "stranger")),
    put("anybody", f"/accounts/ann{SENT}", TO_BOB, *UNKNOWN),
    get("anybody", "/accounts/ann/statement", *UNKNOWN),
    # whose office it is not
    put("ann", "/accounts/new", {"owner": "jwt:x:y"}, *NOT_THEIRS),
    put("inspector", "/accounts/new", {"owner": "jwt:x:y"}, *NOT_THEIRS),
    put("ann", f"/accounts/ann{IN}", ONE, *NOT_THEIRS),
    put("inspector", f"/accounts/ann{OUT}", ONE, *NOT_THEIRS),
    # whose account it is not: as if there were none
    put("borealis", f"/accounts/ann{IN}", ONE, *NO_ACCOUNT),
    put("borealis", f"/accounts/ann{OUT}", ONE, *NO_ACCOUNT),
    put("bob", f"/accounts/ann{SENT}", TO_BOB, *NO_ACCOUNT),
    put("aurora", f"/accounts/ann{SENT}", TO_BOB, *NO_ACCOUNT),
    put("inspector", f"/accounts/ann{SENT}", TO_BOB, *NO_ACCOUNT),
    *(
        get(who, f"/accounts/ann{what}", *NO_ACCOUNT)
        for who in ("bob", "borealis")
        for what in ("", "/statement", f"/movements/{MOVED}")
    ),
    # what is not there
    get("inspector", "/accounts/none", *NO_ACCOUNT),
    put("aurora", f"/accounts/none{IN}", ONE, *NO_ACCOUNT),
    put("ann", f"/accounts/ann{SENT}", {"to": "none", "amount": 1}, *NO_ACCOUNT),
    get("ann", f"/accounts/ann/movements/{REFERENCE}", 404, "MovementNotFound"),
    get("anybody", f"/transfers/{'0' * 64}", 404, "TransferNotFound"),
    # what cannot be
    put("aurora", "/accounts/ann", {"owner": "jwt:x:y"}, 409, "AccountExists"),
    put("borealis", "/accounts/ann", {"owner": "jwt:x:y"}, 409, "AccountExists"),
    put("aurora", f"/accounts/ann{OUT}", {"amount": 101}, 409, "InsufficientFunds"),
    put(
        "ann",
        f"/accounts/ann{SENT}",
        {"to": "bob", "amount": 101},
        409,
        "InsufficientFunds",
    ),
    put("aurora", f"/accounts/ann/deposits/{MOVED}", ONE, 409, "ReferenceReused"),
    put(
        "aurora",
        f"/accounts/ann/withdrawals/{MOVED}",
        {"amount": 100},
        409,
        "ReferenceReused",
    ),
    put("ann", f"/accounts/ann{SENT}", {"to": "ann", "amount": 1}, *BAD),
    # what was not said rightly
    *(put("aurora", f"/accounts/ann{IN}", body, *BAD) for body in NO_CASH),
    *(put("ann", f"/accounts/ann{SENT}", body, *BAD) for body in NO_TRANSFERS),
    *(put("aurora", "/accounts/new", {"owner": each}, *BAD) for each in NO_OWNERS),
    *(
        get("inspector", f"/accounts/{name}", *BAD_NAME)
        for name in ("A", "-a", "a" * 33, "a_b", "a%2Fb", "%C3%A4", "a%0A")
    ),
    *(
        put("aurora", f"/accounts/ann/deposits/{reference}", ONE, *BAD_NAME)
        for reference in ("1", REFERENCE.replace("-", ""), MOVED.upper() + "A")
    ),
    get("anybody", "/transfers/0", *BAD_NAME),
    *(
        get("ann", f"/accounts/ann/statement?{query}", *BAD_QUERY)
        for query in ("from_seqno=x", "from_seqno=0", "to_seqno=-1", "to_seqno=")
    ),
    get("ann", "/accounts/ann/statement?from_seqno=5&to_seqno=4", *BAD),
    get("ann", f"/accounts/ann/statement?to_seqno={10**9}", *BAD),
    # what names no transaction
    get("anybody", f"/transfers/{'0' * 64}/receipt", 400, "MissingRequiredHeader"),
]


@pytest.mark.parametrize(
    "asked", REFUSED, ids=[f"{at}-{row.code}" for at, row in enumerate(REFUSED)]
)
def test_a_request_is_refused_with_its_reason(bank: Consortium, asked: Asked) -> None:
    before = bank.caller("ann").get("/app/accounts/ann").object()
    answer = bank.caller(asked.who).request(
        asked.verb,
        f"/app{asked.path}",
        asked.body,  # type: ignore[arg-type]  # any JSON
    )
    assert (answer.status, answer.error) == (asked.status, asked.code), answer
    assert answer.message or asked.status == UNKNOWN[0]
    assert bank.caller("ann").get("/app/accounts/ann").object() == before


def test_callers_learn_who_they_are(bank: Consortium) -> None:
    def told(name: str) -> JsonObject:
        return bank.caller(name).get("/app/me").object()

    assert told("ann") == {"principal": bank.caller("ann").id, "role": "customer"}
    assert told("inspector")["role"] == "regulator"
    aurora = teller("aurora").id
    assert told("aurora") == {"principal": aurora, "role": "bank", "bank": "aurora"}


def test_owner_bank_and_regulator_see_an_account(bank: Consortium) -> None:
    seen = [
        bank.caller(who).get("/app/accounts/bob").object()
        for who in ("bob", "borealis", "inspector")
    ]
    assert seen[0]["owner"] == bank.caller("bob").id
    assert (seen[0]["bank"], seen[0]["frozen"]) == ("borealis", False)
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize("amount", [1, AMOUNT_MAX])
def test_the_least_and_the_most_may_be_moved(bank: Consortium, amount: int) -> None:
    name = f"{amount:x}".rjust(32, "z")
    bank.open_account(name, bank="borealis", owner="eve").raise_for_error()
    assert bank.cash(name, amount, bank="borealis").object() == {"balance": amount}
    assert bank.cash(name, -amount, bank="borealis").object() == {"balance": 0}


def test_an_account_may_be_opened_again_as_it_is(bank: Consortium) -> None:
    assert bank.open_account("ann", bank="aurora", owner="ann").status == 204
    assert bank.caller("ann").get("/app/accounts/ann").object()["balance"] == 100


def test_a_request_sent_again_moves_nothing_again(bank: Consortium) -> None:
    bank.open_account("again", bank="aurora", owner="ann").raise_for_error()
    bank.cash("again", 50, bank="aurora").raise_for_error()
    ann, reference = bank.caller("ann"), fresh_reference()
    first = bank.send(ann, "again", "bob", 20, reference)
    bank.send(ann, "again", "bob", 5).raise_for_error()
    again = bank.send(ann, "again", "bob", 20, reference)
    assert again.object() == first.object()
    assert ann.get("/app/accounts/again").object()["balance"] == 25
    done = ann.get(f"/app/accounts/again/movements/{reference}").object()
    assert done == {
        "kind": "transfer",
        "to": "bob",
        "amount": 20,
        "transaction_id": str(first.txid),
        **first.object(),
    }


def test_a_token_of_a_trusted_issuer_is_as_good_as_a_certificate(
    bank: Consortium,
) -> None:
    issuer = bank.service.trust_issuer()
    holder = bank.service.bearer(issuer.token(sub="carol"))
    me = holder.get("/app/me").object()
    assert me == {"principal": f"jwt:{issuer.name}:carol", "role": "customer"}
    bank.open_account("carol", bank="aurora", owner=str(me["principal"]))
    bank.cash("carol", 10, bank="aurora").raise_for_error()
    assert bank.send(holder, "carol", "bob", 4).object()["balance"] == 6
    other = bank.service.bearer(issuer.token(sub="mallory"))
    assert other.get("/app/accounts/carol").status == 404
    assert bank.send(other, "carol", "bob", 1).error == "AccountNotFound"
    nameless = bank.service.bearer(issuer.token())
    assert nameless.get("/app/me").error == "AuthorizationFailed"
    teller_by_token = bank.service.bearer(issuer.token(sub=teller("aurora").id))
    assert teller_by_token.put("/app/accounts/x", {"owner": "y"}).status == 401


def test_anybody_sees_what_banks_owe_and_nobody_whom(bank: Consortium) -> None:
    bank.open_account("secret-name", bank="aurora", owner="eve").raise_for_error()
    bank.cash("secret-name", 7_777_777, bank="aurora").raise_for_error()
    listed = bank.service.anybody.get("/app/banks").object()["banks"]
    assert isinstance(listed, list)
    assert [each["name"] for each in listed if isinstance(each, dict)] == [
        name.title() for name in BANKS
    ]
    bank.service.wait_committed()
    ledger = bank.service.ledger
    for table in ("public:banking.liabilities", "public:banking.transfers"):
        for key, value in ledger.table(table).items():
            assert b"secret-name" not in key + value
    with pytest.raises(ValueError, match="encrypted"):
        ledger.table("banking.accounts")  # an auditor has no key to it


class Rule(NamedTuple):
    """A rule that members make, and what it refuses."""

    action: JsonObject
    undo: JsonObject
    voters: tuple[str, ...]
    code: str


RULES = [
    Rule(
        {
            "name": "freeze_account",
            "args": {"account_id": "ruled", "reason": "a court's order"},
        },
        {"name": "unfreeze_account", "args": {"account_id": "ruled"}},
        ("regulator", *BANKS),
        "AccountFrozen",
    ),
    Rule(
        {"name": "set_transfer_limit", "args": {"limit": 9}},
        {"name": "set_transfer_limit", "args": {"limit": None}},
        BANKS,
        "TransferLimitExceeded",
    ),
    Rule(
        {"name": "remove_bank", "args": {"bank_id": "aurora"}},
        set_bank("aurora"),
        ("regulator", "borealis"),
        "BankClosed",
    ),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_members_rule_what_may_leave_an_account(bank: Consortium, rule: Rule) -> None:
    ann = bank.caller("ann")
    bank.open_account("ruled", bank="aurora", owner="ann").raise_for_error()
    bank.cash("ruled", 10, bank="aurora").raise_for_error()
    before = ann.get("/app/accounts/ruled").object()

    assert bank.propose(rule.action, voters=rule.voters) == "Accepted"
    refused = bank.send(ann, "ruled", "bob", 10)
    assert (refused.status, refused.error) == (403, rule.code)
    is_frozen = rule.code == "AccountFrozen"
    now = ann.get("/app/accounts/ruled").object()
    assert now == {**before, "frozen": is_frozen}

    assert bank.propose(rule.undo, voters=rule.voters) == "Accepted"
    if rule.code == "BankClosed":
        bank.service.member("aurora").acknowledge()
    assert bank.send(ann, "ruled", "bob", 10).status == 200


def test_a_bank_that_left_may_do_nothing(bank: Consortium) -> None:
    service = bank.service
    cumulus = set_bank("cumulus")
    assert bank.propose(cumulus, voters=BANKS) == "Accepted"
    clerk = service.admit("clerk", {"role": "bank", "bank": "cumulus"})
    body: JsonObject = {"owner": "jwt:x:y"}
    refused = clerk.put("/app/accounts/theirs", body)
    assert refused.error == "AuthorizationFailed", "it says so of itself alone"
    removal: JsonObject = {"name": "remove_bank", "args": {"bank_id": "cumulus"}}
    assert bank.propose(removal, voters=BANKS) == "Accepted"
    assert clerk.put("/app/accounts/theirs", body).error == "AuthorizationFailed"

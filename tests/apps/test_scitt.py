"""The interface of the transparency service, in both dialects."""

import pytest

from apps.scitt.receipts import RECEIPTS
from apps.scitt.statement import SignedStatement
from ccfpy.app import sha256
from ccfpy.base.json import Json
from ccfpy.client.cose_receipt import CoseReceipt
from ccfpy.crypto import cbor, cose
from ccfpy.crypto.ec import Curve, PublicKey
from ccfpy.testing.apps import Answer
from tests.apps.scitt_kit import (
    HEADERS,
    PASSES,
    SCRAPI,
    Transparency,
    configuration,
    problem,
)

TX_ID = "x-ms-ccf-transaction-id"


@pytest.fixture(scope="module")
def opened() -> Transparency:
    return Transparency.open(configuration())


def registered(service: Transparency, query: str = SCRAPI) -> str:
    """Register a statement; return its committed transaction."""
    answer = service.register(query=query)
    assert answer.status in {202, 303}, answer
    service.service.wait_committed(answer)
    return answer.headers[TX_ID]


def keys_of(service: Transparency) -> dict[bytes, PublicKey]:
    """Return the service's keys, as a client reads them."""
    answer = service.get("/.well-known/scitt-keys")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/cbor")
    return {
        key[2]: PublicKey.from_coordinates(
            Curve.SECP384R1,
            int.from_bytes(key[-2], "big"),
            int.from_bytes(key[-3], "big"),
        )
        for key in cbor.decode(answer.body)
    }


def check_receipt(service: Transparency, receipt: bytes, statement: bytes) -> None:
    """Verify a receipt by the published keys and the statement alone."""
    parsed = CoseReceipt.parse(receipt)
    kid = cose.parse(receipt).key_id
    assert kid is not None
    parsed.verify(keys_of(service)[kid])
    (proof,) = cose.parse(receipt).unprotected[396][-1]
    _, _, claims_digest = cbor.decode(proof)[1]
    assert claims_digest == sha256(SignedStatement.parse(statement).registered)


# SCRAPI


def test_a_registration_leads_to_its_receipt(opened: Transparency) -> None:
    statement = opened.issuer.sign(unprotected={"extra": 1})
    answer = opened.register(statement)
    tx_id = answer.headers[TX_ID]
    assert (answer.status, answer.body) == (303, b"")
    assert answer.headers["location"] == f"https://scitt.example/entries/{tx_id}"

    pending = opened.get(f"/entries/{tx_id}?{SCRAPI}")
    assert pending.status == 302
    assert pending.headers["location"] == answer.headers["location"]

    opened.service.wait_committed(answer)
    receipt = opened.get(f"/entries/{tx_id}?{SCRAPI}")
    assert receipt.status == 200
    assert receipt.headers["content-type"] == "application/scitt-receipt+cose"
    check_receipt(opened, receipt.body, statement)


def test_a_transparent_statement_is_the_statement_with_its_receipt(
    opened: Transparency,
) -> None:
    statement = opened.issuer.sign(unprotected={"extra": 1})
    answer = opened.register(statement)
    opened.service.wait_committed(answer)

    transparent = opened.get(f"/entries/{answer.headers[TX_ID]}/statement?{SCRAPI}")

    assert transparent.headers["content-type"] == "application/scitt-statement+cose"
    protected, unprotected, payload, signature = cbor.decode(transparent.body).value
    (receipt,) = unprotected[RECEIPTS]
    sent, (ours, _, text, signed) = statement, cbor.decode(statement).value
    assert (protected, payload, signature) == (ours, text, signed)
    check_receipt(opened, receipt, sent)


def test_a_caller_may_wait_for_the_receipt(opened: Transparency) -> None:
    statement = opened.issuer.sign()

    answer = opened.register(statement, query=f"{SCRAPI}&waitForCommit=true")

    assert answer.status == 201
    assert answer.headers["content-type"] == "application/scitt-receipt+cose"
    assert answer.headers["location"].endswith(f"/entries/{answer.headers[TX_ID]}")
    check_receipt(opened, answer.body, statement)


def test_what_waits_for_commit_is_true_or_false(opened: Transparency) -> None:
    assert opened.register(query=f"{SCRAPI}&waitForCommit=false").status == 303
    refused = opened.register(query=f"{SCRAPI}&waitForCommit=yes")
    assert (refused.status, refused.error) == (400, "QueryParameterError")


# The older dialect


def test_an_older_client_asks_for_its_operation(opened: Transparency) -> None:
    answer = opened.register(query="")
    tx_id = answer.headers[TX_ID]
    assert (answer.status, answer.headers["content-type"]) == (202, "application/cbor")
    assert answer.headers["location"] == f"https://scitt.example/operations/{tx_id}"
    running = {"OperationId": tx_id, "Status": "running"}
    assert cbor.decode(answer.body) == running
    pending = opened.get(f"/operations/{tx_id}")
    assert (pending.status, cbor.decode(pending.body)) == (202, running)
    assert problem(opened.get(f"/entries/{tx_id}"))[:2] == (
        503,
        "TransactionPendingOrUnknown",
    )

    opened.service.wait_committed(answer)
    done = opened.get(f"/operations/{tx_id}")

    assert done.status == 200
    assert cbor.decode(done.body) == {
        "OperationId": tx_id,
        "EntryId": tx_id,
        "Status": "succeeded",
    }
    for path in (f"/entries/{tx_id}", f"/entries/{tx_id}/statement"):
        assert opened.get(path).headers["content-type"] == "application/cose"
    waited = opened.register(query="waitForCommit=true")
    assert (waited.status, waited.headers["content-type"]) == (201, "application/cose")


def test_an_operation_does_not_expire(opened: Transparency) -> None:
    registered = opened.register(query="")
    opened.service.wait_committed(registered)
    opened.service.advance(24 * 60 * 60 * 1000)
    answer = opened.get(f"/operations/{registered.txid}")
    assert cbor.decode(answer.body)["Status"] == "succeeded"


def test_an_operation_that_was_none_is_told_apart(opened: Transparency) -> None:
    assert problem(opened.get("/operations/2.1"))[:2] == (404, "NotFound")
    assert problem(opened.get("/operations/x"))[:2] == (400, "InvalidInput")
    lost = cbor.decode(opened.get("/operations/1.1").body)
    assert (lost["Status"], lost["Error"][-1]) == ("failed", "TransactionInvalid")


# Either


@pytest.mark.parametrize("suffix", ["", "/statement"])
@pytest.mark.parametrize(
    ("tx_id", "expected"),
    [
        ("text", (400, "InvalidInput")),
        ("2.1", (400, "InvalidInput")),
        ("1.1", (404, "TransactionInvalid")),
        ("2.99999", (503, "TransactionPendingOrUnknown")),
    ],
)
def test_what_registered_nothing_has_no_receipt(
    opened: Transparency, tx_id: str, suffix: str, expected: tuple[int, str]
) -> None:
    assert problem(opened.get(f"/entries/{tx_id}{suffix}"))[:2] == expected


def test_registrations_are_listed(opened: Transparency) -> None:
    tx_id = registered(opened)
    seqno = int(tx_id.partition(".")[2])
    opened.service.advance(1000)

    listed = opened.get("/entries/txIds").object()["transactionIds"]

    assert isinstance(listed, list)
    assert tx_id in listed
    assert opened.get(f"/entries/txIds?from={seqno}&to={seqno}").json() == {
        "transactionIds": [tx_id]
    }


def test_a_long_list_comes_in_pages(
    opened: Transparency, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, last = registered(opened), registered(opened)
    opened.service.advance(1000)
    begin, end = (int(tx_id.partition(".")[2]) for tx_id in (first, last))
    monkeypatch.setattr("apps.scitt.entries.SEQNOS_PER_PAGE", 1)

    page = opened.get(f"/entries/txIds?from={begin - 1}&to={end}").object()
    assert page == {
        "transactionIds": [first],
        "nextLink": f"/entries/txIds?from={begin + 1}&to={end}",
    }


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("from=x", "QueryParameterError"),
        ("to=-1", "QueryParameterError"),
        ("from=" + "9" * 21, "QueryParameterError"),
        ("from=5&to=4", "InvalidInput"),
        ("to=99999", "InvalidInput"),
    ],
)
def test_a_range_that_is_none_is_refused(
    opened: Transparency, query: str, code: str
) -> None:
    answer = opened.get(f"/entries/txIds?{query}")
    assert (answer.status, answer.error) == (400, code)


@pytest.mark.parametrize("host", ["", "a b", "x/../y", "h" * 256])
def test_an_odd_host_is_not_repeated(opened: Transparency, host: str) -> None:
    answer = opened.service.anybody.request(
        "POST",
        f"/entries?{SCRAPI}",
        opened.issuer.sign(),
        headers=HEADERS | {"host": host},
    )
    assert answer.status in {303, 400}
    assert "location" not in answer.headers


def test_one_key_is_found_by_its_kid(opened: Transparency) -> None:
    (kid,) = keys_of(opened)
    one = opened.get(f"/.well-known/scitt-keys/{kid.decode()}")
    assert cbor.decode(one.body)[2] == kid
    assert problem(opened.get("/.well-known/scitt-keys/x"))[:2] == (404, "No such key")
    (jwk,) = _listed(opened.get("/jwks"), "keys")
    assert isinstance(jwk, dict)
    assert jwk["kid"] == kid.decode()


def _listed(answer: Answer, name: str) -> list[Json]:
    listed = answer.object()[name]
    assert isinstance(listed, list)
    return listed


def test_the_service_describes_itself(opened: Transparency) -> None:
    told = opened.get("/.well-known/transparency-configuration")
    assert cbor.decode(told.body).keys() == {"issuer", "jwks_uri"}
    assert opened.get("/configuration").json() == configuration()
    assert opened.get("/version").json() == {"version": "0.1.0"}


# Who may call


def test_nobody_may_call_before_members_decide() -> None:
    closed = Transparency.open()
    assert closed.get("/configuration").json() == {}
    for answer in (closed.register(), closed.get("/entries/2.1")):
        assert (answer.status, answer.error) == (401, "InvalidAuthenticationInfo")
    assert closed.get("/jwks").status == 200


def test_a_token_must_claim_what_members_require() -> None:
    opened = Transparency.open(
        {
            "policy": {"policyScript": PASSES},
            "authentication": {"jwt": {"requiredClaims": {"role": "signer", "n": 1}}},
        }
    )
    issuer = opened.service.trust_issuer()

    def register(**claims: Json) -> Answer:
        caller = opened.service.bearer(issuer.token(**claims))
        return caller.request(
            "POST", f"/entries?{SCRAPI}", opened.issuer.sign(), headers=dict(HEADERS)
        )

    assert register(role="signer", n=1).status == 303
    for claims in ({}, {"role": "signer"}, {"role": "reader", "n": 1}):
        refused = register(**claims)
        assert (refused.status, refused.error) == (401, "InvalidAuthenticationInfo")
    assert opened.register().status == 401
    opened.configure({"policy": {"policyScript": PASSES}})
    assert register(role="signer", n=1).status == 401

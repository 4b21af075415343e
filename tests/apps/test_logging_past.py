"""The logging sample returns past states, in CCF's words, with valid proofs."""

import base64
from collections.abc import Callable

import pytest

from apps.logging import app, past
from ccfpy.base import json
from ccfpy.base.ids import TxId
from ccfpy.base.json import Json
from ccfpy.boundary.effects import ReadLedger
from ccfpy.client.cose_receipt import CoseReceipt, InclusionProof
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256
from ccfpy.ledger.receipt import Receipt, ReceiptRefused
from ccfpy.ledger.signature import CoseSignature
from ccfpy.testing.apps import Answer, Service

TX_ID = "x-ms-ccf-transaction-id"
Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def service() -> Service:
    return Service.open(app)


@pytest.fixture(scope="module")
def ask(service: Service) -> Ask:
    """Ask as the user."""

    def ask(
        method: str,
        path: str,
        body: Json | bytes = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        return service.user().request(method, f"/app{path}", body, headers=headers)

    return ask


def _keep(
    service: Service, ask: Ask, path: str, *records: tuple[int, str], **more: Json
) -> list[TxId]:
    """Keep messages, each in a transaction, and wait for commit."""
    kept = []
    for id_, msg in records:
        answer = ask("POST", path, {"id": id_, "msg": msg, **more})
        assert answer.status == 200
        assert answer.txid is not None
        kept.append(answer.txid)
    service.wait_committed()
    return kept


def _at(ask: Ask, path: str, tx_id: TxId) -> Answer:
    return ask("GET", path, headers={TX_ID: str(tx_id)})


def _error(answer: Answer) -> tuple[int, str, str]:
    return answer.status, answer.error, answer.message


def _certificate(service: Service) -> Certificate:
    return Certificate.from_pem(service.certificate)


# One transaction


def test_a_message_is_read_as_each_transaction_wrote_it(
    service: Service, ask: Ask
) -> None:
    first, second = _keep(service, ask, "/log/private", (1, "then"), (1, "now"))

    assert _at(ask, "/log/private/historical?id=1", first).body == b'{"msg":"then"}'
    assert _at(ask, "/log/private/historical?id=1", second).body == b'{"msg":"now"}'
    assert _at(ask, "/log/private/historical?id=2", second).status == 204
    scoped = "/log/private/historical?id=1&scope=other"
    assert _at(ask, scoped, second).status == 204


def test_what_was_just_committed_is_told_at_once(service: Service, ask: Ask) -> None:
    """No answer 202 comes first, and the node does not ask the host."""
    (tx_id,) = _keep(service, ask, "/log/private", (1, "fresh"))
    effects = service.nodes[0].host.effects
    before = len(effects)

    assert _at(ask, "/log/private/historical?id=1", tx_id).status == 200
    assert not any(isinstance(effect, ReadLedger) for effect in effects[before:])


def test_an_id_that_is_none_is_refused(service: Service, ask: Ask) -> None:
    (tx_id,) = _keep(service, ask, "/log/private", (1, "text"))
    assert _error(_at(ask, "/log/private/historical?id=one", tx_id)) == (
        400,
        "InvalidQueryParameterValue",
        "Unable to parse value 'one' in parameter 'id'",
    )


def test_a_receipt_comes_with_the_message(service: Service, ask: Ask) -> None:
    (tx_id,) = _keep(service, ask, "/log/private", (1, "proved"))

    answer = _at(ask, "/log/private/historical_receipt?id=1", tx_id).object()

    assert answer["msg"] == "proved"
    receipt = Receipt.parse(json.dumps(answer["receipt"]))
    receipt.verify(_certificate(service))
    assert _at(ask, "/log/private/historical_receipt?id=2", tx_id).status == 204


def test_a_claim_is_proved_by_the_message_itself(service: Service, ask: Ask) -> None:
    (tx_id,) = _keep(service, ask, "/log/public", (1, "claimed"), record_claim=True)

    answer = _at(ask, "/log/public/historical_receipt?id=1", tx_id).object()

    assert answer["msg"] == "claimed"
    receipt = Receipt.parse(json.dumps(answer["receipt"]))
    receipt.verify(_certificate(service), claims_digest=sha256(b"claimed"))
    with pytest.raises(ReceiptRefused):
        receipt.verify(_certificate(service), claims_digest=sha256(b"else"))
    assert _at(ask, "/log/public/historical_receipt?id=2", tx_id).status == 204


def test_proofs_come_in_cose_and_cbor(service: Service, ask: Ask) -> None:
    (tx_id,) = _keep(service, ask, "/log/public", (1, "claimed"), record_claim=True)
    key = _certificate(service).public_key
    claims = sha256(b"claimed")

    receipt = _at(ask, "/log/public/cose_receipt", tx_id)
    assert receipt.headers["content-type"] == "application/cose"
    CoseReceipt.parse(receipt.body).verify(key, claims_digest=claims)

    proof = _at(ask, "/log/public/cbor_merkle_proof", tx_id)
    assert proof.headers["content-type"] == "application/cbor"
    root = InclusionProof.parse(proof.body).root()

    answer = _at(ask, "/log/public/cose_signature", tx_id).object()
    signature = answer["cose_signature"]
    assert isinstance(signature, str)
    CoseSignature.from_cose(base64.b64decode(signature)).verify(key, root)


def test_a_signature_has_no_merkle_proof(service: Service, ask: Ask) -> None:
    (tx_id,) = _keep(service, ask, "/log/public", (1, "text"))
    signature = TxId(tx_id.view, tx_id.seqno + 1)
    none = (404, "ResourceNotFound", "No merkle proof available for this transaction")

    assert _error(_at(ask, "/log/public/cbor_merkle_proof", signature)) == none
    assert _error(_at(ask, "/log/public/cose_receipt", signature)) == none
    assert _at(ask, "/log/public/cose_signature", signature).status == 200


def test_todays_service_needs_no_endorsements(service: Service, ask: Ask) -> None:
    (tx_id,) = _keep(service, ask, "/log/public", (1, "text"))
    assert _error(_at(ask, "/log/public/cose_endorsements", tx_id)) == (
        404,
        "ResourceNotFound",
        "No COSE endorsements available for this transaction",
    )


def test_callers_may_choose_a_handle(service: Service, ask: Ask) -> None:
    (tx_id,) = _keep(service, ask, "/log/private", (1, "text"))
    path = f"/log/private/historical/handle?handle=7&seqno={tx_id.seqno}"

    Receipt.parse(ask("GET", path).body).verify(_certificate(service))
    assert _error(ask("GET", "/log/private/historical/handle?handle=7&seqno=9999")) == (
        400,
        "InvalidHeaderValue",
        "Requested historical TxID is not committed",
    )


# Many transactions


def _range(ask: Ask, query: str) -> tuple[list[tuple[int, str]], int]:
    """Follow the links to the end; return entries and pages."""
    path = f"/log/public/historical/range?{query}"
    entries: list[tuple[int, str]] = []
    pages = 0
    while True:
        response = ask("GET", path)
        if response.status == 202:
            assert response.headers["retry-after"] == "3"
            continue
        assert response.status == 200, response.body
        pages += 1
        page = response.object()
        listed = page["entries"]
        assert isinstance(listed, list)
        for entry in listed:
            match entry:
                case {"seqno": int(seqno), "msg": str(msg)}:
                    entries.append((seqno, msg))
                case _:
                    raise AssertionError(entry)
        link = page.get("@nextLink")
        if link is None:
            return entries, pages
        assert isinstance(link, str)
        path = link.removeprefix("/app")


def test_a_range_lists_every_writing_of_a_message(service: Service, ask: Ask) -> None:
    records = [(at % 3, f"text {at}") for at in range(150)]
    kept = _keep(service, ask, "/log/public", *records)
    expected = [
        (tx_id.seqno, msg)
        for tx_id, (id_, msg) in zip(kept, records, strict=True)
        if id_ == 2
    ]
    since = f"id=2&from_seqno={kept[0].seqno}"

    assert _range(ask, since) == (expected, 1)
    assert _range(ask, f"{since}&to_seqno={kept[-1].seqno}") == (expected, 1)
    assert _range(ask, f"{since}&to_seqno={kept[74].seqno}") == (expected[:25], 1)
    first = expected[0][0]
    assert _range(ask, f"id=2&from_seqno={first}&to_seqno={first}") == (expected[:1], 1)


def test_a_removal_is_not_listed_but_what_was_before_it_is(
    service: Service, ask: Ask
) -> None:
    (kept,) = _keep(service, ask, "/log/public", (1234, "here"))
    assert ask("DELETE", "/log/public?id=1234").status == 200
    service.wait_committed()

    assert _range(ask, "id=1234") == ([(kept.seqno, "here")], 1)


def test_other_callers_records_are_not_listed(service: Service, ask: Ask) -> None:
    _keep(service, ask, "/log/public?scope=other", (1235, "theirs"))
    (kept,) = _keep(service, ask, "/log/public", (1235, "ours"))

    assert _range(ask, "id=1235") == ([(kept.seqno, "ours")], 1)


def test_long_ranges_come_in_pages(
    service: Service, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "SEQNOS_PER_PAGE", 20)
    records = [(9, f"text {at}") for at in range(50)]
    kept = _keep(service, ask, "/log/public", *records)
    expected = [
        (tx_id.seqno, msg) for tx_id, (_, msg) in zip(kept, records, strict=True)
    ]

    assert _range(ask, f"id=9&from_seqno={kept[0].seqno}") == (expected, 3)


def test_no_link_leads_to_a_page_without_entries(
    service: Service, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "SEQNOS_PER_PAGE", 5)
    (first,) = _keep(service, ask, "/log/public", (10, "only"))
    *_, last = _keep(service, ask, "/log/public", *[(11, "other")] * 30)

    entries, pages = _range(
        ask, f"id=10&from_seqno={first.seqno}&to_seqno={last.seqno}"
    )
    assert (entries, pages) == ([(first.seqno, "only")], 1)


def test_a_caller_may_wait_for_a_range() -> None:
    fresh = Service.open(app)
    for at in range(150):
        fresh.user().post("/app/log/public", {"id": 1, "msg": f"text {at}"})
    fresh.wait_committed()

    client = fresh.nodes[0].connect(fresh.user().person)
    path = f"/app{past.PATH_OF_RANGE}?id=1&wait=5000"
    responses = client.send(f"GET {path} HTTP/1.1\r\n\r\n".encode())
    while not responses:
        assert fresh.network.now_ms < 60_000, "it waits no longer than it was told to"
        fresh.advance(10)
        responses = client.receive()

    (response,) = responses
    assert response.status == 200, response.body
    page = json.loads_object(response.body)
    assert isinstance(page["entries"], list)
    assert len(page["entries"]) == 150


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("id=1&from_seqno=9&to_seqno=1", "Invalid range: Starts at 9 but ends at 1"),
        (
            "id=1&to_seqno=99999",
            (
                "Only committed transactions can be queried. Transaction at seqno "
                "99999 is not found"
            ),
        ),
    ],
)
def test_ranges_that_are_none_are_refused(ask: Ask, query: str, message: str) -> None:
    response = ask("GET", f"{past.PATH_OF_RANGE}?{query}")
    assert _error(response) == (400, "InvalidInput", message)


def test_a_range_ends_at_what_is_committed(service: Service, ask: Ask) -> None:
    _keep(service, ask, "/log/public", (1, "committed"))
    written = ask("POST", "/log/public", {"id": 1, "msg": "not yet"})
    assert written.txid is not None

    assert _error(ask("GET", f"{past.PATH_OF_RANGE}?id=1")) == (
        400,
        "InvalidInput",
        (
            "Only committed transactions can be queried. Transaction at seqno "
            f"{written.txid.seqno} is Pending"
        ),
    )


def test_any_transactions_can_be_listed(service: Service, ask: Ask) -> None:
    kept = _keep(service, ask, "/log/private", *[(3, f"text {at}") for at in range(9)])
    chosen = [kept[at].seqno for at in (7, 2, 5)]
    path = f"/log/private/historical/sparse?id=3&seqnos={','.join(map(str, chosen))}"

    assert ask("GET", path).json() == {
        "entries": [
            {"id": 3, "msg": f"text {at}", "seqno": kept[at].seqno} for at in (2, 5, 7)
        ]
    }


@pytest.mark.parametrize(
    ("seqnos", "code", "message"),
    [
        ("", "InvalidQueryParameterValue", "Unable to parse '' as a seqno"),
        ("1,x", "InvalidQueryParameterValue", "Unable to parse 'x' as a seqno"),
        ("1,-2", "InvalidQueryParameterValue", "Unable to parse '-2' as a seqno"),
        ("0", "InvalidQueryParameterValue", "Unable to parse '0' as a seqno"),
        (
            "1,99999",
            "InvalidInput",
            (
                "Only committed transactions can be queried. Transaction at seqno "
                "99999 is not found"
            ),
        ),
    ],
)
def test_seqnos_that_are_none_are_refused(
    ask: Ask, seqnos: str, code: str, message: str
) -> None:
    response = ask("GET", f"/log/private/historical/sparse?id=1&seqnos={seqnos}")
    assert _error(response) == (400, code, message)


def test_a_seqno_may_not_be_endless(ask: Ask) -> None:
    response = ask("GET", f"/log/private/historical/sparse?id=1&seqnos={'9' * 5000}")
    assert response.status == 400


# What is committed


def test_committed_messages_are_kept_while_that_is_asked_for(
    service: Service, ask: Ask
) -> None:
    install, remove = (
        f"/log/private/{each}install_committed_index" for each in ("", "un")
    )
    _keep(service, ask, "/log/private", (77, "before"))
    assert ask("GET", "/log/private/committed?id=77").status == 412
    refused = ask("POST", remove)
    assert (refused.status, refused.body) == (412, b"Not currently installed")
    assert ask("POST", install).status == 200
    refused = ask("POST", install)
    assert (refused.status, refused.body) == (412, b"Already installed")
    assert _error(ask("GET", "/log/private/committed?id=77")) == (
        400,
        "ResourceNotFound",
        "No such record: 77.",
    )

    (tx_id,) = _keep(service, ask, "/log/private", (77, "after"))
    assert ask("GET", "/log/private/committed?id=77").body == b'{"msg":"after"}'
    assert ask("DELETE", "/log/private?id=77").status == 200
    assert ask("GET", "/log/private/committed?id=77").body == b'{"msg":"after"}'
    service.wait_committed()

    response = ask("GET", "/log/private/committed?id=77")
    error = response.object()["error"]
    assert isinstance(error, dict)
    assert response.status == 400
    assert TxId.parse(str(error["current_txid"])).seqno > tx_id.seqno
    assert ask("POST", remove).status == 200
    assert ask("GET", "/log/private/committed?id=77").status == 412

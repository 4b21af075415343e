import asyncio

import pytest
from aiohttp import web

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.client.errors import NotCommitted, ServiceError, UnexpectedReply
from ccfpy.client.receipts import fetch_proof, fetch_receipt, verify_receipt
from ccfpy.ledger.receipt import Receipt, ReceiptRefused, ReceiptStep
from ccfpy.ledger.tx_receipt import ReceiptForm
from tests.unit.client.conftest import RECEIPT_TXID, Answer, Connect

TXID = RECEIPT_TXID


def _fetch(connect: Connect, answer: Answer, *, timeout_s: float = 60) -> Receipt:
    async def fetch() -> Receipt:
        async with connect(answer) as connection:
            return await fetch_receipt(connection, TXID, timeout_s=timeout_s)

    return asyncio.run(fetch())


def test_a_receipt_is_asked_for_until_the_service_has_it(
    connect: Connect, receipt: Receipt
) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.raw_path)
        if len(asked) < 3:
            return web.Response(status=202, headers={"retry-after": "3"})
        return web.json_response(receipt.to_json())

    assert _fetch(connect, answer) == receipt
    assert asked == ["/node/receipt?transaction_id=2.15"] * 3


def test_a_service_that_never_has_it_is_given_up(connect: Connect) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=202)

    with pytest.raises(NotCommitted, match="has no receipt"):
        _fetch(connect, answer, timeout_s=0.1)


def test_any_endpoint_is_told_the_transaction_in_both_ways(connect: Connect) -> None:
    asked: list[tuple[str, str | None]] = []

    async def answer(request: web.Request) -> web.Response:
        header = request.headers.get("x-ms-ccf-transaction-id")
        asked.append((request.raw_path, header))
        return web.Response(body=b"\xd2 any bytes")

    async def fetch() -> list[bytes]:
        async with connect(answer) as connection:
            return [
                await fetch_proof(connection, TXID, form=ReceiptForm.COSE),
                await fetch_proof(connection, TXID, path="/app/proof?id=1"),
            ]

    assert asyncio.run(fetch()) == [b"\xd2 any bytes"] * 2
    assert asked == [
        ("/node/receipt?transaction_id=2.15&form=cose", "2.15"),
        ("/app/proof?id=1&transaction_id=2.15", "2.15"),
    ]


def test_a_refusal_is_raised(connect: Connect) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"error": {"code": "X", "message": "y"}}, status=404)

    with pytest.raises(ServiceError, match="404"):
        _fetch(connect, answer)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"leaf": 1}'])
def test_what_is_no_receipt_is_unexpected(connect: Connect, body: bytes) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body)

    with pytest.raises(UnexpectedReply):
        _fetch(connect, answer)


def test_a_receipt_verifies_against_the_services_certificate(
    receipt: Receipt, service_pem: str
) -> None:
    steps = verify_receipt(receipt, service_certificate=service_pem, txid=TXID)
    assert [taken.step for taken in steps] == list(ReceiptStep)


def test_a_receipt_of_another_transaction_is_refused(
    receipt: Receipt, service_pem: str
) -> None:
    with pytest.raises(ReceiptRefused, match=r"proves transaction 2\.15, not 2\.16"):
        verify_receipt(receipt, service_certificate=service_pem, txid=TxId(2, 16))


def test_other_claims_are_refused(receipt: Receipt, service_pem: str) -> None:
    with pytest.raises(ReceiptRefused) as caught:
        verify_receipt(
            receipt, service_certificate=service_pem, claims_digest=bytes(31) + b"1"
        )
    assert caught.value.step is ReceiptStep.LEAF


def test_another_services_certificate_does_not_do(receipt: Receipt) -> None:
    with pytest.raises(ReceiptRefused) as caught:
        verify_receipt(receipt, service_certificate=receipt.certificate)
    assert caught.value.step is ReceiptStep.ENDORSEMENT
    with pytest.raises(Malformed):
        verify_receipt(receipt, service_certificate="none")

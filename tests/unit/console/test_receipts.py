"""A receipt is verified here, whoever brings it."""

import asyncio
import base64
from dataclasses import replace

import pytest
from aiohttp import web

from ccfpy.base.errors import Malformed
from ccfpy.base.json import dumps
from ccfpy.client.connection import Connection
from ccfpy.client.receipts import Holds
from ccfpy.console.ledger_answers import ReceiptPage
from ccfpy.console.receipts import NoReceipt, explained, fetched, receipt_bytes
from ccfpy.crypto.hashing import sha256
from ccfpy.ledger.receipt import Receipt, RevealedLeaf
from tests.unit.client.conftest import RECEIPT_TXID, Serve


def _json(receipt: Receipt) -> bytes:
    return dumps(receipt.to_json())


def test_a_receipt_is_fetched_and_verified(
    receipt: Receipt, serve: Serve, service_pem: str
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=_json(receipt))

    async def fetch() -> ReceiptPage:
        async with (
            serve(answer) as url,
            Connection(url, service_certificate=service_pem) as connection,
        ):
            return await fetched(connection, RECEIPT_TXID)

    page = asyncio.run(fetch())
    assert page.transaction == str(RECEIPT_TXID)
    assert all(step.holds is Holds.YES for step in page.steps)
    assert page.text.encode() == _json(receipt)


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (404, "TransactionPendingOrUnknown", "or it is not committed yet"),
        (404, "TransactionInvalid", "and there never will be"),
    ],
)
def test_a_transaction_that_is_not_there_is_said_to_be_absent(
    serve: Serve, service_pem: str, status: int, code: str, words: str
) -> None:
    async def answer(_: web.Request) -> web.Response:
        error = {"error": {"code": code, "message": "no"}}
        return web.json_response(error, status=status)

    async def fetch() -> ReceiptPage:
        async with (
            serve(answer) as url,
            Connection(url, service_certificate=service_pem) as connection,
        ):
            return await fetched(connection, RECEIPT_TXID)

    with pytest.raises(NoReceipt, match=f"^There is no transaction 2.15 .*{words}"):
        asyncio.run(fetch())


def test_claims_are_compared_as_they_were_before_they_were_hashed(
    receipt: Receipt, service_pem: str
) -> None:
    assert isinstance(receipt.leaf, RevealedLeaf)
    claiming = replace(receipt, leaf=replace(receipt.leaf, claims_digest=sha256(b"no")))
    page = explained(_json(claiming), certificate=service_pem, claims="yes")
    assert page.transaction is None
    assert "do not rely on it" in page.verdict


@pytest.mark.parametrize("data", [b"{", b"", b"\xd2", b"text"])
def test_what_is_no_receipt_is_said_to_be_none(data: bytes, service_pem: str) -> None:
    with pytest.raises(Malformed, match="this is no receipt"):
        explained(data, certificate=service_pem)


@pytest.mark.parametrize(
    "text",
    [
        b"\xd2\x84".hex(),
        " D2\n84 ",
        base64.b64encode(b"\xd2\x84").decode(),
    ],
)
def test_bytes_are_pasted_as_hex_or_base64(text: str) -> None:
    assert receipt_bytes(text) == b"\xd2\x84"


def test_json_is_pasted_as_it_is() -> None:
    assert receipt_bytes('\n{"a": 1}') == b'\n{"a": 1}'


@pytest.mark.parametrize("text", ["[]", "é", "d2é", "***"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="or paste a receipt: JSON"):
        receipt_bytes(text)

"""``ccfpy receipt get`` from a service, which had another identity before this one."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TypeVar

import pytest
from aiohttp import web

from ccfpy.base.ids import TxId
from ccfpy.cli import receipt
from ccfpy.cli.receipt import with_line_end
from ccfpy.crypto.certs import Certificate, endorse_authority
from ccfpy.crypto.ec import KeyPair
from ccfpy.ledger import tx_receipt
from ccfpy.ledger.identity_endorsement import Epoch, IdentityEndorsement
from ccfpy.ledger.tx_receipt import ReceiptForm, TxReceipt
from ccfpy.testing.entropy import SeededEntropy
from tests.damage import with_a_bit_changed
from tests.unit.cli.conftest import Command
from tests.unit.client.conftest import (
    Answer,
    Serve,
    serve,
    server_tls,
    service_key,
    service_pem,
)
from tests.unit.client.test_receipt_forms import PROOF
from tests.unit.ledger.made import FIRST, ISSUED_AT

__all__ = ["serve", "server_tls", "service_key", "service_pem"]

STARTED_S = 10


class HasUrl(Protocol):
    """What plays a service."""

    url: str


Made = TypeVar("Made", bound=HasUrl)


@dataclass
class Service:
    """What a service answers, and what it was asked."""

    folder: Path
    proof: TxReceipt
    url: str = ""
    asked: list[str] = field(default_factory=list)
    damage: Callable[[bytes], bytes] = bytes
    status: str = "Committed"

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if request.path == "/node/tx":
            return web.json_response({"status": self.status})
        if request.path == "/node/commit":
            return web.json_response({"transaction_id": "2.3"})
        if request.path == "/app/proof":
            inner = json.loads(tx_receipt.write(self.proof, ReceiptForm.V1) or b"")
            return web.json_response({"msg": "and a receipt", "receipt": inner})
        form = ReceiptForm(request.query.get("form", "v1"))
        data = tx_receipt.write(self.proof, form)
        if data is None:
            error = {"error": {"code": "ResourceNotFound", "message": "No such form."}}
            return web.json_response(error, status=404)
        return web.Response(body=self.damage(data))


@pytest.fixture
def service(
    serve: Serve, service_key: KeyPair, service_pem: str, tmp_path: Path
) -> Iterator[Service]:
    """A service that vouches for the one that signed, served until the test ends."""
    (tmp_path / "service_cert.pem").write_text(service_pem)
    epoch = Epoch(begin=TxId(2, 1), end=TxId(2, 10), last_root=bytes(32))
    key = FIRST.key.public_key
    link = IdentityEndorsement.make(service_key, key.der, epoch, issued_at=ISSUED_AT)
    endorsement = endorse_authority(
        key,
        subject=FIRST.certificate.subject,
        issuer_key=service_key,
        issuer_cert=Certificate.from_pem(service_pem),
        entropy=SeededEntropy(1),
    )
    made = Service(
        tmp_path,
        replace(
            PROOF,
            cose_endorsements=(link.data,),
            service_endorsements=(endorsement.pem,),
        ),
    )
    yield from served(serve, made.answer, made)


def served(serve: Serve, answer: Answer, made: Made) -> Iterator[Made]:
    """Serve in another thread, as the command has a loop of its own."""
    loop, ended = asyncio.new_event_loop(), asyncio.Event()
    started = threading.Event()

    async def run() -> None:
        async with serve(answer) as made.url:
            started.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    try:
        assert started.wait(STARTED_S)
        yield made
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def get(command: Command, service: Service, *words: object) -> tuple[int, str, str]:
    place = ("--url", service.url, "--common", service.folder)
    return command("receipt", "get", PROOF.txid, *words, *place)


def test_a_transaction_past_the_end_of_the_ledger_is_said_to_be_none(
    command: Command, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipt, "UNKNOWN_TIMEOUT_S", 0.1)
    service.status = "Unknown"
    told = f"ccfpy: there is no transaction {PROOF.txid}: the ledger ends with 2.3\n"
    assert get(command, service) == (1, "", told)


@pytest.mark.parametrize("form", [ReceiptForm.V1, ReceiptForm.V2, ReceiptForm.COSE])
def test_each_form_is_given_once_it_verifies(
    command: Command, service: Service, form: ReceiptForm
) -> None:
    out = service.folder / "receipt"
    code, text, said = get(command, service, "--form", form, "--out", out)
    assert (code, text) == (0, "")
    data = out.read_bytes()
    written = tx_receipt.write(service.proof, form)
    assert written is not None
    assert data == with_line_end(written)
    assert service.asked[:2] == ["/node/tx", "/node/receipt"]
    if form is ReceiptForm.COSE:
        assert "get its --form endorsements" in said
        chain = service.folder / "chain"
        get(command, service, "--form", "endorsements", "-o", chain)
        words = ("verify", out, "--common", service.folder, "--endorsements", chain)
        assert command("receipt", *words).code == 0
    else:
        assert said == ""


@pytest.mark.parametrize(
    ("data", "given"),
    [(b"{}", b"{}\n"), (b"\xd2\x84 signature}", b"\xd2\x84 signature}")],
)
def test_only_json_ends_as_a_line(data: bytes, given: bytes) -> None:
    assert with_line_end(data) == given


def test_it_is_written_to_stdout_without_a_file(
    command: Command, service: Service
) -> None:
    code, text, _ = get(command, service, "--no-wait")
    assert (code, json.loads(text)) == (0, service.proof.describe_v1())
    assert service.asked == ["/node/receipt"]


def test_an_apps_endpoint_may_wrap_it(command: Command, service: Service) -> None:
    code, text, _ = get(command, service, "--from", "/app/proof")
    assert (code, json.loads(text)) == (0, service.proof.describe_v1())


@pytest.mark.parametrize(
    "form", [ReceiptForm.V1, ReceiptForm.COSE, ReceiptForm.ENDORSEMENTS]
)
def test_what_does_not_verify_is_not_given(
    command: Command, service: Service, form: ReceiptForm
) -> None:
    service.damage = lambda data: with_a_bit_changed(data, -9)
    out = service.folder / "receipt"
    code, text, said = get(command, service, "--form", form, "--out", out)
    assert (code, text) == (1, "")
    assert said.startswith("ccfpy: ")
    assert not out.exists()


@pytest.mark.parametrize(
    "form", [ReceiptForm.V1, ReceiptForm.COSE, ReceiptForm.ENDORSEMENTS]
)
def test_what_is_no_receipt_is_not_given(
    command: Command, service: Service, form: ReceiptForm
) -> None:
    service.damage = lambda _: b"hello"
    code, text, said = get(command, service, "--form", form)
    assert (code, text) == (1, "")
    assert "the service gave no receipt" in said


def test_a_folder_is_no_file_to_write(command: Command, service: Service) -> None:
    code, _, said = get(command, service, "--out", service.folder)
    assert code == 1
    assert "cannot use" in said

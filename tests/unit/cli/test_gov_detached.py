"""Signing in steps, by hand: as with CCF's tools, and without a service at hand."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from ccfpy.cli.main import main
from ccfpy.client.keys import KeyFiles, generate_keys
from ccfpy.crypto import cose
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, KeyPair, raw_signature

NOW = 1_764_158_400
PROPOSAL = "ab" * 32


class Ended(NamedTuple):
    """How a command ended, with its output as bytes."""

    code: int
    out: bytes
    err: str


Gov = Callable[..., Ended]


@pytest.fixture
def gov(capfdbinary: pytest.CaptureFixture[bytes]) -> Gov:
    """Run one of the commands of ``ccfpy gov``."""

    def run(*words: object) -> Ended:
        capfdbinary.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["gov", *map(str, words)])
        code = ended.value.code or 0
        assert isinstance(code, int)
        out, err = capfdbinary.readouterr()
        return Ended(code, out, err.decode())

    return run


class Desk(NamedTuple):
    """A member's files."""

    files: KeyFiles
    content: Path
    signature: Path

    @property
    def key(self) -> KeyPair:
        return KeyPair.from_pem(self.files.private_key.read_text())

    def words(self, *more: object, created_at: object = NOW) -> list[object]:
        words: list[object] = ["--content", self.content, "--type", "ballot"]
        words += ["--cert", self.files.certificate, "--created-at", created_at]
        return [*words, "--proposal-id", PROPOSAL, *more]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    files = KeyFiles(folder=tmp_path, name="member0")
    generate_keys(files, curve=Curve.SECP384R1, with_encryption_key=False)
    content = tmp_path / "content.json"
    content.write_text('{"ballot": "…"}')
    return Desk(files, content, tmp_path / "signature")


def _verified(desk: Desk, message: bytes) -> cose.Sign1:
    parsed = cose.parse(message)
    pem = desk.files.certificate.read_text()
    parsed.verify(Certificate.from_pem(pem).public_key)
    assert parsed.payload == desk.content.read_bytes()
    assert parsed.protected["ccf.gov.msg.proposal_id"] == PROPOSAL
    return parsed


@pytest.mark.parametrize("line", ["6", "7"])
def test_what_is_prepared_signed_and_finished_verifies(
    gov: Gov, desk: Desk, line: str
) -> None:
    prepared = gov("prepare", *desk.words("--line", line))
    assert prepared.code == 0
    digest = json.loads(prepared.out)["value"]
    der = _sign_digest(desk, base64.b64decode(digest))
    desk.signature.write_bytes(der)
    words = desk.words("--signature", desk.signature, "--signature-format", "der")
    ended = gov("finish", *words)
    assert ended.code == 0, ended.err
    assert _verified(desk, ended.out).protected["ccf.gov.msg.created_at"] == NOW


def _sign_digest(desk: Desk, digest: bytes) -> bytes:
    """Sign as a vault does, which sees the digest alone."""
    algorithm = ec.ECDSA(Prehashed(hashes.SHA384()))
    return desk.key.library_key.sign(digest, algorithm)


def test_ccfs_names_of_options_and_form_of_signatures_are_understood(
    gov: Gov, desk: Desk
) -> None:
    words = ["--content", desk.content, "--signing-cert", desk.files.certificate]
    words += ["--ccf-gov-msg-type", "withdrawal", "--ccf-gov-msg-proposal_id", PROPOSAL]
    words += ["--ccf-gov-msg-created-at", "2025-11-26T12:00:00Z"]
    digest = base64.b64decode(json.loads(gov("prepare", *words).out)["value"])
    raw = raw_signature(Curve.SECP384R1, _sign_digest(desk, digest))
    value = base64.urlsafe_b64encode(raw).decode()
    desk.signature.write_text(json.dumps({"value": value}))
    ended = gov("finish", *words, "--signature", desk.signature)
    assert ended.code == 0, ended.err
    assert _verified(desk, ended.out).protected["ccf.gov.msg.created_at"] == NOW


def test_one_command_signs_where_there_is_no_service(gov: Gov, desk: Desk) -> None:
    words = desk.words("--key", desk.files.private_key)
    ended = gov("sign", *words)
    assert ended.code == 0, ended.err
    assert _verified(desk, ended.out).protected["ccf.gov.msg.created_at"] == NOW
    by_name = ["--content", desk.content, "--type", "ballot", "--as", "member0"]
    by_name += ["--proposal-id", PROPOSAL, "--common", desk.files.folder]
    ended = gov("sign", *by_name)
    assert _verified(desk, ended.out).protected["ccf.gov.msg.created_at"] > NOW


def test_a_signature_that_does_not_fit_is_refused_with_the_reason(
    gov: Gov, desk: Desk
) -> None:
    digest = base64.b64decode(json.loads(gov("prepare", *desk.words()).out)["value"])
    desk.signature.write_bytes(_sign_digest(desk, digest))
    for form, created_at, code, said in (
        ("json", NOW, 2, "say what it holds with --signature-format"),
        ("raw", NOW, 1, "it is der, so say --signature-format der"),
        ("der", NOW + 1, 1, "not over the sha384 digest"),
    ):
        words = desk.words(created_at=created_at)
        words += ["--signature", desk.signature, "--signature-format", form]
        ended = gov("finish", *words)
        assert (ended.code, ended.out) == (code, b"")
        assert said in ended.err
    desk.signature.write_text('{"signature": "…"}')
    ended = gov("finish", *desk.words("--signature", desk.signature))
    assert ended.code == 2
    assert "has no text 'value'" in ended.err


@pytest.mark.parametrize("created_at", ["yesterday", "²", "9" * 30, "2025-13-01"])
def test_a_time_that_is_none_is_refused(gov: Gov, desk: Desk, created_at: str) -> None:
    ended = gov("prepare", *desk.words(created_at=created_at))
    assert ended.code == 2
    assert "is no time: write 2026-01-31T12:00:00Z" in ended.err


@pytest.mark.parametrize("command", ["prepare", "sign"])
def test_a_ballot_must_say_what_it_is_about(gov: Gov, desk: Desk, command: str) -> None:
    words = desk.words()[:-2]
    ended = gov(command, *words)
    assert ended.code == 2
    assert "which proposal it is about: --proposal-id" in ended.err


@pytest.mark.parametrize("command", ["prepare", "sign"])
def test_without_a_service_the_beginning_of_an_id_is_not_enough(
    gov: Gov, desk: Desk, command: str
) -> None:
    words = [*desk.words()[:-1], PROPOSAL[:8]]
    assert words[-2] == "--proposal-id"
    ended = gov(command, *words)
    assert ended.code == 2
    assert "ccfpy gov list shows whole ids" in ended.err


def test_a_file_that_is_not_there_is_told(gov: Gov, desk: Desk) -> None:
    desk.content.unlink()
    ended = gov("prepare", *desk.words())
    assert ended.code == 1
    assert "cannot use" in ended.err

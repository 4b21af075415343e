"""The choice among several services; members whose keys are at hand."""

import asyncio
import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ccfpy.audit.discovery import find
from ccfpy.audit.inspection import Inspection, inspect
from ccfpy.audit.readers import Readers
from ccfpy.audit.shareholders import Shareholder, Shareholders
from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import MemberId
from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.cli.recover_members import choose_service, members_at_hand
from ccfpy.cli.signing import DecrypterOptions, KeyOptions
from ccfpy.client.keys import FileDecrypter, KeyFiles, KeyUnusable, generate_keys
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.rsa import RsaPublicKey
from tests.unit.audit.made import written
from tests.unit.cli.test_input import Terminal
from tests.unit.ledger.made import FIRST, SECOND, MadeLedger, small_ledger

NOTHING = KeyOptions(), DecrypterOptions()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("member0", "member1", "stranger"):
        files = KeyFiles(folder=folder, name=name)
        generate_keys(files, with_encryption_key=name == "member0")
    return folder


@pytest.fixture
def holders(folder: Path) -> Shareholders:
    return Shareholders(
        threshold=1,
        members=[
            Shareholder(
                id=MemberId(certificate(folder, name).digest_hex),
                status="Active",
                role="Participant",
                has_share=name == "member0",
                data=None,
                encrypted_share=share_of(folder) if name == "member0" else None,
            )
            for name in ("member0", "member1")
        ],
    )


def share_of(folder: Path) -> bytes:
    pem = (folder / "member0_enc_pubk.pem").read_text()
    return RsaPublicKey.from_pem(pem).wrap(b"a share")


def certificate(folder: Path, name: str) -> Certificate:
    return Certificate.from_pem((folder / f"{name}_cert.pem").read_text())


def by_command(folder: Path, name: str) -> KeyOptions:
    key = folder / f"{name}_privk.pem"
    return KeyOptions(
        cert=folder / f"{name}_cert.pem",
        sign_command=f"openssl pkeyutl -sign -inkey {key}",
    )


def test_files_and_one_other_key(folder: Path, holders: Shareholders) -> None:
    opener = DecrypterOptions(decrypt_command="exit 3")
    first, second = members_at_hand(
        [folder / "member0"], by_command(folder, "member1"), opener, holders
    )
    assert isinstance(first.decrypter, FileDecrypter)
    assert second.decrypter is None, "it has no share"
    for member, name in ((first, "member0"), (second, "member1")):
        assert member.signer.certificate.der == certificate(folder, name).der
        raw = asyncio.run(member.signer.sign(b"a vote"))
        member.signer.certificate.public_key.verify_raw(raw, b"a vote")


def test_a_key_that_does_not_open_the_share_is_told_before_anything_starts(
    folder: Path, holders: Shareholders, tmp_path: Path
) -> None:
    key = folder / "member0_enc_privk.pem"
    opens = DecrypterOptions(decrypt_key=key)
    (member,) = members_at_hand([], by_command(folder, "member0"), opens, holders)
    assert member.decrypter is not None
    others = KeyFiles(folder=tmp_path, name="member0")
    generate_keys(others, with_encryption_key=True)
    wrong = DecrypterOptions(decrypt_key=others.encryption_private_key)
    with pytest.raises(Misused, match="does not open its share"):
        members_at_hand([], by_command(folder, "member0"), wrong, holders)
    locked = DecrypterOptions(decrypt_command="exit 3")
    with pytest.raises(KeyUnusable, match="ended with 3"):
        members_at_hand([], by_command(folder, "member0"), locked, holders)


def test_who_has_no_share_at_hand_may_still_vote(
    folder: Path, holders: Shareholders
) -> None:
    found = members_at_hand(
        [folder / "member1"],
        by_command(folder, "member0"),
        DecrypterOptions(),
        holders,
    )
    assert [member.decrypter for member in found] == [None, None]
    assert members_at_hand([], *NOTHING, holders) == []


def test_a_key_that_does_not_sign_is_told_before_anything_starts(
    folder: Path, holders: Shareholders
) -> None:
    mute = KeyOptions(cert=folder / "member0_cert.pem", sign_command="exit 3")
    with pytest.raises(KeyUnusable, match="ended with 3"):
        members_at_hand([], mute, DecrypterOptions(), holders)
    other = KeyOptions(
        cert=folder / "member0_cert.pem", key=folder / "member1_privk.pem"
    )
    with pytest.raises(CcfpyError, match="not that of the certificate"):
        members_at_hand([], other, DecrypterOptions(), holders)


@pytest.mark.parametrize(
    ("files", "keys", "opener", "said"),
    [
        (
            ["nobody"],
            KeyOptions(),
            DecrypterOptions(),
            "such as .*/member0, .*/member1",
        ),
        (["x/member0"], KeyOptions(), DecrypterOptions(), "such as keys/member0"),
        (["stranger"], KeyOptions(), DecrypterOptions(), "stranger_cert.pem is of no"),
        (["member0", "member0"], KeyOptions(), DecrypterOptions(), "are given twice"),
        ([], KeyOptions(sign_command="true"), DecrypterOptions(), "and whose, by"),
        ([], KeyOptions(), DecrypterOptions(decrypt_command="cat"), "is whose"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    folder: Path,
    holders: Shareholders,
    files: list[str],
    keys: KeyOptions,
    opener: DecrypterOptions,
    said: str,
) -> None:
    with pytest.raises(Misused, match=said):
        members_at_hand([folder / name for name in files], keys, opener, holders)


def test_a_strangers_key_elsewhere_is_no_members(
    folder: Path, holders: Shareholders
) -> None:
    with pytest.raises(Misused, match="the certificate of the key is of no member"):
        members_at_hand([], by_command(folder, "stranger"), DecrypterOptions(), holders)


@pytest.fixture
def two(tmp_path: Path) -> Inspection:
    other = MadeLedger(identity=SECOND)
    other.put(SECOND.create())
    other.sign()
    written(small_ledger(), tmp_path / "a")
    written(other, tmp_path / "b")
    return inspect(find([tmp_path]), Readers())


def test_it_is_named_by_its_digest_in_either_case(two: Inspection) -> None:
    for identity in (FIRST, SECOND):
        digest = identity.certificate.digest_hex
        for name in (digest[:6], digest[:6].upper(), digest):
            chosen = choose_service(two, name, None, asks=False)
            assert chosen.certificate.digest_hex == digest


def test_who_is_at_the_terminal_is_asked(
    two: Inspection, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("2\n"))
    chosen = choose_service(two, None, None, asks=True)
    assert chosen is two.services[1]
    asked = capsys.readouterr().err
    for service in two.services:
        name = service.certificate.digest_hex[:8]
        assert f"{name}  {service.chain.status}, ends at {service.chain.last}" in asked


def test_a_script_is_told_what_to_say(
    two: Inspection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("1\n"))
    with pytest.raises(Misused, match="choose with --service one of"):
        choose_service(two, None, None, asks=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n"))
    with pytest.raises(Misused, match="choose with --service one of"):
        choose_service(two, None, None, asks=True)


def test_a_service_with_which_no_node_can_begin_is_refused(two: Inspection) -> None:
    service = two.services[0]
    late = replace(service.chain, segments=service.chain.segments[1:])
    found = replace(two, services=[replace(service, chain=late)])
    with pytest.raises(CommandFailed, match="no snapshot is of the identity"):
        choose_service(found, None, None, asks=False)

"""One family of options for keys, wherever they lie: ``gov sign`` needs no more."""

import asyncio
import base64
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pkcs11
import pytest

from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.cli.place import Place
from ccfpy.cli.signing import (
    PIN_BYTES_MAX,
    DecrypterOptions,
    KeyOptions,
    ShareForm,
    SignerOptions,
    SignersOptions,
)
from ccfpy.client.keys import (
    KeyFileMissing,
    KeyFiles,
    KeyUnusable,
    ShareDecrypter,
    Signer,
    generate_keys,
)
from ccfpy.client.vocabulary import SignatureForm, SignInput
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve
from ccfpy.crypto.rsa import RsaPublicKey
from tests.softhsm import CONFIGURATION, SoftHsm
from tests.unit.cli.conftest import Command

TOKEN = "pkcs11:token=members;object=member0"
SHARES = "pkcs11:token=members;object=shares"
PIN = "314159"
DEADLINE_S = 60
MESSAGE = b"to be signed"
SHARE = bytes(range(44))


class Home:
    """Where a member keeps keys: files, and a token with the same keys."""

    def __init__(self, folder: Path, hsm: SoftHsm) -> None:
        self.folder = folder
        self.hsm = hsm
        self.files = KeyFiles(folder=folder, name="member0")
        self.place = Place(urls=[], folder=folder, service=folder / "service_cert.pem")
        for name in ("member0", "member1"):
            files = KeyFiles(folder=folder, name=name)
            generate_keys(files, curve=Curve.SECP256R1, with_encryption_key=True)
        self.pin = folder / "pin"
        self.pin.write_text(f"{PIN}\n")
        hsm.make_token("members", PIN)
        self._put("member0", self.files.private_key, "a1")
        self._put("shares", self.files.encryption_private_key, "e1")

    def _put(self, label: str, path: Path, id_: str) -> None:
        self.hsm.put_key("members", PIN, pem=path.read_text(), label=label, id_=id_)

    def in_token(self, uri: str = TOKEN) -> str:
        return f"{uri}?module-path={self.hsm.module}"

    def openssl(self, path: Path) -> str:
        return f"openssl pkeyutl -sign -inkey {path}"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    hsm = SoftHsm(tmp_path_factory.mktemp("softhsm"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CONFIGURATION, hsm.environment[CONFIGURATION])
        yield Home(tmp_path_factory.mktemp("home"), hsm)
        pkcs11.unload(str(hsm.module))


def _sign(signer: Signer) -> None:
    raw = asyncio.run(signer.sign(MESSAGE))
    signer.certificate.public_key.verify_raw(raw, MESSAGE)


def _open(decrypter: ShareDecrypter, home: Home) -> None:
    public = RsaPublicKey.from_pem(home.files.encryption_public_key.read_text())
    assert asyncio.run(decrypter.decrypt(public.wrap(SHARE))) == SHARE


def test_without_a_word_files_of_the_members_name_are_meant(home: Home) -> None:
    options = SignerOptions()
    signer = options.signer(home.place)
    _sign(signer)
    assert options.name(signer) == "member0"
    _open(DecrypterOptions().decrypter(home.place, "member0"), home)


def test_files_may_lie_anywhere(home: Home, tmp_path: Path) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    key.write_text(home.files.private_key.read_text())
    cert.write_text(home.files.certificate.read_text())
    options = SignerOptions(who="nobody", key=key, cert=cert)
    signer = options.signer(Place(urls=[], folder=tmp_path, service=cert))
    _sign(signer)
    assert options.name(signer) == signer.certificate.digest_hex
    path = home.files.encryption_private_key
    _open(DecrypterOptions(decrypt_key=path).decrypter(home.place, "nobody"), home)


def test_a_key_in_a_token_takes_a_certificate_from_a_file(home: Home) -> None:
    options = SignerOptions(
        pkcs11=home.in_token(), pin_file=home.pin, cert=home.files.certificate
    )
    _sign(options.signer(home.place))
    decrypter = DecrypterOptions(decrypt_pkcs11=SHARES, pin_file=home.pin)
    with pytest.raises(KeyUnusable, match="--pkcs11-module"):
        decrypter.decrypter(home.place, "member0")
    decrypter = DecrypterOptions(
        decrypt_pkcs11=SHARES, pin_file=home.pin, pkcs11_module=home.hsm.module
    )
    _open(decrypter.decrypter(home.place, "member0"), home)


def test_a_token_without_a_certificate_says_what_to_say(home: Home) -> None:
    options = SignerOptions(pkcs11=home.in_token(), pin_file=home.pin)
    with pytest.raises(KeyUnusable, match="which file holds it \\(--cert\\)"):
        options.signer(home.place)


def test_the_uri_may_say_where_the_pin_is(home: Home) -> None:
    uri = f"{home.in_token()}&pin-source=file:{home.pin}"
    _sign(SignerOptions(pkcs11=uri, cert=home.files.certificate).signer(home.place))


def test_a_command_signs_and_opens(home: Home) -> None:
    command = home.openssl(home.files.private_key)
    _sign(SignerOptions(sign_command=command).signer(home.place))
    options = SignerOptions(
        sign_command=f"openssl dgst -sha256 -sign {home.files.private_key} | base64",
        sign_input=SignInput.MESSAGE,
        signature_format=SignatureForm.DER_BASE64,
    )
    _sign(options.signer(home.place))
    share = base64.b64encode(SHARE).decode()
    opener = DecrypterOptions(
        decrypt_command=f"echo {share}", decrypt_output=ShareForm.BASE64
    )
    _open(opener.decrypter(home.place, "member0"), home)


def test_of_several_members_the_first_may_have_its_key_anywhere(home: Home) -> None:
    ids = [
        Certificate.from_pem((home.folder / f"{name}_cert.pem").read_text()).digest_hex
        for name in ("member0", "member1")
    ]
    files = SignersOptions(who=["member1", "member0"]).signers(home.place)
    assert [each.certificate.digest_hex for each in files] == ids[::-1]
    (alone,) = SignersOptions().signers(home.place)
    assert alone.certificate.digest_hex == ids[0]
    in_token = SignersOptions(
        who=["whoever", "member1"],
        pkcs11=home.in_token(),
        pin_file=home.pin,
        cert=home.files.certificate,
    ).signers(home.place)
    assert [each.certificate.digest_hex for each in in_token] == ids
    for signer in (*files, *in_token):
        _sign(signer)
    with pytest.raises(Misused, match="choose one of member0, member1"):
        SignersOptions(who=["member0", "nobody"]).signers(home.place)


def test_without_files_nothing_may_be_left_unsaid(home: Home) -> None:
    def nobody() -> KeyFiles:
        raise Misused("no files")

    assert not KeyOptions().is_given
    assert not DecrypterOptions().is_given
    whole = KeyOptions(key=home.files.private_key, cert=home.files.certificate)
    _sign(whole.signer_or(nobody))
    for options in (
        KeyOptions(key=home.files.private_key),
        KeyOptions(cert=home.files.certificate),
        KeyOptions(sign_command="true"),
    ):
        assert options.is_given
        with pytest.raises(Misused, match="no files"):
            options.signer_or(nobody)


def test_two_keys_at_once_are_refused(home: Home) -> None:
    options = SignerOptions(key=home.files.private_key, sign_command="true")
    with pytest.raises(Misused, match="--key and --sign-command say two different"):
        options.signer(home.place)
    opener = DecrypterOptions(decrypt_pkcs11=SHARES, decrypt_command="true")
    with pytest.raises(Misused, match="--decrypt-pkcs11 and --decrypt-command"):
        opener.decrypter(home.place, "member0")


def test_what_is_not_there_is_told(home: Home, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(KeyFileMissing):
        SignerOptions(key=gone).signer(home.place)
    with pytest.raises(Misused, match="choose one of member0, member1"):
        SignerOptions(who="nobody").signer(home.place)
    with pytest.raises(Misused, match="not a PKCS#11 URI"):
        SignerOptions(pkcs11="members").signer(home.place)
    options = SignerOptions(pkcs11=home.in_token(), pin_file=gone)
    with pytest.raises(CommandFailed, match="cannot use the file with the PIN"):
        options.signer(home.place)


def test_a_file_that_is_no_pin_is_refused(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "pin"
    options = SignerOptions(pkcs11=home.in_token(), pin_file=path)
    for content, said in (
        (b"1" * (PIN_BYTES_MAX + 1), "too long to hold a PIN"),
        (b"\xff\xfe", "holds no PIN"),
    ):
        path.write_bytes(content)
        with pytest.raises(CommandFailed, match=said):
            options.signer(home.place)
    path.write_bytes(b"1" * PIN_BYTES_MAX)
    with pytest.raises(KeyUnusable, match="refuses this PIN"):
        options.signer(home.place)


@pytest.mark.slow
def test_a_pin_is_asked_for_on_the_terminal_and_does_not_show(
    home: Home, tmp_path: Path
) -> None:
    content = tmp_path / "content.json"
    content.write_text("{}")
    words = ["--content", str(content), "--type", "ack", "--pkcs11", home.in_token()]
    words += ["--cert", str(home.files.certificate)]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "ccfpy.cli.main", "gov", "sign", *words],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown = b""
        # With the space it listens; what is typed ahead of that is thrown away.
        while b"PIN of the token members: " not in shown:
            shown += os.read(ours, 1024)  # which fails once the command has ended
        os.write(ours, f"{PIN}\n".encode())
        message, _ = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0
    os.close(ours)
    assert PIN.encode() not in shown + message
    assert message.startswith(b"\xd2\x84")


def test_without_a_terminal_nobody_is_asked(home: Home) -> None:
    options = SignerOptions(pkcs11=home.in_token())
    with pytest.raises(KeyUnusable, match="no terminal to ask on: say --pin-file"):
        options.signer(home.place)


def test_every_command_that_signs_has_the_options_of_keys(command: Command) -> None:
    for name in ("sign", "vote", "propose", "share", "reshare", "rotate"):
        assert "--sign-command" in command("gov", name, "--help").out
    for words in (("network", "trust"), ("network", "retire"), ("app", "deploy")):
        assert "--sign-command" in command(*words, "--help").out
    assert "--decrypt-command" in command("recover", "--help").out
    assert "--decrypt-command" in command("gov", "share", "--help").out


def test_a_certificate_can_be_had_without_its_key(home: Home, tmp_path: Path) -> None:
    expected = Certificate.from_pem(home.files.certificate.read_text())
    (tmp_path / "member0_cert.pem").write_text(expected.pem)
    place = Place(urls=[], folder=tmp_path, service=tmp_path)
    assert SignerOptions().certificate(place).der == expected.der

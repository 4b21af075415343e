"""Commands as people write them: openssl, a vault's tool, and those that fail."""

import asyncio
import base64
import os
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from ccfpy.base.errors import VerificationFailed
from ccfpy.client.keys import KeyFiles, KeyUnusable, generate_keys
from ccfpy.client.signers.command import (
    OUTPUT_BYTES_MAX,
    CommandDecrypter,
    CommandSigner,
)
from ccfpy.client.vocabulary import SignatureForm, SignInput
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve
from ccfpy.crypto.rsa import RsaPublicKey

MESSAGE = b"to be signed"
OAEP = (
    "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 "
    "-pkeyopt rsa_mgf1_md:sha256"
)
VAULT = """
import base64, os, sys
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import load_pem_private_key
key = load_pem_private_key(open(sys.argv[1], "rb").read(), None)
size = (key.curve.key_size + 7) // 8
hashed = {"ES256": hashes.SHA256(), "ES384": hashes.SHA384()}
algorithm = ec.ECDSA(utils.Prehashed(hashed[os.environ["CCFPY_ALGORITHM"]]))
digest = base64.b64decode(os.environ["CCFPY_DIGEST_BASE64"])
numbers = utils.decode_dss_signature(key.sign(digest, algorithm))
raw = b"".join(n.to_bytes(size, "big") for n in numbers)
print(base64.urlsafe_b64encode(raw).decode().rstrip("="))
"""
"""A vault that takes the digest as a word and gives raw base64url, as Azure's does."""


@pytest.fixture(scope="module", params=[Curve.SECP384R1, Curve.SECP256R1])
def member(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> KeyFiles:
    """A member whose key the commands use."""
    assert shutil.which("openssl"), "openssl is what these commands are about"
    files = KeyFiles(folder=tmp_path_factory.mktemp("vault"), name="member0")
    generate_keys(files, curve=request.param, with_encryption_key=True)
    return files


def _signer(
    member: KeyFiles,
    command: str,
    *,
    form: SignatureForm = SignatureForm.DER,
    takes: SignInput = SignInput.DIGEST,
    timeout_s: float = 60,
) -> CommandSigner:
    return CommandSigner(
        certificate=Certificate.from_pem(member.certificate.read_text()),
        command=command,
        form=form,
        takes=takes,
        timeout_s=timeout_s,
    )


def _check(signer: CommandSigner) -> None:
    raw = asyncio.run(signer.sign(MESSAGE))
    signer.certificate.public_key.verify_raw(raw, MESSAGE)


def test_openssl_signs_the_digest(member: KeyFiles) -> None:
    _check(_signer(member, f"openssl pkeyutl -sign -inkey {member.private_key}"))


def test_openssl_hashes_and_signs_the_message(member: KeyFiles) -> None:
    command = f'openssl dgst -"$CCFPY_HASH" -sign {member.private_key}'
    _check(_signer(member, command, takes=SignInput.MESSAGE))


def test_a_line_of_shell_may_write_base64(member: KeyFiles) -> None:
    command = f"openssl pkeyutl -sign -inkey {member.private_key} | base64"
    _check(_signer(member, command, form=SignatureForm.DER_BASE64))


def test_a_vault_takes_the_digest_as_a_word_and_reads_no_stdin(
    member: KeyFiles, tmp_path: Path
) -> None:
    program = tmp_path / "vault.py"
    program.write_text(VAULT)
    command = shlex.join([sys.executable, str(program), str(member.private_key)])
    _check(_signer(member, command, form=SignatureForm.RAW_BASE64))


def test_a_signature_over_something_else_is_not_used(member: KeyFiles) -> None:
    command = f'openssl dgst -"$CCFPY_HASH" -sign {member.private_key}'
    signer = _signer(member, command)  # which hashes the digest once more
    with pytest.raises(VerificationFailed, match=r"not over the sha\d+ digest"):
        asyncio.run(signer.sign(MESSAGE))


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("exit 3", "ended with 3"),
        ("no-such-program-anywhere 2>/dev/null", "ended with 127"),
        ("true", "printed nothing"),
        (f"head -c {OUTPUT_BYTES_MAX + 1} /dev/zero", "a signature or a share alone"),
    ],
)
def test_a_command_that_fails_says_so(
    member: KeyFiles, command: str, said: str
) -> None:
    with pytest.raises(KeyUnusable, match=said):
        asyncio.run(_signer(member, command).sign(MESSAGE))


def test_as_much_as_may_be_printed_is_read(member: KeyFiles) -> None:
    command = f"head -c {OUTPUT_BYTES_MAX} /dev/zero"
    with pytest.raises(VerificationFailed):
        asyncio.run(_signer(member, command).sign(MESSAGE))


def test_a_command_that_never_ends_is_given_up(
    member: KeyFiles, tmp_path: Path
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = os.open(fifo, os.O_RDWR)
    # What reads from it outlives its shell, and has the shell's stdout.
    signer = _signer(member, f"cat {fifo} & wait", timeout_s=0.1)
    with pytest.raises(KeyUnusable, match=r"took longer than 0\.1 s"):
        asyncio.run(signer.sign(MESSAGE))
    os.close(writer)  # and ends when nobody can write


@pytest.mark.parametrize("gives_base64", [False, True])
def test_a_command_opens_a_share(member: KeyFiles, *, gives_base64: bool) -> None:
    key = member.encryption_private_key
    command = f"openssl pkeyutl -decrypt -inkey {key} {OAEP}"
    command += " | base64" if gives_base64 else ""
    decrypter = CommandDecrypter(command=command, gives_base64=gives_base64)
    public = RsaPublicKey.from_pem(member.encryption_public_key.read_text())
    share = bytes(range(44))
    assert asyncio.run(decrypter.decrypt(public.wrap(share))) == share


def test_a_vault_may_take_the_ciphertext_as_a_word() -> None:
    command = 'echo "$CCFPY_ALGORITHM $CCFPY_CIPHERTEXT_BASE64"'
    decrypter = CommandDecrypter(command=command)
    word = base64.b64encode(b"wrapped").decode()
    assert asyncio.run(decrypter.decrypt(b"wrapped")) == (
        f"RSA-OAEP-256 {word}\n".encode()
    )


def test_a_share_that_is_not_in_base64_is_not_shown() -> None:
    decrypter = CommandDecrypter(command="cat", gives_base64=True)
    with pytest.raises(KeyUnusable, match="something else") as raised:
        asyncio.run(decrypter.decrypt(b"a%secret"))
    assert "secret" not in str(raised.value)

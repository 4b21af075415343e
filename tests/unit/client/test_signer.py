import asyncio
from pathlib import Path

import pytest

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.client.keyfiles import KeyFileMissing, KeyFiles, generate_keys
from ccfpy.client.signer import FileDecrypter, FileSigner
from ccfpy.crypto.ec import Curve
from ccfpy.crypto.rsa import RsaPublicKey


@pytest.fixture
def files(tmp_path: Path) -> KeyFiles:
    made = KeyFiles(folder=tmp_path, name="member0")
    generate_keys(made, curve=Curve.SECP256R1, with_encryption_key=False)
    return made


def test_what_it_signs_verifies_under_its_certificate(files: KeyFiles) -> None:
    signer = FileSigner.load(files)
    signature = asyncio.run(signer.sign(b"message"))
    key = signer.certificate.public_key
    key.verify_raw(signature, b"message")
    with pytest.raises(VerificationFailed):
        key.verify_raw(signature, b"another")


def test_a_key_of_somebody_else_is_refused(files: KeyFiles, tmp_path: Path) -> None:
    other = KeyFiles(folder=tmp_path, name="member1")
    generate_keys(other, curve=Curve.SECP256R1, with_encryption_key=False)
    with pytest.raises(VerificationFailed, match="not that of the certificate"):
        FileSigner.read(certificate=files.certificate, private_key=other.private_key)


def test_files_that_are_missing_or_wrong_are_refused(files: KeyFiles) -> None:
    files.private_key.write_text("no key")
    with pytest.raises(Malformed):
        FileSigner.load(files)
    files.private_key.unlink()
    with pytest.raises(KeyFileMissing):
        FileSigner.load(files)


def test_a_key_in_a_file_opens_what_was_encrypted_to_it_alone(tmp_path: Path) -> None:
    members = [KeyFiles(folder=tmp_path, name=f"member{i}") for i in range(2)]
    for member in members:
        generate_keys(member, curve=Curve.SECP256R1, with_encryption_key=True)
    public = RsaPublicKey.from_pem(members[0].encryption_public_key.read_text())
    wrapped = public.wrap(b"share")
    first, second = (FileDecrypter.read(m.encryption_private_key) for m in members)
    assert asyncio.run(first.decrypt(wrapped)) == b"share"
    with pytest.raises(VerificationFailed, match="not encrypted to this key"):
        asyncio.run(second.decrypt(wrapped))

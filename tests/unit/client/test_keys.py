import asyncio
from pathlib import Path

import pytest

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.client.keys import (
    CERTIFICATE_VALIDITY_DAYS,
    FileDecrypter,
    FileSigner,
    KeyFileMissing,
    KeyFiles,
    NotAName,
    OsEntropy,
    generate_keys,
    member_id,
    read_text,
    write_private,
)
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.rsa import RsaKeyPair, RsaPublicKey


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


def test_files_are_named_as_ccfs_tools_name_them(tmp_path: Path) -> None:
    files = KeyFiles(folder=tmp_path, name="member0")
    assert files.private_key == tmp_path / "member0_privk.pem"
    assert files.certificate == tmp_path / "member0_cert.pem"
    assert files.encryption_private_key == tmp_path / "member0_enc_privk.pem"
    assert files.encryption_public_key == tmp_path / "member0_enc_pubk.pem"


@pytest.mark.parametrize("name", ["", "../member0", "a/b", ".", ".hidden", "x" * 65])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(NotAName, match="cannot name a participant"):
        KeyFiles(folder=Path(), name=name)


@pytest.mark.parametrize("curve", [Curve.SECP384R1, Curve.SECP256R1])
def test_a_members_keys_belong_together(tmp_path: Path, curve: Curve) -> None:
    files = KeyFiles(folder=tmp_path / "new", name="member0")
    made = generate_keys(files, curve=curve, with_encryption_key=True)
    certificate = Certificate.from_pem(files.certificate.read_text())
    key = KeyPair.from_pem(files.private_key.read_text())
    assert certificate == made
    assert certificate.public_key == key.public_key
    assert key.public_key.curve is curve
    assert certificate.subject == "CN=member0"
    certificate.verify_signed_by(certificate)
    valid = certificate.not_after - certificate.not_before
    assert valid.days == CERTIFICATE_VALIDITY_DAYS - 1
    assert member_id(certificate) == certificate.digest_hex
    private = RsaKeyPair.from_pem(files.encryption_private_key.read_text())
    public = RsaPublicKey.from_pem(files.encryption_public_key.read_text())
    assert private.unwrap(public.wrap(b"share")) == b"share"


def test_a_user_has_no_encryption_key(tmp_path: Path) -> None:
    files = KeyFiles(folder=tmp_path, name="user0")
    generate_keys(files, with_encryption_key=False)
    assert {path.name for path in tmp_path.iterdir()} == {
        "user0_privk.pem",
        "user0_cert.pem",
    }


def test_private_keys_are_their_owners_alone(tmp_path: Path) -> None:
    files = KeyFiles(folder=tmp_path, name="member0")
    files.private_key.write_text("an older key that others may read")
    files.private_key.chmod(0o644)
    generate_keys(files, with_encryption_key=True)
    for path in (files.private_key, files.encryption_private_key):
        assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_written_privately_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    write_private(path, "secret")
    assert read_text(path) == "secret"


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileMissing, match="no such file"):
        read_text(tmp_path / "absent.pem")
    (tmp_path / "key.der").write_bytes(b"\xff\xfe")
    with pytest.raises(KeyFileMissing, match="not PEM text"):
        read_text(tmp_path / "key.der")


def test_randomness_comes_in_the_length_asked_for() -> None:
    entropy = OsEntropy()
    assert len(entropy.random_bytes(48)) == 48
    assert entropy.random_bytes(16) != entropy.random_bytes(16)
    assert RsaKeyPair.from_der(entropy.rsa_private_key(2048)).public_key.pem

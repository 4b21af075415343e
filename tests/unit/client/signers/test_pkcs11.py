"""Keys that never leave their token, and tokens that do not do what they are told."""

import asyncio
import functools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pkcs11
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pkcs11 import Attribute, CertificateType, ObjectClass, TokenFlag

from ccfpy.base.errors import VerificationFailed
from ccfpy.client.keys import KeyUnusable, OsEntropy
from ccfpy.client.signers.pkcs11 import (
    Token,
    TokenDecrypter,
    TokenSigner,
    explain,
    unpad,
)
from ccfpy.client.signers.pkcs11_uri import Pkcs11Uri
from ccfpy.crypto.certs import Certificate, node_self_signed
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.rsa import RsaKeyPair
from tests.damage import with_a_bit_changed
from tests.softhsm import CONFIGURATION, SoftHsm

LABEL = "consortium"
PIN = "314159"
NEW_PIN = "its security officer must set a new one"
MESSAGE = b"to be signed"
SHARE = bytes(range(44))
CURVES = {"p384": Curve.SECP384R1, "p256": Curve.SECP256R1, "p521": Curve.SECP521R1}


class Vault:
    """A token with a key on each curve, and a key for shares; what we know of them."""

    def __init__(self, hsm: SoftHsm) -> None:
        self.hsm = hsm
        entropy = OsEntropy()
        self.keys = {name: KeyPair.generate(entropy, c) for name, c in CURVES.items()}
        self.encryption = RsaKeyPair.generate(entropy)
        for label in (LABEL, "another"):
            hsm.make_token(label, PIN)
        for number, (name, key) in enumerate(self.keys.items(), start=1):
            hsm.put_key(LABEL, PIN, pem=key.pem, label=name, id_=f"a{number}")
        pem = self.encryption.pem
        hsm.put_key(LABEL, PIN, pem=pem, label="shares", id_="e1")

    def certificate(self, name: str) -> Certificate:
        """Certify one of the keys."""
        return node_self_signed(
            self.keys[name],
            subject=f"CN={name}",
            sans=[],
            not_before=datetime.now(tz=UTC),
            validity_days=1,
            entropy=OsEntropy(),
        )

    def token(self, path: str, pin: str = PIN) -> Token:
        """Find a token."""
        uri = Pkcs11Uri.parse(f"pkcs11:{path}?module-path={self.hsm.module}")
        return Token(uri, pin=lambda _: pin)

    def put_certificate(
        self, certificate: Certificate, *, label: str, id_: str
    ) -> None:
        """Put a certificate beside a key."""
        found = pkcs11.lib(str(self.hsm.module)).get_token(token_label=LABEL)
        with found.open(rw=True, user_pin=PIN) as session:
            session.create_object(
                {
                    Attribute.CLASS: ObjectClass.CERTIFICATE,
                    Attribute.CERTIFICATE_TYPE: CertificateType.X_509,
                    Attribute.TOKEN: True,
                    Attribute.LABEL: label,
                    Attribute.ID: bytes.fromhex(id_),
                    Attribute.SUBJECT: b"",
                    Attribute.VALUE: certificate.der,
                }
            )


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """A token as a consortium's member has one; the module reads its place once."""
    hsm = SoftHsm(tmp_path_factory.mktemp("softhsm"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CONFIGURATION, hsm.environment[CONFIGURATION])
        yield Vault(hsm)
        pkcs11.unload(str(hsm.module))


@pytest.mark.parametrize("name", CURVES)
def test_a_token_signs_on_each_curve(vault: Vault, name: str) -> None:
    certificate = vault.certificate(name)
    token = vault.token(f"token={LABEL};object={name}")
    signer = TokenSigner(token=token, certificate=certificate)
    raw = asyncio.run(signer.sign(MESSAGE))
    certificate.public_key.verify_raw(raw, MESSAGE)


def test_a_key_may_be_named_by_its_id(vault: Vault) -> None:
    certificate = vault.certificate("p256")
    token = vault.token(f"token={LABEL};id=%a2")
    signer = TokenSigner(token=token, certificate=certificate)
    raw = asyncio.run(signer.sign(MESSAGE))
    certificate.public_key.verify_raw(raw, MESSAGE)


def test_signatures_at_the_same_time_wait_for_each_other(vault: Vault) -> None:
    certificate = vault.certificate("p256")
    token = vault.token(f"token={LABEL};object=p256")
    signer = TokenSigner(token=token, certificate=certificate)

    async def sign_all() -> list[bytes]:
        return await asyncio.gather(*(signer.sign(bytes([i])) for i in range(8)))

    for i, raw in enumerate(asyncio.run(sign_all())):
        certificate.public_key.verify_raw(raw, bytes([i]))


def test_a_certificate_lies_beside_its_key_by_id_or_by_label(vault: Vault) -> None:
    by_id, by_label = vault.certificate("p384"), vault.certificate("p256")
    vault.put_certificate(by_id, label="of the first", id_="a1")
    vault.put_certificate(by_label, label="p256", id_="ff")
    for name, expected in (("p384", by_id), ("p256", by_label)):
        signer = TokenSigner.find(vault.token(f"token={LABEL};object={name}"))
        assert signer.certificate.der == expected.der
        raw = asyncio.run(signer.sign(MESSAGE))
        expected.public_key.verify_raw(raw, MESSAGE)


def test_a_key_without_a_certificate_beside_it_says_so(vault: Vault) -> None:
    with pytest.raises(
        KeyUnusable, match=r"no certificates for 'p521' \(id a3\).*--cert"
    ):
        TokenSigner.find(vault.token(f"token={LABEL};object=p521"))


def test_the_key_of_another_certificate_is_not_used(vault: Vault) -> None:
    token = vault.token(f"token={LABEL};object=p384")
    stranger = KeyPair.generate(OsEntropy(), Curve.SECP384R1)
    certificate = node_self_signed(
        stranger,
        subject="CN=stranger",
        sans=[],
        not_before=datetime.now(tz=UTC),
        validity_days=1,
        entropy=OsEntropy(),
    )
    signer = TokenSigner(token=token, certificate=certificate)
    with pytest.raises(VerificationFailed, match="CN=stranger: another key made it"):
        asyncio.run(signer.sign(MESSAGE))


@pytest.mark.parametrize("path", ["", ";object=shares", ";id=%e1"])
def test_a_token_opens_shares(vault: Vault, path: str) -> None:
    decrypter = TokenDecrypter(vault.token(f"token={LABEL}{path}"))
    wrapped = vault.encryption.public_key.wrap(SHARE)
    assert asyncio.run(decrypter.decrypt(wrapped)) == SHARE


def test_a_share_for_somebody_else_is_not_opened(vault: Vault) -> None:
    decrypter = TokenDecrypter(vault.token(f"token={LABEL};object=shares"))
    other = RsaKeyPair.generate(OsEntropy()).public_key.wrap(SHARE)
    wrapped = vault.encryption.public_key.wrap(SHARE)
    for message in (
        b"",
        other[:-1],
        with_a_bit_changed(wrapped),
        b"\xff" * 256,
    ):
        with pytest.raises(VerificationFailed, match="not encrypted to this key"):
            asyncio.run(decrypter.decrypt(message))


def test_a_wrong_pin_is_tried_once(vault: Vault) -> None:
    asked = []

    def pin(label: str) -> str:
        asked.append(label)
        return "000000"

    uri = Pkcs11Uri.parse(f"pkcs11:token={LABEL};object=p384")
    token = Token(uri, pin=pin, module=vault.hsm.module)
    with pytest.raises(KeyUnusable, match=r"'consortium' refuses this PIN$") as raised:
        TokenSigner.find(token)
    assert asked == [LABEL]
    assert "000000" not in str(raised.value)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("token=nobody", "no such token: name one by token= or serial=.*'another'"),
        ("token=another;serial=0", "no such token"),
        ("manufacturer=Snake%20Oil", "no such token"),
        ("slot-id=4294967295", "no such token"),
        ("model=SoftHSM%20v2", "several such tokens"),
    ],
)
def test_a_token_that_is_not_the_one_is_told_of(
    vault: Vault, path: str, said: str
) -> None:
    with pytest.raises(KeyUnusable, match=said):
        vault.token(path)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (f"token={LABEL};object=nobody", r"no such EC key.*'p521' \(id a3\)"),
        (f"token={LABEL};object=shares", "no such EC key"),
        (f"token={LABEL}", "several such keys"),
        ("token=another", "no such EC key: name one .*, of none"),
    ],
)
def test_a_key_that_is_not_the_one_is_told_of(
    vault: Vault, path: str, said: str
) -> None:
    with pytest.raises(KeyUnusable, match=said):
        TokenSigner.find(vault.token(path))


def test_a_module_that_is_none_is_told_of(tmp_path: Path) -> None:
    text = tmp_path / "module.so"
    text.write_text("no library")
    for module, said in (
        (None, r"no PKCS#11 module is named: add \?module-path="),
        (tmp_path / "nothing.so", "there is no PKCS#11 module"),
        (text, "does not work as a PKCS#11 module"),
    ):
        with pytest.raises(KeyUnusable, match=said):
            Token(Pkcs11Uri(), pin=lambda _: PIN, module=module)


@pytest.mark.parametrize(
    ("error", "flags", "said"),
    [
        (pkcs11.PinIncorrect(), TokenFlag(0), "refuses this PIN"),
        (
            pkcs11.PinIncorrect(),
            TokenFlag.USER_PIN_COUNT_LOW,
            "refuses this PIN: a few more wrong ones lock it",
        ),
        (
            pkcs11.PinIncorrect(),
            TokenFlag.USER_PIN_COUNT_LOW | TokenFlag.USER_PIN_FINAL_TRY,
            "refuses this PIN: the next wrong one locks it",
        ),
        (
            pkcs11.PinIncorrect(),
            TokenFlag.USER_PIN_LOCKED,
            f"refuses this PIN, and is locked now: {NEW_PIN}",
        ),
        (
            pkcs11.PinLocked(),
            None,
            f"is locked after too many wrong PINs: {NEW_PIN}",
        ),
        (pkcs11.TokenNotPresent(), None, "is not there any more: put it back"),
        (pkcs11.GeneralError(), None, "fails with GeneralError"),
        (pkcs11.DeviceError("x"), None, "fails with DeviceError x"),
    ],
)
def test_what_a_token_says_is_told_in_words(
    error: pkcs11.PKCS11Error, flags: TokenFlag | None, said: str
) -> None:
    assert explain(error, "card", flags) == f"the token 'card' {said}"


MODULUS_BYTES = 256
MESSAGE_BYTES_MAX = MODULUS_BYTES - 2 * 32 - 2


@functools.cache
def _key() -> RsaKeyPair:
    return RsaKeyPair.generate(OsEntropy())


def _power(wrapped: bytes) -> bytes:
    """Do what CKM_RSA_X_509 does in a token."""
    numbers = _key().library_key.private_numbers()
    message = pow(int.from_bytes(wrapped, "big"), numbers.d, numbers.public_numbers.n)
    return message.to_bytes(MODULUS_BYTES, "big")


@pytest.mark.slow
@given(st.binary(max_size=MESSAGE_BYTES_MAX))
def test_what_the_library_wraps_is_found_in_the_power(message: bytes) -> None:
    assert unpad(_power(_key().public_key.wrap(message))) == message


@pytest.mark.slow
@given(st.integers(0, MODULUS_BYTES - 1), st.integers(1, 255))
def test_a_power_with_any_byte_changed_is_refused(index: int, change: int) -> None:
    encoded = bytearray(_power(_key().public_key.wrap(b"share")))
    encoded[index] ^= change
    with pytest.raises(VerificationFailed, match="not encrypted to this key"):
        unpad(bytes(encoded))


@given(st.binary(max_size=MODULUS_BYTES))
def test_any_bytes_are_refused_and_nothing_else_is_raised(data: bytes) -> None:
    with pytest.raises(VerificationFailed):
        unpad(data)

"""Keys in tokens: hardware security modules, smart cards, SoftHSM, by PKCS#11.

A private key never leaves its token, which signs digests (``CKM_ECDSA``) and opens
shares (``CKM_RSA_PKCS_OAEP``). Many tokens know the latter with SHA-1 alone: from those
we have the key's bare power (``CKM_RSA_X_509``) and take the padding off ourselves.

Each use is a session of its own, with its own login, and a PIN is tried once: a token
counts what was wrong, and locks itself.

The padding that we take off is RSA-OAEP's (RFC 8017 §7.1.2), SHA-256 throughout,
without a label. Errors say what is wrong with a message: decrypt so only for the member
to whom the message was encrypted, never to answer a stranger who may ask again.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeAlias

import pkcs11
from pkcs11 import Attribute, Mechanism, ObjectClass, TokenFlag
from pkcs11.mechanisms import MGF, KeyType

from ccfpy.base.errors import VerificationFailed
from ccfpy.client.keys import KeyUnusable
from ccfpy.client.signers.detached import digest_of, read_signature
from ccfpy.client.signers.pkcs11_uri import Pkcs11Uri
from ccfpy.client.vocabulary import SignatureForm
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import DIGEST_BYTES, sha256

Pin: TypeAlias = Callable[[str], str]
"""Asks for the PIN of the token of this label."""

_OAEP = (Mechanism.SHA256, MGF.SHA256, None)
_NO_SUCH_OAEP = (
    pkcs11.ArgumentsBad,
    pkcs11.MechanismInvalid,
    pkcs11.MechanismParamInvalid,
)
"""How tokens say that they know this padding under another hash, or not at all."""
_ONE_LOGIN = threading.Lock()
"""A login holds for the whole process, so that a second one at a time would fail."""
_REASONS: Mapping[type[Exception], str] = {
    pkcs11.PinIncorrect: "refuses this PIN",
    pkcs11.PinInvalid: "refuses this PIN",
    pkcs11.PinLenRange: "refuses a PIN of this length",
    pkcs11.PinLocked: "is locked after too many wrong PINs: its security officer must "
    "set a new one",
    pkcs11.PinExpired: "asks for a new PIN: set one with the token's own tool",
    pkcs11.UserPinNotInitialized: "has no PIN yet: set one with the token's own tool",
    pkcs11.TokenNotPresent: "is not there any more: put it back",
    pkcs11.DeviceRemoved: "is not there any more: put it back",
    pkcs11.FunctionCancelled: "was told to stop, or nobody confirmed in time",
    pkcs11.MechanismInvalid: "cannot do this with its keys",
    pkcs11.KeyTypeInconsistent: "has a key of another kind there",
}
"""What to tell of an error; ``pkcs11`` gives it no words of its own."""


class Token:
    """The token that a URI names.

    Args:
        uri: which token, and which of its keys.
        module: the library that speaks to it, if the URI does not say.
        pin: asks for its PIN; not called where the token asks by itself.

    Raises:
        KeyUnusable: there is no such module or token.
    """

    def __init__(self, uri: Pkcs11Uri, *, pin: Pin, module: Path | None = None) -> None:
        self.uri = uri
        self._pin = pin
        self._token = _find_token(uri, uri.module or module)
        self.label: str = self._token.label

    @contextmanager
    def logged_in(self) -> Iterator["LoggedIn"]:
        """Log in, for as long as the context lasts.

        Raises:
            KeyUnusable: the token does not let us, or fails meanwhile.
        """
        with _ONE_LOGIN:
            try:
                pin = self._credential()
                with self._token.open(user_pin=pin) as session:
                    yield LoggedIn(session, self, pin)
            except pkcs11.PKCS11Error as error:
                raise self._explained(error) from error

    def _credential(self) -> object:
        flags = self._token.flags
        if flags & TokenFlag.USER_PIN_LOCKED:
            raise pkcs11.PinLocked
        if not flags & TokenFlag.LOGIN_REQUIRED:
            return None
        if not flags & TokenFlag.USER_PIN_INITIALIZED:
            raise pkcs11.UserPinNotInitialized
        if flags & TokenFlag.PROTECTED_AUTHENTICATION_PATH:
            return pkcs11.PROTECTED_AUTH
        return self._pin(self.label)

    def _explained(self, error: pkcs11.PKCS11Error) -> KeyUnusable:
        flags = self._token.flags if isinstance(error, pkcs11.PinIncorrect) else None
        return KeyUnusable(explain(error, self.label, flags))


def explain(
    error: pkcs11.PKCS11Error, label: str, flags: TokenFlag | None = None
) -> str:
    """Explain what a token's error means for its holder.

    Args:
        error: the library's.
        label: the token's.
        flags: what the token says of its PIN, after a wrong one.
    """
    reason = _REASONS.get(type(error), f"fails with {type(error).__name__} {error}")
    text = f"the token {label!r} {reason.rstrip()}"
    if flags is None:
        return text
    if flags & TokenFlag.USER_PIN_LOCKED:
        return f"{text}, and is locked now: its security officer must set a new one"
    if flags & TokenFlag.USER_PIN_FINAL_TRY:
        return f"{text}: the next wrong one locks it"
    if flags & TokenFlag.USER_PIN_COUNT_LOW:
        return f"{text}: a few more wrong ones lock it"
    return text


class LoggedIn:
    """A session in which the token's private keys can be used."""

    def __init__(self, session: pkcs11.Session, token: Token, pin: object) -> None:
        self._session = session
        self._token = token
        self._pin = pin

    def private_key(self, kind: KeyType) -> Any:  # noqa: ANN401  # built by the library
        """Find the one key of a kind that the URI names.

        Raises:
            KeyUnusable: there is none, or more than one.
        """
        uri = self._token.uri
        wanted: dict[Attribute, object] = {Attribute.KEY_TYPE: kind}
        if uri.object is not None:
            wanted[Attribute.LABEL] = uri.object
        if uri.id is not None:
            wanted[Attribute.ID] = uri.id
        found = self._list(ObjectClass.PRIVATE_KEY, wanted)
        if len(found) == 1:
            return found[0]
        there = found or self._list(ObjectClass.PRIVATE_KEY, {Attribute.KEY_TYPE: kind})
        listed = ", ".join(map(_described, there)) or "none"
        raise KeyUnusable(
            f"the token {self._token.label!r} has "
            + ("several such keys" if found else f"no such {kind.name} key")
            + f": name one by object= or id= in the URI, of {listed}"
        )

    def credential_for(self, key: Any) -> dict[str, object]:  # noqa: ANN401  # the same
        """Return the credential of a key that asks for the PIN with each use."""
        try:
            asks = bool(key[Attribute.ALWAYS_AUTHENTICATE])
        except pkcs11.AttributeTypeInvalid:  # of older tokens, which have none such
            asks = False
        return {"pin": self._pin} if asks and isinstance(self._pin, str) else {}

    def certificate_of(self, key: Any) -> Certificate:  # noqa: ANN401  # the same
        """Find the certificate beside a key, by its id or its label.

        Raises:
            KeyUnusable: there is none, or more than one.
            Malformed: it cannot be read.
        """
        by_id = self._list(ObjectClass.CERTIFICATE, {Attribute.ID: key[Attribute.ID]})
        found = by_id or self._list(
            ObjectClass.CERTIFICATE, {Attribute.LABEL: key[Attribute.LABEL]}
        )
        if len(found) != 1:
            raise KeyUnusable(
                f"the token {self._token.label!r} has {len(found) or 'no'} "
                f"certificates for {_described(key)}: say which file holds it (--cert)"
            )
        return Certificate.from_der(found[0][Attribute.VALUE])

    def _list(self, kind: ObjectClass, wanted: Mapping[Attribute, object]) -> list[Any]:
        return list(self._session.get_objects({Attribute.CLASS: kind, **wanted}))


class TokenSigner:
    """An identity key in a token."""

    __slots__ = ("_token", "certificate")

    def __init__(self, *, token: Token, certificate: Certificate) -> None:
        self.certificate = certificate
        self._token = token

    @classmethod
    def find(cls, token: Token) -> Self:
        """Return the certificate that is in the token beside the key.

        Raises:
            KeyUnusable: there is no such key, or no certificate for it.
            Malformed: the certificate cannot be read.
        """
        with token.logged_in() as session:
            certificate = session.certificate_of(session.private_key(KeyType.EC))
        return cls(token=token, certificate=certificate)

    async def sign(self, to_be_signed: bytes) -> bytes:
        """Sign; raises as ``Signer.sign``."""
        digest = digest_of(self.certificate.public_key, to_be_signed)
        return read_signature(
            await asyncio.to_thread(self._sign, digest),
            SignatureForm.RAW,
            certificate=self.certificate,
            to_be_signed=to_be_signed,
        )

    def _sign(self, digest: bytes) -> bytes:
        with self._token.logged_in() as session:
            key = session.private_key(KeyType.EC)
            asked = session.credential_for(key)
            return bytes(key.sign(digest, mechanism=Mechanism.ECDSA, **asked))


class TokenDecrypter:
    """An encryption key in a token."""

    __slots__ = ("_token",)

    def __init__(self, token: Token) -> None:
        self._token = token

    async def decrypt(self, wrapped: bytes) -> bytes:
        """Decrypt; raises as ``ShareDecrypter.decrypt``."""
        return await asyncio.to_thread(self._decrypt, wrapped)

    def _decrypt(self, wrapped: bytes) -> bytes:
        with self._token.logged_in() as session:
            key = session.private_key(KeyType.RSA)
            modulus = bytes(key[Attribute.MODULUS]).lstrip(b"\0")
            # Tokens answer what no key of this size made with any error whatever.
            if len(wrapped) != len(modulus) or wrapped >= modulus:
                raise VerificationFailed("not encrypted to this key")
            asked = session.credential_for(key)
            try:
                return _opened(key, wrapped, asked)
            except (pkcs11.EncryptedDataInvalid, pkcs11.EncryptedDataLenRange) as error:
                raise VerificationFailed("not encrypted to this key") from error


def _opened(key: Any, wrapped: bytes, asked: Mapping[str, object]) -> bytes:  # noqa: ANN401  # the same
    oaep, bare = Mechanism.RSA_PKCS_OAEP, Mechanism.RSA_X_509
    try:
        share = key.decrypt(wrapped, mechanism=oaep, mechanism_param=_OAEP, **asked)
        return bytes(share)
    except _NO_SUCH_OAEP:
        power = bytes(key.decrypt(wrapped, mechanism=bare, **asked))
        return unpad(power.rjust(len(wrapped), b"\0"))


def _find_token(uri: Pkcs11Uri, module: Path | None) -> pkcs11.Token:
    if module is None:
        raise KeyUnusable(
            "no PKCS#11 module is named: add ?module-path=/path/to/module.so to the "
            "URI, or say --pkcs11-module"
        )
    if not module.is_file():
        raise KeyUnusable(f"there is no PKCS#11 module {module}: correct its path")
    try:
        tokens = [t for t in pkcs11.lib(str(module)).get_tokens() if t.label]
    except pkcs11.PKCS11Error as error:
        raise KeyUnusable(
            f"{module} does not work as a PKCS#11 module: "
            f"{type(error).__name__} {error}"
        ) from error
    found = [token for token in tokens if _is_meant(uri, token)]
    if len(found) == 1:
        return found[0]
    labels = ", ".join(repr(token.label) for token in tokens) or "none"
    raise KeyUnusable(
        f"{module} has {'several such tokens' if found else 'no such token'}: name one "
        f"by token= or serial= in the URI, of {labels}"
    )


def _is_meant(uri: Pkcs11Uri, token: pkcs11.Token) -> bool:
    serial = None if uri.serial is None else uri.serial.encode()
    slot = uri.slot_id if uri.slot_id is None else token.slot.slot_id
    said = (uri.token, uri.manufacturer, uri.model, serial, uri.slot_id)
    is_so = (token.label, token.manufacturer_id, token.model, token.serial, slot)
    return all(a is None or a == b for a, b in zip(said, is_so, strict=True))


def _described(key: Any) -> str:  # noqa: ANN401  # the same
    return f"{key[Attribute.LABEL]!r} (id {key[Attribute.ID].hex() or 'none'})"


_LABEL_DIGEST = sha256(b"")
_COUNTER_BYTES = 4


def unpad(encoded: bytes) -> bytes:
    """Return the plaintext, given the RSA decryption's result at the modulus's width.

    Raises:
        VerificationFailed: it was not encrypted to this key, or not in this way.
    """
    seed_end = 1 + DIGEST_BYTES
    if len(encoded) < 2 * seed_end or encoded[0] != 0:
        raise VerificationFailed("not encrypted to this key")
    masked_seed, masked_block = encoded[1:seed_end], encoded[seed_end:]
    seed = _xor(masked_seed, _mask(masked_block, DIGEST_BYTES))
    block = _xor(masked_block, _mask(seed, len(masked_block)))
    label_digest, rest = block[:DIGEST_BYTES], block[DIGEST_BYTES:]
    one, message = rest.lstrip(b"\0")[:1], rest.lstrip(b"\0")[1:]
    if label_digest != _LABEL_DIGEST or one != b"\x01":
        raise VerificationFailed("not encrypted to this key")
    return message


def _mask(seed: bytes, length: int) -> bytes:
    """Stretch a seed: MGF1 with SHA-256."""
    count = -(-length // DIGEST_BYTES)
    parts = (sha256(seed + i.to_bytes(_COUNTER_BYTES, "big")) for i in range(count))
    return b"".join(parts)[:length]


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))

"""The three messages of a key exchange, and their bytes (``src/node/channels.h``).

Each begins with its kind as a ``u64``; the first two name the protocol's version next.
Reading one is total and bounded: whatever the bytes, the result is a message whose
every field has a size it may have, or `Malformed`. Nothing here is believed yet; whose
the signatures are is for `key_agreement` to say.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from ccfpy.base import limits
from ccfpy.base.codec import Reader, buf, u64
from ccfpy.base.errors import Malformed
from ccfpy.crypto.ecdh import POINT_BYTES

VERSION = 1
SALT_BYTES = 32
SHARE_BYTES = 1 + POINT_BYTES


class HandshakeKind(IntEnum):
    """The first field of every message."""

    INIT = 0
    RESPONSE = 1
    FINAL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyExchangeInit:
    """A node asks another to agree on keys.

    Attributes:
        share: its public key for this exchange, behind a byte that counts its bytes.
        signature: DER, over ``share``, by the node's own key.
        certificate: PEM, the service's for that key.
        salt: for the derivation of keys.
    """

    share: bytes
    signature: bytes
    certificate: bytes
    salt: bytes

    def encode(self) -> bytes:
        """Return the message's bytes."""
        fields = self.share, self.signature, self.certificate, self.salt
        return _encode(HandshakeKind.INIT, *fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyExchangeResponse:
    """The other node agrees.

    Attributes:
        share: as in `KeyExchangeInit`.
        signature: DER, over ``share`` and then the share it responds to.
        certificate: as in `KeyExchangeInit`.
    """

    share: bytes
    signature: bytes
    certificate: bytes

    def encode(self) -> bytes:
        """Return the message's bytes."""
        fields = self.share, self.signature, self.certificate
        return _encode(HandshakeKind.RESPONSE, *fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyExchangeFinal:
    """The first node has seen the response.

    Attributes:
        signature: DER, over the response's share.
    """

    signature: bytes

    def encode(self) -> bytes:
        """Return the message's bytes."""
        return u64(HandshakeKind.FINAL) + buf(self.signature)


Handshake: TypeAlias = KeyExchangeInit | KeyExchangeResponse | KeyExchangeFinal


def _encode(kind: HandshakeKind, *fields: bytes) -> bytes:
    return b"".join((u64(kind), u64(VERSION), *map(buf, fields)))


def decode(data: bytes) -> Handshake:
    """Read one message.

    Raises:
        Malformed: its kind or version is unknown, it is cut short or goes on, or a
            field has not the size it must have.
    """
    reader = Reader(data)
    kind = reader.u64()
    message: Handshake
    match kind:
        case HandshakeKind.INIT:
            _version(reader)
            message = KeyExchangeInit(
                share=_share(reader),
                signature=_signature(reader),
                certificate=_certificate(reader),
                salt=_salt(reader),
            )
        case HandshakeKind.RESPONSE:
            _version(reader)
            message = KeyExchangeResponse(
                share=_share(reader),
                signature=_signature(reader),
                certificate=_certificate(reader),
            )
        case HandshakeKind.FINAL:
            message = KeyExchangeFinal(signature=_signature(reader))
        case _:
            raise Malformed(f"not a key exchange message: kind {kind}")
    reader.finish()
    return message


def _version(reader: Reader) -> None:
    version = reader.u64()
    if version != VERSION:
        raise Malformed(f"Protocol version mismatch (node={VERSION}, peer={version})")


def _bounded(reader: Reader, name: str, *, least: int, most: int) -> bytes:
    size = reader.u64()
    if not least <= size <= most:
        raise Malformed(f"a {name} of {size} bytes, expected {least} to {most}")
    return reader.take(size)


def _share(reader: Reader) -> bytes:
    share = _bounded(reader, "key share", least=SHARE_BYTES, most=SHARE_BYTES)
    if share[0] != POINT_BYTES:
        raise Malformed(f"a key share that counts {share[0]} bytes, not {POINT_BYTES}")
    return share


def _signature(reader: Reader) -> bytes:
    most = limits.CHANNEL_SIGNATURE_BYTES_MAX
    return _bounded(reader, "signature", least=1, most=most)


def _certificate(reader: Reader) -> bytes:
    most = limits.CHANNEL_CERTIFICATE_BYTES_MAX
    return _bounded(reader, "certificate", least=1, most=most)


def _salt(reader: Reader) -> bytes:
    return _bounded(reader, "salt", least=SALT_BYTES, most=SALT_BYTES)

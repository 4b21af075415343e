"""The messages of a key exchange, and how two nodes agree on keys with them.

A peer is accepted if the service's certificate for it chains to the service, whatever
its dates; if the digest of the certified key is the peer's claimed id; and if that key
signed the peer's share. Shares are ephemeral and used for one exchange. The key of each
direction is derived from both ids in order, so a message is valid only in its direction
and between its two nodes.

There are three messages (``src/node/channels.h``). Each begins with its kind as a
``u64``; the first two then have the protocol's version. `decode` accepts any bytes. It
returns a message whose fields have permitted sizes, or raises `Malformed`. It verifies
no signature.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from ccfpy.base import limits
from ccfpy.base.codec import Reader, buf, u64
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import NodeId
from ccfpy.base.ports import Entropy
from ccfpy.crypto.aead import KEY_BYTES
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import POINT_BYTES, EphemeralKey, KeyPair, PublicKey
from ccfpy.crypto.hashing import hkdf_sha256, sha256_hex
from ccfpy.node.channels.keys import Keys

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


@dataclass(slots=True, kw_only=True)
class Credentials:
    """What a node proves itself with, and what others' proofs are held against.

    Attributes:
        node_certificate: the service's certificate for ``key``; may be renewed.
        service_certificate: may be renewed, always for the same key.
    """

    node_id: NodeId
    key: KeyPair
    node_certificate: Certificate
    service_certificate: Certificate


class Offer:
    """Our side of one exchange.

    Attributes:
        share: our public key for it, as it is sent.
        salt: the initiator's.
    """

    __slots__ = ("_key", "salt", "share")

    def __init__(self, entropy: Entropy, *, salt: bytes | None = None) -> None:
        """Make a share; ``salt`` is the initiator's if that is not us."""
        self.salt = entropy.random_bytes(SALT_BYTES) if salt is None else salt
        self._key = EphemeralKey.generate(entropy)
        self.share = bytes([len(self._key.point)]) + self._key.point

    def agree(self, share: bytes, *, own: NodeId, peer: NodeId) -> Keys:
        """Derive the keys that we and the peer whose ``share`` this is now have.

        Raises:
            Malformed: the share is not a point on the curve.
        """
        secret = self._key.agree(share[1:])

        def derive(sender: NodeId, receiver: NodeId) -> bytes:
            info = (sender + receiver).encode()
            return hkdf_sha256(ikm=secret, salt=self.salt, info=info, length=KEY_BYTES)

        return Keys(send=derive(own, peer), receive=derive(peer, own))


def peer_key(pem: bytes, *, peer: NodeId, service: Certificate) -> PublicKey:
    """Return the key with which a peer signs.

    Raises:
        Malformed: there is no certificate of an elliptic-curve key.
        VerificationFailed: the service did not issue it, or it is another node's.
    """
    certificate = Certificate.from_pem(pem)
    certificate.verify_signed_by(service)
    key = certificate.public_key
    owner = sha256_hex(key.der)
    if owner != peer:
        raise VerificationFailed(f"{certificate} is of node {owner}, not of {peer}")
    return key


def init(credentials: Credentials, offer: Offer) -> KeyExchangeInit:
    """Begin an exchange."""
    return KeyExchangeInit(
        share=offer.share,
        signature=credentials.key.sign(offer.share),
        certificate=credentials.node_certificate.pem.encode(),
        salt=offer.salt,
    )


def respond(
    credentials: Credentials, offer: Offer, share: bytes
) -> KeyExchangeResponse:
    """Respond to the exchange that ``share`` began."""
    return KeyExchangeResponse(
        share=offer.share,
        signature=credentials.key.sign(offer.share + share),
        certificate=credentials.node_certificate.pem.encode(),
    )


def finish(credentials: Credentials, response: KeyExchangeResponse) -> KeyExchangeFinal:
    """End the exchange that ``response`` took up."""
    return KeyExchangeFinal(signature=credentials.key.sign(response.share))

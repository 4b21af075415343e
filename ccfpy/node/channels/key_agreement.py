"""What makes an exchange's keys these two nodes' own.

A peer is believed if the service's certificate for it chains to the service, whatever
its dates; if the certified key's digest is the id it claims; and if that key signed its
share of this exchange. Shares are ephemeral and used for one exchange. Each direction's
key is derived with both ids in order, so that no message passes in another direction or
between another pair.
"""

from dataclasses import dataclass

from ccfpy.base.errors import VerificationFailed
from ccfpy.base.ids import NodeId
from ccfpy.base.ports import Entropy
from ccfpy.crypto.aead import KEY_BYTES
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import KeyPair, PublicKey
from ccfpy.crypto.ecdh import EphemeralKey
from ccfpy.crypto.hashing import hkdf_sha256, sha256_hex
from ccfpy.node.channels.handshake_messages import (
    SALT_BYTES,
    KeyExchangeFinal,
    KeyExchangeInit,
    KeyExchangeResponse,
)
from ccfpy.node.channels.keys import Keys


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

"""Telling whose a ledger file is that nothing leads to, by the signatures in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from ccfpy.audit.chains import Chain
from ccfpy.audit.salvage import Salvaged
from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import NodeId
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.signature import CoseSignature, NodeSignature, is_signature
from ccfpy.ledger.tables import COSE_SIGNATURES, SIGNATURES, SINGLE_KEY


@dataclass(frozen=True, slots=True, kw_only=True)
class Signers:
    """Those who sign for one service.

    Attributes:
        nodes: its nodes.
        identities: its certificates.
        key_ids: digests of its keys.
    """

    nodes: frozenset[NodeId]
    identities: tuple[Certificate, ...]
    key_ids: frozenset[str]

    @classmethod
    def of(cls, keys: Iterable[bytes], chain: Chain) -> Self:
        """Collect the signers of a history; ``keys`` are its services', DER."""
        return cls(
            nodes=frozenset(chain.state.trust.nodes),
            identities=tuple(chain.identities),
            key_ids=frozenset(sha256(key).hex() for key in keys),
        )

    def signed(self, salvaged: Salvaged) -> bool:
        """Return whether the first signature that can be read is by one of the signers.

        Nothing is believed of the file for that: it only says where it belongs.
        """
        for seqno in range(salvaged.name.first, salvaged.last + 1):
            entry = salvaged.data[salvaged.stop(seqno - 1) : salvaged.stop(seqno)]
            try:
                write_set = Transaction.parse(entry).domain.write_set
                if is_signature(write_set):
                    return self._made(
                        write_set.get(SIGNATURES, {}).get(SINGLE_KEY)
                    ) or (
                        self._vouched(
                            write_set.get(COSE_SIGNATURES, {}).get(SINGLE_KEY)
                        )
                    )
            except CcfpyError:
                continue
        return False

    def _made(self, value: bytes | None) -> bool:
        if value is None:
            return False
        signature = NodeSignature.parse(value)
        if signature.node in self.nodes:
            return True
        if signature.certificate is None:
            return False
        shown = Certificate.from_pem(signature.certificate)
        return any(_is_by(shown, identity) for identity in self.identities)

    def _vouched(self, value: bytes | None) -> bool:
        return value is not None and CoseSignature.parse(value).key_id in self.key_ids


def _is_by(shown: Certificate, identity: Certificate) -> bool:
    try:
        shown.verify_signed_by(identity)
    except CcfpyError:
        return False
    return True

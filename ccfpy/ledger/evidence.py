"""Commit evidence: the text that only a holder of the ledger secret can write.

``ce:<view>.<seqno>:<nonce hex>``, where the nonce is an HMAC of the transaction id
under a key derived from the ledger secret. Its digest is part of the transaction's
leaf; the text itself is revealed with a receipt, once the transaction is committed. The
host, which stores the ledger, cannot guess it, so showing it proves that a node of the
service vouches for the commit.

The derivation takes the first eight bytes of its label only, as CCF does
(``src/node/ledger_secret.h`` measures a pointer where it means the text).
"""

from ccfpy.base.ids import Seqno, View
from ccfpy.crypto.hashing import HmacKey, hmac_sha256

_LABEL = b"Commit S"


def nonce_key(ledger_secret: bytes) -> HmacKey:
    """Derive the key of the nonces (CCF's commit secret) from a ledger secret."""
    return HmacKey(hmac_sha256(ledger_secret, _LABEL))


def commit_evidence(key: HmacKey, tx_id: tuple[View, Seqno]) -> bytes:
    """Return the evidence of a transaction, its nonce under ``key``."""
    view, seqno = tx_id
    text = b"%d.%d" % (view, seqno)
    return b"ce:%b:%b" % (text, key.hexdigest(text).encode())

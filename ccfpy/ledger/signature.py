"""Signature transactions: the entries that make everything before them trustworthy.

The one at seqno *n* signs the root over leaves 0 to *n* - 1, twice: with the node's key
over the root as a ready-made SHA-256 digest (also when the curve's own hash is longer),
and, since CCF 6, with the service's key as a COSE_Sign1 whose detached payload is the
root. It stores the retained part of the tree beside them and writes nothing else
(``src/node/history.h``, ``src/service/tables/signatures.h``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from ccfpy.base import json
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import NodeId, TxId
from ccfpy.base.schema import parse_json
from ccfpy.crypto import cose
from ccfpy.crypto.ec import KeyPair, PublicKey
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.kv.changes import Writes, WriteSet
from ccfpy.ledger import record
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.tables import (
    COSE_SIGNATURES,
    SIGNATURE_TABLES,
    SIGNATURES,
    SINGLE_KEY,
    TREE,
)

COSE_KID = 4
COSE_VDS = 395
"""Label of the verifiable data structure that a COSE signature is about."""
VDS_CCF_LEDGER = 2
COSE_CWT_CLAIMS = 15
CWT_ISSUER = 1
CWT_SUBJECT = 2
CWT_ISSUED_AT = 6
CCF_HEADER = "ccf.v1"
TXID_HEADER = "txid"

_NO_NONCE = "0" * 64


def is_signature(write_set: WriteSet) -> bool:
    """Return whether a transaction is a signature.

    Raises:
        Malformed: it writes a signature table and others that do not belong to it.
    """
    if SIGNATURES not in write_set and COSE_SIGNATURES not in write_set:
        return False
    others = write_set.keys() - SIGNATURE_TABLES
    if others:
        raise Malformed(f"a signature transaction also writes {sorted(others)}")
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSignature:
    """The value of ``public:ccf.internal.signatures``.

    Attributes:
        node: who signed.
        txid: the signature transaction's own id.
        root: the root over every leaf before it.
        signature: ECDSA in DER over ``root`` as digest.
        certificate: the signer's certificate as PEM; the oldest entries lack it.
    """

    node: NodeId
    txid: TxId
    root: bytes
    signature: bytes
    certificate: str | None = None

    @classmethod
    def parse(cls, value: bytes) -> Self:
        """Read the table's value.

        Raises:
            Malformed: it has not the record's form.
        """
        fields = json.loads_object(value)
        return cls(
            node=NodeId(record.text(fields, "node")),
            txid=TxId(
                record.positive(fields, "view"), record.positive(fields, "seqno")
            ),
            root=record.digest(fields, "root"),
            signature=record.blob(fields, "sig"),
            certificate=record.optional_text(fields, "cert"),
        )

    def serialise(self) -> bytes:
        """Write the table's value."""
        fields: json.JsonObject = {
            "commit_seqno": 0,
            "commit_view": 0,
            "hashed_nonce": _NO_NONCE,
            "node": self.node,
            "root": self.root.hex(),
            "seqno": self.txid.seqno,
            "sig": record.as_base64(self.signature),
            "view": self.txid.view,
        }
        if self.certificate is not None:
            fields["cert"] = self.certificate
        return json.dumps(fields)

    def verify(self, key: PublicKey) -> None:
        """Check the signature over the root.

        Raises:
            VerificationFailed: ``key`` did not make it.
        """
        key.verify_digest(self.signature, self.root)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoseSignature:
    """The value of ``public:ccf.internal.cose_signatures``.

    Attributes:
        data: the COSE_Sign1's bytes.
        message: the same, parsed.
        key_id: hex SHA-256 of the signing service's public key.
        txid: the signature transaction's own id.
    """

    data: bytes
    message: cose.Sign1
    key_id: str
    txid: TxId

    @classmethod
    def parse(cls, value: bytes) -> Self:
        """Read the table's value.

        Raises:
            Malformed: it is not a COSE signature of a ledger's root.
        """
        return cls.from_cose(parse_json(bytes, value))

    @classmethod
    def from_cose(cls, data: bytes) -> Self:
        """Read a COSE_Sign1 whose headers are those of a root's signature.

        Raises:
            Malformed: they are not.
        """
        message = cose.parse(data)
        header = message.protected
        key_id, ccf = header.get(COSE_KID), header.get(CCF_HEADER)
        if header.get(COSE_VDS) != VDS_CCF_LEDGER:
            raise Malformed(
                f"not a signature of a CCF ledger: {header.get(COSE_VDS)!r}"
            )
        if not isinstance(key_id, bytes) or not key_id.isascii():
            raise Malformed(f"not a service key's id: {key_id!r}")
        txid = ccf.get(TXID_HEADER) if isinstance(ccf, Mapping) else None
        if not isinstance(txid, str):
            raise Malformed("a COSE signature without its transaction id")
        return cls(
            data=data, message=message, key_id=key_id.decode(), txid=TxId.parse(txid)
        )

    def serialise(self) -> bytes:
        """Write the table's value."""
        return json.dumps(record.as_base64(self.data))

    @property
    def issuer(self) -> str:
        """The issuer that the service claims to be; empty if it does not say."""
        return self._claim(CWT_ISSUER)

    @property
    def subject(self) -> str:
        """The subject that the service claims; empty if it does not say."""
        return self._claim(CWT_SUBJECT)

    def _claim(self, label: int) -> str:
        claims = self.message.protected.get(COSE_CWT_CLAIMS)
        value = claims.get(label) if isinstance(claims, Mapping) else None
        return value if isinstance(value, str) else ""

    def verify(self, key: PublicKey, root: bytes) -> None:
        """Check that the service with ``key`` signed ``root``.

        Raises:
            VerificationFailed: it names another key, or the signature does not hold.
        """
        expected = sha256_hex(key.der)
        if self.key_id != expected:
            raise VerificationFailed(
                f"signed by the service key {self.key_id}, not by {expected}"
            )
        if self.message.payload is not None:
            raise VerificationFailed("a root's COSE signature must not carry a payload")
        self.message.verify(key, detached_payload=root)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """What signs a ledger's roots: a node's key and the service's.

    Attributes:
        node: the node's id.
        node_key: its key pair.
        node_certificate: its service-endorsed certificate, PEM.
        service_key: the service's key pair; without it only the node signs.
        issuer: the issuer that the COSE signature claims.
        subject: the subject that it claims.
    """

    node: NodeId
    node_key: KeyPair = field(repr=False)
    node_certificate: str
    service_key: KeyPair | None = field(repr=False)
    issuer: str = ""
    subject: str = ""

    def sign(
        self, txid: TxId, tree: MerkleTree, *, issued_at: int, stored_from: int = 0
    ) -> dict[str, Writes]:
        """Write the tables of the signature transaction ``txid``.

        Args:
            txid: its id; the tree must hold exactly the leaves before it.
            tree: the tree whose root is signed.
            issued_at: Unix time in seconds.
            stored_from: the first leaf to store, or the first retained if that is
                later; the rest of the tree is stored as its left edge.
        """
        assert len(tree) == txid.seqno, (len(tree), txid)
        root = tree.root()
        stored = tree.serialise(max(stored_from, tree.first))
        by_node = NodeSignature(
            node=self.node,
            txid=txid,
            root=root,
            signature=self.node_key.sign_digest(root),
            certificate=self.node_certificate,
        )
        tables = {SIGNATURES: by_node.serialise(), TREE: stored}
        if self.service_key is not None:
            data = self._sign_cose(self.service_key, txid, root, issued_at)
            tables[COSE_SIGNATURES] = json.dumps(record.as_base64(data))
        return {name: {SINGLE_KEY: tables[name]} for name in sorted(tables)}

    def _sign_cose(
        self, key: KeyPair, txid: TxId, root: bytes, issued_at: int
    ) -> bytes:
        claims = {
            CWT_ISSUED_AT: issued_at,
            CWT_ISSUER: self.issuer,
            CWT_SUBJECT: self.subject,
        }
        protected: cose.Header = {
            COSE_KID: sha256_hex(key.public_key.der).encode(),
            COSE_VDS: VDS_CCF_LEDGER,
            COSE_CWT_CLAIMS: claims,
            CCF_HEADER: {TXID_HEADER: str(txid)},
        }
        return cose.sign(key, protected=protected, payload=root, detached=True)

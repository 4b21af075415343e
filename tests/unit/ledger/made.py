"""A small service that writes a ledger, for the tests of this folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial

from ccfpy.audit.auditor import ChunkFile
from ccfpy.base.ids import NodeId, TxId
from ccfpy.crypto import certs
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.kv.changes import Writes
from ccfpy.ledger.chunk import header
from ccfpy.ledger.entry import NO_CLAIMS
from ccfpy.ledger.frame import EntryFlags
from ccfpy.ledger.identity_endorsement import Epoch, IdentityEndorsement
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.open_chunk import OpenChunk
from ccfpy.ledger.receipt import Receipt, RevealedLeaf
from ccfpy.ledger.secrets import LedgerSecret
from ccfpy.ledger.signature import NodeSignature, Signer
from ccfpy.ledger.tables import (
    IDENTITY_ENDORSEMENT,
    LAST_SIGNED_ROOT,
    NODE_CERTIFICATES,
    NODES_INFO,
    PREVIOUS_IDENTITY,
    SERVICE_INFO,
    SIGNATURES,
    SINGLE_KEY,
)
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.ledger.sealed import SealedEntry, seal

NOT_BEFORE = datetime(2025, 1, 1, tzinfo=UTC)
ISSUED_AT = 1_750_000_000


class Identity:
    """A service's key and certificate, and a node that it endorsed."""

    def __init__(self, seed: int) -> None:
        entropy = SeededEntropy(seed)
        self.key = KeyPair.generate(entropy, Curve.SECP384R1)
        self.node_key = KeyPair.generate(entropy, Curve.SECP384R1)
        self.certificate = certs.service_certificate(
            self.key,
            subject="CN=CCF Service",
            not_before=NOT_BEFORE,
            validity_days=365,
            entropy=entropy,
        )
        self.node_certificate = certs.endorse_request(
            certs.certificate_request(
                self.node_key, subject="CN=CCF Node", sans=("iPAddress:127.0.0.1",)
            ),
            issuer_key=self.key,
            issuer_cert=self.certificate,
            not_before=NOT_BEFORE,
            validity_days=90,
            entropy=entropy,
        )
        self.node = NodeId(sha256_hex(self.node_key.public_key.der))

    @cached_property
    def signer(self) -> Signer:
        """What signs this service's roots."""
        return Signer(
            node=self.node,
            node_key=self.node_key,
            node_certificate=self.node_certificate.pem,
            service_key=self.key,
            issuer="issuer",
            subject="subject",
        )

    def service_info(self, status: str) -> dict[str, Writes]:
        """Write the service's record."""
        value = json.dumps({"cert": self.certificate.pem, "status": status})
        return {SERVICE_INFO: {SINGLE_KEY: value.encode()}}

    def node_info(self, status: str = "Trusted") -> dict[str, Writes]:
        """Write the node's records."""
        key = self.node.encode()
        return {
            NODES_INFO: {key: json.dumps({"status": status}).encode()},
            NODE_CERTIFICATES: {key: self.node_certificate.pem.encode()},
        }

    def create(self, status: str = "Opening") -> dict[str, Writes]:
        """Write what a create transaction writes, as far as auditors care."""
        return {**self.service_info(status), **self.node_info()}


FIRST = Identity(1)
SECOND = Identity(2)


@dataclass
class MadeLedger:
    """A ledger being written."""

    identity: Identity = FIRST
    secret: LedgerSecret = field(default_factory=lambda: LedgerSecret(raw=bytes(32)))
    view: int = 2
    tree: MerkleTree = field(default_factory=MerkleTree)
    entries: list[SealedEntry] = field(default_factory=list)
    signatures: list[NodeSignature] = field(default_factory=list)

    def put(
        self,
        write_set: Mapping[str, Writes],
        *,
        claims: bytes = NO_CLAIMS,
        flags: EntryFlags = EntryFlags.NONE,
    ) -> TxId:
        """Append a transaction."""
        txid = TxId(self.view, len(self.tree))
        sealed = seal(self.secret, txid, write_set, claims_digest=claims, flags=flags)
        self.tree.append(sealed.leaf)
        self.entries.append(sealed)
        return txid

    def say(self, text: str) -> TxId:
        """Append a transaction of an application."""
        return self.put({"messages": {b"1": text.encode()}, "public:log": {b"1": b"x"}})

    def sign(self, *, close: bool = False) -> TxId:
        """Append a signature."""
        txid = TxId(self.view, len(self.tree))
        tables = self.identity.signer.sign(txid, self.tree, issued_at=ISSUED_AT)
        value = tables[SIGNATURES][SINGLE_KEY]
        assert value is not None
        self.signatures.append(NodeSignature.parse(value))
        flags = EntryFlags.CLOSE_CHUNK_AFTER if close else EntryFlags.NONE
        return self.put(tables, flags=flags)

    def files(self) -> list[ChunkFile]:
        """Return the chunk files, the last one open unless it was closed."""
        files = []
        chunk, held = OpenChunk(1), b""
        for entry in self.entries:
            chunk.append(len(entry.data))
            held += entry.data
            if entry.data[1] & EntryFlags.CLOSE_CHUNK_AFTER:
                name, table, head = chunk.close()
                name = name.committed()
                files.append(file(str(name), head + held + table))
                chunk, held = OpenChunk(chunk.next_seqno), b""
        if held:
            files.append(file(str(chunk.name), header(0) + held))
        return files

    def receipt(self, seqno: int, claims: bytes = NO_CLAIMS) -> Receipt:
        """Return the receipt of a transaction by the next signature."""
        entry = self.entries[seqno - 1]
        signed = next(each for each in self.signatures if each.txid.seqno > seqno)
        assert signed.certificate is not None
        return Receipt(
            leaf=RevealedLeaf(
                write_set_digest=entry.write_set_digest,
                commit_evidence=entry.commit_evidence.decode(),
                claims_digest=claims,
            ),
            proof=self.tree.path(seqno, signed.txid.seqno),
            signature=signed.signature,
            node=signed.node,
            certificate=signed.certificate,
        )


def file(name: str, data: bytes) -> ChunkFile:
    """Make a chunk file of bytes."""
    return ChunkFile(name, partial(bytes, data))


def small_ledger() -> MadeLedger:
    """Write a ledger of two closed chunks and an open one."""
    ledger = MadeLedger()
    ledger.put(FIRST.create())
    ledger.sign()
    ledger.put(FIRST.service_info("Open"))
    ledger.say("one")
    ledger.sign(close=True)
    ledger.say("two")
    ledger.say("three")
    ledger.sign(close=True)
    ledger.say("four")
    ledger.sign()
    return ledger


def recovered_ledger() -> MadeLedger:
    """Write a ledger whose service was recovered once."""
    ledger = small_ledger()
    last_root = ledger.signatures[-1].root
    ledger.identity, ledger.view = SECOND, 4
    ledger.put(
        {
            **SECOND.create("Recovering"),
            PREVIOUS_IDENTITY: {SINGLE_KEY: json.dumps(FIRST.certificate.pem).encode()},
            LAST_SIGNED_ROOT: {SINGLE_KEY: json.dumps(last_root.hex()).encode()},
        }
    )
    ledger.sign()
    ledger.put(SECOND.service_info("WaitingForRecoveryShares"))
    endorsement = IdentityEndorsement.make(
        SECOND.key,
        FIRST.key.public_key.der,
        Epoch(begin=TxId(2, 1), end=TxId(2, 10), last_root=last_root),
        issued_at=ISSUED_AT,
    )
    ledger.put(
        {
            **SECOND.service_info("Open"),
            IDENTITY_ENDORSEMENT: {SINGLE_KEY: endorsement.serialise()},
        }
    )
    ledger.sign()
    return ledger

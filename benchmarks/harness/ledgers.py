"""Writes a ledger of any size without a node, with as many writes as requested.

    ledgers.py FOLDER TRANSACTIONS SIGNED_EVERY [MAP KEYS BYTES]

Each transaction writes 200 bytes to one of 1000 keys of a private map, or so many bytes
to one of so many keys of a given map. Chunks end as a node ends them, at the first
signature beyond 5 MB.
"""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from ccfpy.base.ids import NodeId, TxId
from ccfpy.crypto import certs
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.kv.changes import Writes
from ccfpy.kv.codec import serialise_maps
from ccfpy.ledger.chunk import CHUNK_BYTES_DEFAULT, header
from ccfpy.ledger.entry import NO_CLAIMS
from ccfpy.ledger.frame import EntryFlags
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.open_chunk import OpenChunk
from ccfpy.ledger.sealing import Unsealed, seal_all
from ccfpy.ledger.secrets import LedgerSecret
from ccfpy.ledger.signature import Signer
from ccfpy.ledger.tables import (
    NODE_CERTIFICATES,
    NODES_INFO,
    SERVICE_INFO,
    SINGLE_KEY,
)
from ccfpy.testing.entropy import SeededEntropy

VALUE_BYTES = 200
KEYS = 1000
NOT_BEFORE = datetime(2025, 1, 1, tzinfo=UTC)
ISSUED_AT = 1_750_000_000


class Writer:
    """A ledger that is being written."""

    def __init__(
        self,
        folder: Path,
        name: str = "records",
        keys: int = KEYS,
        value_bytes: int = VALUE_BYTES,
    ) -> None:
        self._map, self._keys, self._value = name, keys, bytes(value_bytes)
        folder.mkdir(parents=True)
        entropy = SeededEntropy(1)
        service, node = (KeyPair.generate(entropy, Curve.SECP384R1) for _ in range(2))
        self._folder, self._tree, self._signed = folder, MerkleTree(), 0
        self._secret = LedgerSecret(raw=bytes(32))
        self._certificate = certs.service_certificate(
            service,
            subject="CN=CCF Service",
            not_before=NOT_BEFORE,
            validity_days=365,
            entropy=entropy,
        )
        endorsed = certs.endorse_request(
            certs.certificate_request(
                node, subject="CN=CCF Node", sans=("iPAddress:127.0.0.1",)
            ),
            issuer_key=service,
            issuer_cert=self._certificate,
            not_before=NOT_BEFORE,
            validity_days=90,
            entropy=entropy,
        )
        self._signer = Signer(
            node=NodeId(sha256_hex(node.public_key.der)),
            node_key=node,
            node_certificate=endorsed.pem,
            service_key=service,
            issuer="benchmark",
            subject="ledger",
        )
        self._begin(1)

    def write(self, transactions: int, signed_every: int) -> None:
        """Open the service, write, and sign after every this many writes."""
        for status in ("Opening", "Open"):
            self._put(self._records(status))
        while len(self._tree) <= transactions:
            key = b"%d" % (len(self._tree) % self._keys)
            self._put({self._map: {key: self._value}})
            if len(self._tree) - self._signed >= signed_every:
                self._sign()
        self._sign()
        self._finish(is_closed=False)

    def _records(self, status: str) -> dict[str, Writes]:
        node = self._signer.node.encode()
        service = json.dumps({"cert": self._certificate.pem, "status": status})
        return {
            SERVICE_INFO: {SINGLE_KEY: service.encode()},
            NODES_INFO: {node: json.dumps({"status": "Trusted"}).encode()},
            NODE_CERTIFICATES: {node: self._signer.node_certificate.encode()},
        }

    def _put(
        self, write_set: Mapping[str, Writes], flags: EntryFlags = EntryFlags.NONE
    ) -> None:
        seqno = len(self._tree)
        unsealed = Unsealed(2, seqno, serialise_maps(write_set), NO_CLAIMS, flags)
        ((data, leaf, _, _),) = seal_all(self._secret, [unsealed])
        self._tree.append(leaf)
        self._chunk.append(len(data))
        self._file.write(data)

    def _sign(self) -> None:
        seqno = len(self._tree)
        tables = self._signer.sign(
            TxId(2, seqno), self._tree, issued_at=ISSUED_AT, stored_from=self._signed
        )
        is_closed = self._chunk.end > CHUNK_BYTES_DEFAULT
        self._put(
            tables, EntryFlags.CLOSE_CHUNK_AFTER if is_closed else EntryFlags.NONE
        )
        self._tree.flush(seqno)
        self._signed = seqno
        if is_closed:
            self._finish(is_closed=True)
            self._begin(seqno + 1)

    def _begin(self, first: int) -> None:
        self._chunk = OpenChunk(first)
        self._file = (self._folder / str(self._chunk.name)).open("wb")
        self._file.write(header(0))

    def _finish(self, *, is_closed: bool) -> None:
        if not is_closed:
            self._file.close()
            return
        open_name = str(self._chunk.name)
        name, table, head = self._chunk.close()
        self._file.write(table)
        self._file.seek(0)
        self._file.write(head)
        self._file.close()
        (self._folder / open_name).rename(self._folder / str(name.committed()))


def main() -> None:
    folder, transactions, signed_every, *written = sys.argv[1:]
    name, keys, value_bytes = written or ("records", KEYS, VALUE_BYTES)
    writer = Writer(Path(folder), str(name), int(keys), int(value_bytes))
    writer.write(int(transactions), int(signed_every))


if __name__ == "__main__":
    main()

"""Entries assembled at once, as nodes write snapshots a little at a time."""

import struct
from collections.abc import Iterable

from ccfpy.kv.snapshot import MapSnapshot, PublicSnapshot
from ccfpy.ledger.entry import SNAPSHOT_BIT
from ccfpy.ledger.frame import BODY_BYTES_MIN, ENTRY_VERSION
from ccfpy.ledger.secrets import LedgerSecret
from tests.unit.kv.plain_snapshot import serialise_maps, serialise_public_snapshot


def assemble(
    secret: LedgerSecret, nonce: tuple[int, int], public: bytes, private: bytes
) -> bytes:
    """Frame and encrypt the two domains of an entry."""
    iv = struct.pack("<QI", *nonce)
    ciphertext, tag = secret.cipher.encrypt(iv, private, public)
    body_bytes = BODY_BYTES_MIN + len(public) + len(private)
    frame = ENTRY_VERSION | body_bytes << 16
    prefix = struct.pack("<Q16s12sQ", frame, tag, iv, len(public))
    return prefix + public + ciphertext


def seal_snapshot(
    secret: LedgerSecret, seqno: int, public: bytes, private: bytes
) -> bytes:
    """Frame and encrypt the two domains of a snapshot taken at ``seqno``."""
    return assemble(secret, (seqno, SNAPSHOT_BIT), public, private)


def write_snapshot(
    secret: LedgerSecret, public: PublicSnapshot, private: Iterable[MapSnapshot]
) -> bytes:
    """Write a snapshot's entry, to which the receipt is appended later."""
    return seal_snapshot(
        secret,
        public.version,
        serialise_public_snapshot(public),
        serialise_maps(private),
    )

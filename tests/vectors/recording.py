"""A service that CCF itself recorded, as the tests of this folder look at it."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ccfpy.audit.auditor import ChunkFile
from ccfpy.audit.chunks import arrange
from ccfpy.base.ids import MemberId, Seqno
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import KeyPair
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.ledger import encrypted_shares
from ccfpy.ledger.chunk import Chunk
from ccfpy.ledger.encrypted_shares import RecoveryShares
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.ledger.tables import PAST_SECRETS, RECOVERY_SHARES, SINGLE_KEY
from ccfpy.service.tables import recovery


def rsa_key(jwk: dict[str, str]) -> RsaKeyPair:
    """Read a test's RSA private key from its JWK."""

    def number(name: str) -> int:
        text = jwk[name]
        return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))

    public = rsa.RSAPublicNumbers(number("e"), number("n"))
    key = rsa.RSAPrivateNumbers(
        p=number("p"),
        q=number("q"),
        d=number("d"),
        dmp1=number("dp"),
        dmq1=number("dq"),
        iqmp=number("qi"),
        public_numbers=public,
    ).private_key()
    return RsaKeyPair.from_der(
        key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def ec_key(jwk: dict[str, str]) -> KeyPair:
    """Read a test's signing key from its JWK."""
    text = jwk["d"]
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    key = ec.derive_private_key(int.from_bytes(raw), ec.SECP384R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return KeyPair.from_pem(pem.decode())


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One recorded service."""

    name: str
    folder: Path
    chunks: tuple[Chunk, ...]
    transactions: tuple[Transaction, ...] = field(repr=False)

    @classmethod
    def read(cls, folder: Path) -> "Recording":
        """Read every entry of a service's ledger."""
        ledger = folder / "ledger"
        names = arrange(path.name for path in ledger.iterdir())
        chunks = tuple(
            Chunk.parse(name, (ledger / str(name)).read_bytes()) for name in names
        )
        transactions = tuple(
            Transaction.parse(data)
            for chunk in chunks
            for _seqno, _position, data in chunk.entries()
        )
        return cls(
            name=folder.name, folder=folder, chunks=chunks, transactions=transactions
        )

    def files(self) -> Iterator[ChunkFile]:
        """Return the chunk files in order."""
        for chunk in self.chunks:
            yield ChunkFile(str(chunk.name), partial(bytes, chunk.data))

    def writes(self, table: str) -> Iterator[tuple[Seqno, bytes, bytes]]:
        """Return every value written to a public table: seqno, key, value."""
        for transaction in self.transactions:
            for key, value in transaction.domain.write_set.get(table, {}).items():
                if value is not None:
                    yield transaction.txid.seqno, key, value

    def singles(self, table: str) -> Iterator[tuple[Seqno, bytes]]:
        """Return every value written to a public table of one value."""
        for seqno, key, value in self.writes(table):
            assert key == SINGLE_KEY
            yield seqno, value

    def service_at(self, seqno: Seqno) -> Certificate:
        """Return the certificate of the service as of ``seqno``."""
        *_, value = (
            value
            for at, value in self.singles("public:ccf.gov.service.info")
            if at <= seqno
        )
        return Certificate.from_pem(json.loads(value)["cert"])

    def member_shares(self) -> tuple[RecoveryShares, list[bytes], int]:
        """Decrypt every member's share of the last issue, with the threshold."""
        *_, (_, value) = self.singles(RECOVERY_SHARES)
        issued = recovery.SHARES.codec.decode(value)
        *_, (_, config) = self.singles("public:ccf.gov.service.config")
        threshold = json.loads(config)["recovery_threshold"]
        common = self.folder / "common"
        keys = json.loads((common / "test_keys.json").read_text())
        opened = []
        for name, pair in keys.items():
            if "encryption" not in pair:
                continue
            certificate = Certificate.from_pem(
                (common / f"{name}_cert.pem").read_text()
            )
            encrypted = issued.encrypted_shares.get(MemberId(certificate.digest_hex))
            if encrypted is not None:
                opened.append(rsa_key(pair["encryption"]).unwrap(encrypted))
        return issued, opened, threshold

    def secrets(self) -> LedgerSecrets:
        """Recover every ledger secret through the recovery shares."""
        issued, opened, threshold = self.member_shares()
        latest = encrypted_shares.unwrap(issued, opened[:threshold], threshold)
        written = self.singles(PAST_SECRETS)
        records = [
            (at, recovery.PAST_SECRETS.codec.decode(value)) for at, value in written
        ]
        return encrypted_shares.restore(latest, records)

    def tree(self) -> MerkleTree:
        """Return the tree over the whole ledger."""
        tree = MerkleTree()
        tree.extend(transaction.leaf for transaction in self.transactions)
        return tree

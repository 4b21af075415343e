"""Ledgers in folders and members who sign, for the tests of this folder."""

import base64
import os
from pathlib import Path

from ccfpy.audit.governance import CREATED_AT, PROPOSAL_ID, TYPE
from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.crypto import cose
from ccfpy.crypto.certs import node_self_signed
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.hashing import sha256
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.ledger.made import ISSUED_AT, NOT_BEFORE, MadeLedger


def written(ledger: MadeLedger, folder: Path) -> Path:
    """Write a ledger's chunk files."""
    folder.mkdir(exist_ok=True)
    for file in ledger.files():
        (folder / file.name).write_bytes(file.read())
    return folder


def process_id(_item: int) -> int:
    """Return the process in which this ran."""
    return os.getpid()


class Member:
    """Somebody who governs."""

    def __init__(self, seed: int) -> None:
        entropy = SeededEntropy(seed)
        self.key = KeyPair.generate(entropy, Curve.SECP384R1)
        self.certificate = node_self_signed(
            self.key,
            subject="CN=member",
            sans=(),
            not_before=NOT_BEFORE,
            validity_days=365,
            entropy=entropy,
        )
        self.id = MemberId(self.certificate.digest_hex)

    def signed(
        self, kind: str, payload: bytes, *, proposal_id: ProposalId | None = None
    ) -> bytes:
        """Sign a request."""
        protected: dict[cose.Label, object] = {
            cose.KID: self.id.encode(),
            TYPE: kind,
            CREATED_AT: ISSUED_AT,
        }
        if proposal_id is not None:
            protected[PROPOSAL_ID] = proposal_id
        return cose.sign(self.key, protected=protected, payload=payload)

    def signed_http(self, target: str, body: bytes) -> dict[str, str]:
        """Sign a request as members did before COSE; return its record."""
        digest = base64.b64encode(sha256(body)).decode()
        headers = (
            f"(request-target): {target}\ndigest: SHA-256={digest}\n"
            f"content-length: {len(body)}"
        ).encode()
        fields = {
            "req": headers,
            "request_body": body,
            "sig": self.key.sign(headers),
        }
        encoded = {k: base64.b64encode(v).decode() for k, v in fields.items()}
        return {"key_id": self.id, "md": "NONE", **encoded}


FIRST_MEMBER = Member(11)
SECOND_MEMBER = Member(12)

"""The inputs of commands on receipts: files, and what a receipt must be of."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self, TypeAlias

import typer

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import TxId
from ccfpy.base.json import dumps, loads_object
from ccfpy.cli.errors import CommandFailed, Misused, no_such_file

if TYPE_CHECKING:
    from ccfpy.client.receipts import AnyReceipt, Explanation
    from ccfpy.crypto.certs import Certificate
    from ccfpy.ledger.receipt import StepTaken


FileArgument: TypeAlias = Annotated[
    Path, typer.Argument(help="A receipt, JSON or COSE; - for stdin.")
]
TransactionOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--transaction", help="The transaction that it must be of."),
]
ClaimsDigestOption: TypeAlias = Annotated[
    str | None, typer.Option("--claims-digest", help="What the app claimed, in hex.")
]
ClaimsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--claims", help="What the app claimed, before it was hashed."),
]
SignatureOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--signature", help="The COSE signature, where FILE is a CBOR proof alone."
    ),
]
EndorsementsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--endorsements", help="For a COSE receipt of an earlier identity, as JSON."
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptInput:
    """A receipt and what it is to be verified with.

    Attributes:
        receipt: the receipt, which is not verified yet.
        endorsements: the chain to the service that signed it, if it needs one.
        txid: the transaction that it must be of.
        claims_digest: what the app claimed.
    """

    receipt: "AnyReceipt"
    endorsements: tuple[bytes, ...] = ()
    txid: TxId | None = None
    claims_digest: bytes | None = None

    @classmethod
    def read(
        cls, file: Path, *, signature: Path | None, endorsements: Path | None
    ) -> Self:
        """Read the files; ``-`` is stdin.

        Raises:
            CommandFailed: a file cannot be read, or holds something else.
        """
        from ccfpy.client import receipts

        data = read_file(file)
        signed = None if signature is None else read_file(signature)
        chain: tuple[bytes, ...] = ()
        if endorsements is not None:
            try:
                chain = receipts.parse_endorsements(read_file(endorsements))
            except Malformed as error:
                raise CommandFailed(
                    f"{endorsements} holds no endorsements: {error}"
                ) from error
        try:
            parsed = receipts.parse(data, cose_signature=signed)
        except CcfpyError as error:
            raise CommandFailed(f"{file} holds no receipt: {error}") from error
        return cls(receipt=parsed, endorsements=chain)

    def expecting(self, transaction: str | None, claims_digest: bytes | None) -> Self:
        """Add what the receipt must be of, as it was typed."""
        txid = None if transaction is None else parse_txid(transaction)
        return replace(self, txid=txid, claims_digest=claims_digest)

    def prove(self, service: "Certificate") -> "tuple[TxId, tuple[StepTaken, ...]]":
        """Verify the receipt; return the transaction that it proves, and the steps.

        Raises:
            ReceiptRefused: a step does not hold, or the receipt proves no transaction.
        """
        from ccfpy.client import receipts
        from ccfpy.ledger.receipt import ReceiptRefused, ReceiptStep

        taken = receipts.verify(
            self.receipt,
            service,
            txid=self.txid,
            claims_digest=self.claims_digest,
            endorsements=self.endorsements,
        )
        txid = receipts.transaction(self.receipt)
        if txid is None:
            raise ReceiptRefused(ReceiptStep.EVIDENCE, receipts.NAMES_NOTHING, taken)
        return txid, taken

    def explain(self, service: "Certificate") -> "Explanation":
        """Verify the receipt, and say of each step what it shows."""
        from ccfpy.client.receipts import explain

        return explain(
            self.receipt,
            service,
            txid=self.txid,
            claims_digest=self.claims_digest,
            endorsements=self.endorsements,
        )


def claimed(digest: str | None, claims: Path | None) -> bytes | None:
    """Return the digest of what the app claimed, from either option.

    Raises:
        Misused: both are given, or the digest is malformed.
        CommandFailed: the file cannot be read.
    """
    from ccfpy.crypto.hashing import DIGEST_BYTES, sha256

    if claims is not None:
        if digest is not None:
            raise Misused("give --claims or --claims-digest, not both")
        return sha256(read_file(claims))
    if digest is None:
        return None
    try:
        data = bytes.fromhex(digest)
    except ValueError:
        data = b""
    if len(data) != DIGEST_BYTES:
        raise Misused(f"{digest!r} is no digest: write {2 * DIGEST_BYTES} hex digits")
    return data


def parse_txid(text: str) -> TxId:
    """Read a transaction's id.

    Raises:
        Misused: it is no id.
    """
    try:
        return TxId.parse(text)
    except Malformed as error:
        raise Misused(f"{error}: write VIEW.SEQNO, such as 2.15") from error


def unwrapped(data: bytes) -> bytes:
    """Take the receipt out of an app's JSON answer, if it is one."""
    try:
        fields = loads_object(data)
    except Malformed:
        return data
    inner = fields.get("receipt")
    return dumps(inner) if isinstance(inner, dict) else data


def read_file(file: Path) -> bytes:
    """Read a file or, as ``-``, stdin.

    Raises:
        CommandFailed: it cannot be read.
    """
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise no_such_file(str(file), error) from error

"""``ccfpy receipt``: proofs that a transaction is in a service's ledger."""

import asyncio
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self, TypeAlias

import typer

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import TxId
from ccfpy.base.json import dumps, loads_object
from ccfpy.cli import completion
from ccfpy.cli.entries import Entry, Table
from ccfpy.cli.errors import CommandFailed, ExitCode, Misused, no_such_file
from ccfpy.cli.input import read_certificate
from ccfpy.cli.options import with_options
from ccfpy.cli.output import note, print_json, write
from ccfpy.cli.place import JsonOption, PlaceOptions, TrustOptions
from ccfpy.cli.terminal import text_console

if TYPE_CHECKING:
    from ccfpy.client.connection import Connection
    from ccfpy.client.receipts import AnyReceipt, Explanation
    from ccfpy.crypto.certs import Certificate
    from ccfpy.ledger.receipt import ReceiptRefused, StepTaken
    from ccfpy.ledger.tx_receipt import ReceiptForm


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


FORMS = ("v1", "v2", "cose", "endorsements")
"""The forms that ``get`` prints; other forms are of use only to programs."""
UNKNOWN_TIMEOUT_S = 3.0
"""To wait for a transaction that a node does not have; backups are a little late."""

FormOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--form", help="v1 or v2 (JSON), cose, or endorsements."),
]


@with_options
def get(  # noqa: PLR0913  # one parameter for each option
    transaction: Annotated[str, typer.Argument(help="As VIEW.SEQNO, such as 2.15.")],
    *,
    form: FormOption = None,
    source: Annotated[
        str | None,
        typer.Option("--from", help="An endpoint of the app that gives receipts."),
    ] = None,
    who: Annotated[
        str | None,
        typer.Option(
            "--as",
            help="Whose certificate to show, such as user0.",
            autocompletion=completion.participants,
        ),
    ] = None,
    claims_digest: ClaimsDigestOption = None,
    claims: ClaimsOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="A file instead of stdout.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait for its commit first.")
    ] = True,
    where: PlaceOptions,
) -> None:
    """Fetch a transaction's receipt, and print it only if it verifies."""
    from ccfpy.client.receipts import RECEIPT_PATH, fetch_proof

    txid = parse_txid(transaction)
    digest = claimed(claims_digest, claims)
    wanted = _form(form)
    if wanted is not None and source is not None:
        raise Misused("--form is for the framework's endpoints: leave out --from")
    if source is not None and not source.startswith("/"):
        raise Misused(f"{source!r} is no path: begin it with /, such as /app/receipt")
    place = where.find()
    service = read_certificate(place.service)

    async def fetch() -> tuple[bytes, tuple[bytes, ...]]:
        async with place.connect(who) as connection:
            if wait:
                await _committed(connection, txid)
            data = await fetch_proof(
                connection, txid, path=source or RECEIPT_PATH, form=wanted
            )
            return data, await _endorsements(connection, txid, data, service)

    data, endorsements = asyncio.run(fetch())
    data = _verified(data, wanted, txid, digest, service, endorsements)
    if endorsements:
        note("An earlier service signed: get its --form endorsements, too.")
    data = with_line_end(data)
    if out is None:
        write(data)
    else:
        _save(out, data)


def _verified(  # what was asked for and what came
    data: bytes,
    form: "ReceiptForm | None",
    txid: "TxId",
    digest: bytes | None,
    service: "Certificate",
    endorsements: tuple[bytes, ...],
) -> bytes:
    """Return what came if it verifies, without the wrapping of an endpoint."""
    from ccfpy.client import receipts
    from ccfpy.client.cose_receipt import links
    from ccfpy.client.receipts import verify_receipt
    from ccfpy.ledger.tx_receipt import ReceiptForm

    try:
        if form is ReceiptForm.ENDORSEMENTS:
            list(links(receipts.parse_endorsements(data), service.public_key))
            return data
        data = unwrapped(data)
        given = receipts.parse(data)
        is_named = receipts.transaction(given) is not None
        verify_receipt(
            given,
            service_certificate=service.pem,
            txid=txid if is_named else None,
            claims_digest=digest,
            endorsements=endorsements,
        )
    except Malformed as error:
        raise CommandFailed(f"the service gave no receipt: {error}") from error
    if not is_named:
        note(f"It proves no transaction: {receipts.NAMES_NOTHING}.")
    return data


def with_line_end(data: bytes) -> bytes:
    """End a receipt as a line if it is JSON: CBOR, too, may end with a brace."""
    return data + b"\n" if data[:1] == b"{" else data


def _form(name: str | None) -> "ReceiptForm | None":
    from ccfpy.ledger.tx_receipt import ReceiptForm

    if name is None:
        return None
    if name not in FORMS:
        raise Misused(f"{name!r} is none of {', '.join(FORMS)}")
    return ReceiptForm(name)


async def _endorsements(
    connection: "Connection", txid: TxId, data: bytes, service: "Certificate"
) -> tuple[bytes, ...]:
    """Fetch the endorsements of a COSE receipt's signer, if it is not the service."""
    from ccfpy.client import receipts
    from ccfpy.client.cose_receipt import CoseReceipt
    from ccfpy.client.receipts import fetch_proof
    from ccfpy.crypto.hashing import sha256_hex
    from ccfpy.ledger.tx_receipt import ReceiptForm

    try:
        given = receipts.parse(data)
    except Malformed:
        return ()
    if not isinstance(given, CoseReceipt):
        return ()
    if given.signature.key_id == sha256_hex(service.public_key.der):
        return ()
    chain = await fetch_proof(connection, txid, form=ReceiptForm.ENDORSEMENTS)
    return receipts.parse_endorsements(chain)


@with_options
def verify(  # noqa: PLR0913  # one parameter for each option
    file: FileArgument,
    *,
    transaction: TransactionOption = None,
    claims_digest: ClaimsDigestOption = None,
    claims: ClaimsOption = None,
    signature: SignatureOption = None,
    endorsements: EndorsementsOption = None,
    trust: TrustOptions,
    json: JsonOption = False,
) -> None:
    """Verify that a receipt proves a transaction of the service, and say which.

    Exits with 1 if a step fails, and if the receipt names no transaction.
    """
    from ccfpy.ledger.receipt import ReceiptRefused

    given = ReceiptInput.read(
        file, signature=signature, endorsements=endorsements
    ).expecting(transaction, claimed(claims_digest, claims))
    try:
        txid, steps = given.prove(read_certificate(trust.certificate))
    except ReceiptRefused as refusal:
        if json:
            print_json(
                {
                    "verified": False,
                    "failed": refusal.step,
                    "reason": str(refusal),
                    "steps": _listed(refusal.taken),
                }
            )
            raise typer.Exit(ExitCode.FAILED) from None
        raise _not_to_be_relied_on(refusal) from refusal
    if json:
        print_json(
            {"verified": True, "transaction": str(txid), "steps": _listed(steps)}
        )
    else:
        text_console().say(f"The receipt of {txid} verifies.")


@with_options
def explain(  # noqa: PLR0913  # one parameter for each option
    file: FileArgument,
    *,
    transaction: TransactionOption = None,
    claims_digest: ClaimsDigestOption = None,
    claims: ClaimsOption = None,
    signature: SignatureOption = None,
    endorsements: EndorsementsOption = None,
    trust: TrustOptions,
) -> None:
    """Verify a receipt and explain what each step shows."""
    from ccfpy.client.receipts import Holds

    given = ReceiptInput.read(
        file, signature=signature, endorsements=endorsements
    ).expecting(transaction, claimed(claims_digest, claims))
    explained = given.explain(read_certificate(trust.certificate))
    console = text_console()
    for number, told in enumerate(explained.steps, 1):
        if told.holds is Holds.NOT_REACHED:
            break
        mark = ("✓", "green") if told.holds is Holds.YES else ("✗", "red")
        console.say(mark, f" {number}. ", (told.step, "bold"))
        console.say(f"     {told.meaning}")
        if told.computed:
            console.say((f"     {told.computed}", "dim"))
    if explained.transaction is None:
        raise CommandFailed(explained.verdict)
    console.say(f"So {explained.verdict}")


async def _committed(connection: "Connection", txid: "TxId") -> None:
    """Wait for a commit, but not long for a transaction that no node has.

    Raises:
        CommandFailed: the ledger ends before it.
    """
    from ccfpy.client.connection import COMMIT_TIMEOUT_S
    from ccfpy.client.errors import NotCommitted
    from ccfpy.client.requests import text_field
    from ccfpy.client.survey import read_txid

    state = (await connection.get(f"/node/tx?transaction_id={txid}")).object()
    status = text_field(state, "status")
    if status == "Committed":
        return
    is_unknown = status == "Unknown"
    timeout_s = UNKNOWN_TIMEOUT_S if is_unknown else COMMIT_TIMEOUT_S
    try:
        await connection.wait_committed(txid, timeout_s=timeout_s)
    except NotCommitted as error:
        if error.is_final:
            raise
        told = (await connection.get("/node/commit")).object()
        last = read_txid(text_field(told, "transaction_id"))
        if not is_unknown or last.seqno >= txid.seqno:
            raise
        raise CommandFailed(
            f"there is no transaction {txid}: the ledger ends with {last}"
        ) from error


def _not_to_be_relied_on(refusal: "ReceiptRefused") -> CommandFailed:
    return CommandFailed(f"the receipt does not verify: {refusal}; do not rely on it")


def _save(file: Path, data: bytes) -> None:
    try:
        file.write_bytes(data)
    except OSError as error:
        raise no_such_file(str(file), error) from error


def _listed(steps: "tuple[StepTaken, ...]") -> list[dict[str, str]]:
    return [{"step": taken.step, "computed": taken.computed} for taken in steps]


receipt: Table = {
    "get": Entry(
        "Fetch a transaction's receipt, and print it only if it verifies.", lambda: get
    ),
    "verify": Entry(
        "Verify that a receipt proves a transaction of the service, and say which.",
        lambda: verify,
    ),
    "explain": Entry(
        "Verify a receipt and explain what each step shows.", lambda: explain
    ),
}

"""``ccfpy receipt``: proofs that a transaction is in a service's ledger."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import TxId
from ccfpy.base.json import dumps
from ccfpy.cli.errors import CommandFailed, Misused, no_such_file
from ccfpy.cli.output import print_json, text_console, write
from ccfpy.cli.place import (
    SHARED_DEFAULT,
    FolderOption,
    JsonOption,
    Place,
    TrustOption,
    UrlOption,
)
from ccfpy.client.keyfiles import SERVICE_CERTIFICATE, read_text
from ccfpy.client.receipts import fetch_receipt, verify_receipt
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.receipt import Receipt, ReceiptRefused, RevealedLeaf, Step, StepTaken

receipt = typer.Typer(no_args_is_help=True)

FileArgument: TypeAlias = Annotated[
    Path, typer.Argument(help="A receipt as JSON; - for stdin.")
]
ClaimsOption: TypeAlias = Annotated[
    str | None, typer.Option("--claims-digest", help="What the app claimed, in hex.")
]

MEANINGS = {
    Step.EVIDENCE: "Only a node of the service could write this text, which names the "
    "transaction. Its digest:",
    Step.LEAF: "What was written, that evidence and what the application claims, "
    "hashed together, are a leaf of the ledger's tree:",
    Step.ROOT: "Hashed with its neighbours, step by step upwards, the leaf leads to "
    "the root of the tree, which stands for the whole ledger up to then:",
    Step.SIGNATURE: "A node of the service signed that root:",
    Step.ENDORSEMENT: "The service vouches for that node's key:",
}
"""What each step of a verification shows, in words."""


@receipt.command()
def get(  # one parameter for each option
    transaction: Annotated[str, typer.Argument(help="As VIEW.SEQNO, such as 2.15.")],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="A file instead of stdout.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait for its commit first.")
    ] = True,
    url: UrlOption = None,
    common: FolderOption = SHARED_DEFAULT,
    cacert: TrustOption = None,
) -> None:
    """Fetch a transaction's receipt, and give it only if it verifies."""
    try:
        txid = TxId.parse(transaction)
    except Malformed as error:
        raise Misused(f"{error}: write VIEW.SEQNO, such as 2.15") from error
    place = Place.find(url, common, cacert)

    async def fetch() -> Receipt:
        async with place.connect() as connection:
            if wait:
                await connection.wait_committed(txid)
            return await fetch_receipt(connection, txid)

    fetched = asyncio.run(fetch())
    verify_receipt(fetched, service_certificate=read_text(place.service), txid=txid)
    text = dumps(fetched.to_json()) + b"\n"
    if out is None:
        write(text)
    else:
        out.write_bytes(text)


@receipt.command()
def verify(
    file: FileArgument,
    *,
    claims_digest: ClaimsOption = None,
    common: FolderOption = SHARED_DEFAULT,
    cacert: TrustOption = None,
    json: JsonOption = False,
) -> None:
    """Verify a receipt against the service's certificate; exits with 1 if it fails."""
    read = _read(file)
    try:
        steps = _verify(read, cacert or common / SERVICE_CERTIFICATE, claims_digest)
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
            raise typer.Exit(1) from None
        raise CommandFailed(
            f"the receipt does not verify: {refusal}; do not rely on it"
        ) from refusal
    if json:
        print_json(
            {
                "verified": True,
                "transaction": _transaction(read),
                "steps": _listed(steps),
            }
        )
    else:
        about = _transaction(read) or "a signature"
        text_console().print(f"The receipt of {about} verifies.")


@receipt.command()
def explain(
    file: FileArgument,
    *,
    claims_digest: ClaimsOption = None,
    common: FolderOption = SHARED_DEFAULT,
    cacert: TrustOption = None,
) -> None:
    """Verify a receipt and tell what each step shows."""
    read = _read(file)
    failed: ReceiptRefused | None = None
    try:
        steps = _verify(read, cacert or common / SERVICE_CERTIFICATE, claims_digest)
    except ReceiptRefused as refusal:
        steps, failed = refusal.taken, refusal
    console = text_console()
    for number, taken in enumerate(steps, 1):
        console.print(f"[green]✓[/green] {number}. [bold]{taken.step}[/bold]")
        console.print(f"     {MEANINGS[taken.step]}")
        console.print(f"     {taken.computed}", style="dim", markup=False)
    if failed is not None:
        console.print(f"[red]✗[/red] {len(steps) + 1}. [bold]{failed.step}[/bold]")
        console.print(f"     {MEANINGS[failed.step]}")
        raise CommandFailed(
            f"the receipt does not verify: {failed}; do not rely on it"
        ) from failed
    console.print("So the transaction is in the ledger of this service, unchanged.")


def _read(file: Path) -> Receipt:
    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise no_such_file(str(file), error) from error
    try:
        return Receipt.parse(text)
    except CcfpyError as error:
        raise CommandFailed(f"{file} holds no receipt: {error}") from error


def _verify(
    read: Receipt, service: Path, claims_digest: str | None
) -> tuple[StepTaken, ...]:
    try:
        claims = None if claims_digest is None else bytes.fromhex(claims_digest)
    except ValueError as error:
        raise Misused(f"{claims_digest!r} is no digest: write 64 hex digits") from error
    try:
        pem = read_text(service)
        Certificate.from_pem(pem)
    except CcfpyError as error:
        raise CommandFailed(
            f"no service's certificate: {error}; name it with --cacert"
        ) from error
    return verify_receipt(read, service_certificate=pem, claims_digest=claims)


def _transaction(read: Receipt) -> str | None:
    return str(read.leaf.txid) if isinstance(read.leaf, RevealedLeaf) else None


def _listed(steps: tuple[StepTaken, ...]) -> list[dict[str, str]]:
    return [{"step": taken.step, "computed": taken.computed} for taken in steps]

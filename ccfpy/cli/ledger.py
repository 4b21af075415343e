"""``ccfpy ledger``: ledger files read, verified and split, without any node."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from ccfpy.audit.chunks import between
from ccfpy.base.errors import Malformed
from ccfpy.cli.errors import CommandFailed, no_such_file
from ccfpy.cli.ledger_export import export
from ccfpy.cli.ledger_files import (
    FoldersArgument,
    FromOption,
    JsonOption,
    TablesOption,
    ToOption,
    ledger_chunks,
)
from ccfpy.cli.ledger_history import history
from ccfpy.cli.ledger_split import split_chunk
from ccfpy.cli.ledger_verify import verify
from ccfpy.cli.output import note, print_json, write
from ccfpy.cli.values import (
    VALUE_CHARACTERS_MAX,
    as_text,
    value_line,
    writes_as_json,
)
from ccfpy.kv.changes import Writes
from ccfpy.ledger.chunk import Chunk, ChunkDamaged
from ccfpy.ledger.entry import PUBLIC_OFFSET, Transaction
from ccfpy.ledger.signature import is_signature

ledger = typer.Typer(no_args_is_help=True)

ledger.command()(verify)
ledger.command()(history)
ledger.command()(export)


@ledger.command()
def show(  # one parameter for each option
    folders: FoldersArgument,
    *,
    first: FromOption = 1,
    last: ToOption = None,
    tables: TablesOption = None,
    full: Annotated[
        bool, typer.Option("--full", help="Show long values to their end.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show what transactions wrote to public tables; nothing is verified."""
    for transaction in _transactions(folders, first, last):
        written = {
            name: writes
            for name, writes in transaction.domain.write_set.items()
            if tables is None or tables in name
        }
        if tables is not None and not written:
            continue
        if json:
            print_json(
                {
                    "transaction": str(transaction.txid),
                    "is_signature": is_signature(transaction.domain.write_set),
                    "private_bytes": _private_bytes(transaction),
                    "tables": {k: writes_as_json(v) for k, v in written.items()},
                }
            )
        else:
            _print(transaction, written, None if full else VALUE_CHARACTERS_MAX)


@ledger.command()
def split(
    chunk: Annotated[Path, typer.Argument(help="One ledger file.")],
    seqno: Annotated[
        int, typer.Argument(min=1, help="The last seqno of the first part.")
    ],
    *,
    output_dir: Annotated[
        Path, typer.Option(help="Where the two parts are written.")
    ] = Path("split_ledger"),
    allow_non_signature: Annotated[
        bool,
        typer.Option(
            "--allow-non-signature", help="Split elsewhere than at a signature."
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Split a ledger file in two, by default after a signature."""
    try:
        written = split_chunk(
            chunk, seqno, output_dir, allow_non_signature=allow_non_signature
        )
    except OSError as error:
        raise no_such_file(str(error.filename or chunk), error) from error
    except Malformed as error:
        raise CommandFailed(f"{chunk} cannot be split: {error}") from error
    if json:
        print_json([str(path) for path in written])
        return
    for path in written:
        print(path)


def _transactions(
    folders: list[Path], first: int, last: int | None
) -> Iterator[Transaction]:
    for chunk_path in between(ledger_chunks(folders), first, last):
        name = chunk_path.name
        try:
            chunk = Chunk.parse(name, chunk_path.path.read_bytes())
            for seqno, _, data in chunk.entries():
                if first <= seqno and (last is None or seqno <= last):
                    yield Transaction.parse(data)
        except OSError as error:
            raise no_such_file(str(chunk_path.path), error) from error
        except Malformed as error:
            where = error.position if isinstance(error, ChunkDamaged) else "an entry"
            raise CommandFailed(
                f"{name} is damaged at {where}: {error}; ccfpy ledger verify tells more"
            ) from error
        if chunk.torn_bytes:
            note(f"{name} ends with {chunk.torn_bytes} bytes of no whole entry")


def _print(
    transaction: Transaction, written: dict[str, Writes], limit: int | None
) -> None:
    kind = " (signature)" if is_signature(transaction.domain.write_set) else ""
    secret = _private_bytes(transaction)
    lines = [f"{transaction.txid}{kind}" + (f", {secret} private bytes" * bool(secret))]
    for name, writes in written.items():
        lines.append(f"  {name}")
        for key, value in writes.items():
            lines.append(f"    {as_text(key)}: {value_line(value, limit)}")
    write(("\n".join(lines) + "\n").encode())


def _private_bytes(transaction: Transaction) -> int:
    entry = transaction.entry
    return len(entry.data) - PUBLIC_OFFSET - len(entry.public)

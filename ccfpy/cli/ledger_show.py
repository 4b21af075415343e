"""``ccfpy ledger show``: what transactions wrote, for people and for programs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ccfpy.base.errors import Malformed
from ccfpy.cli.errors import CommandFailed, no_such_file
from ccfpy.cli.ledger_files import (
    FoldersArgument,
    FromOption,
    JsonOption,
    TablesOption,
    ToOption,
    ledger_chunks,
)
from ccfpy.cli.output import note, print_json, print_line
from ccfpy.cli.values import (
    VALUE_CHARACTERS_MAX,
    as_text,
    value_line,
    writes_as_json,
)
from ccfpy.kv.changes import Writes, WriteSet
from ccfpy.ledger.chunk import Chunk, ChunkDamaged

if TYPE_CHECKING:
    from ccfpy.ledger.entry import Transaction


FullOption: TypeAlias = Annotated[
    bool, typer.Option("--full", help="Show long values to their end.")
]


def show(
    folders: FoldersArgument,
    *,
    first: FromOption = 1,
    last: ToOption = None,
    tables: TablesOption = None,
    full: FullOption = False,
    json: JsonOption = False,
) -> None:
    """Show what transactions wrote to public tables; nothing is verified."""
    for transaction in transactions(folders, first, last):
        print_writes(
            transaction,
            transaction.domain.write_set,
            tables=tables,
            full=full,
            json=json,
        )


def transactions(
    folders: list[Path], first: int, last: int | None
) -> "Iterator[Transaction]":
    """Read transactions, whole chunks at a time.

    Raises:
        CommandFailed: a file cannot be read, or is damaged.
    """
    from ccfpy.audit.chunks import between
    from ccfpy.ledger.entry import Transaction

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


def print_writes(
    transaction: "Transaction",
    write_set: WriteSet,
    *,
    tables: str | None,
    full: bool,
    json: bool,
) -> None:
    """Print a transaction's writes to the tables that are asked for.

    A transaction that wrote to none of those tables is skipped.
    """
    from ccfpy.ledger.signature import is_signature

    written = {
        name: writes
        for name, writes in write_set.items()
        if tables is None or tables in name
    }
    if tables is not None and not written:
        return
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


def _print(
    transaction: "Transaction", written: Mapping[str, Writes], limit: int | None
) -> None:
    from ccfpy.ledger.signature import is_signature

    kind = " (signature)" if is_signature(transaction.domain.write_set) else ""
    secret = _private_bytes(transaction)
    lines = [f"{transaction.txid}{kind}" + (f", {secret} private bytes" * bool(secret))]
    for name, writes in written.items():
        lines.append(f"  {name}")
        for key, value in writes.items():
            lines.append(f"    {as_text(key)}: {value_line(value, limit)}")
    for line in lines:
        print_line(line)


def _private_bytes(transaction: "Transaction") -> int:
    from ccfpy.ledger.entry import PUBLIC_OFFSET

    entry = transaction.entry
    return len(entry.data) - PUBLIC_OFFSET - len(entry.public)

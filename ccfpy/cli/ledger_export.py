"""``ccfpy ledger export`` and ``split``: a ledger's contents in other files.

Export writes the public tables for other programs. Split makes two files of one, with
the same entries.
"""

from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccfpy.audit.readers import in_order
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno
from ccfpy.cli.errors import CommandFailed, Misused, no_such_file
from ccfpy.cli.ledger_files import (
    FoldersArgument,
    JsonOption,
    ProcessesOption,
    ReadingProgress,
    ledger_chunks,
    reading,
)
from ccfpy.cli.output import print_json, print_line
from ccfpy.ledger.chunk import PRIVATE_MODE, Chunk, ChunkName, header
from ccfpy.ledger.open_chunk import OpenChunk

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ccfpy.audit.rows import Sink


class Format(StrEnum):
    """The format that is written."""

    SQLITE = "sqlite"
    PARQUET = "parquet"


def export(  # noqa: PLR0913  # one parameter for each option
    folders: FoldersArgument,
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="The database to make, or the folder for Parquet files."
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", hidden=True)] = None,
    as_format: Annotated[
        Format, typer.Option("--format", help="What to write.")
    ] = Format.SQLITE,
    tables: Annotated[
        str, typer.Option(help="Only writes to tables whose name contains this.")
    ] = "",
    processes: ProcessesOption = None,
    json: JsonOption = False,
) -> None:
    """Write public tables to SQLite or Parquet; nothing is verified.

    There is a row for each transaction, and one for each key that it wrote or removed.
    """
    from ccfpy.audit.rows import read_rows

    place = out or output
    if place is None:
        raise Misused("say with --out which database to make, or which folder")
    chunks = ledger_chunks(folders)
    size = sum(chunk.size_bytes for chunk in chunks)
    transactions = writes = 0
    with (
        reading(size, processes) as readers,
        _sink(as_format, place) as sink,
        ReadingProgress("exporting", size) as progress,
    ):
        for chunk, rows in in_order(readers, partial(read_rows, tables), chunks):
            sink.add(rows)
            transactions += len(rows.transactions)
            writes += len(rows.writes)
            progress.advance(chunk.size_bytes)
    if json:
        print_json(
            {"output": str(place), "transactions": transactions, "writes": writes}
        )
    else:
        print_line(f"{place}: {transactions} transactions, {writes} writes")


def _sink(as_format: Format, output: Path) -> "AbstractContextManager[Sink]":
    from ccfpy.audit.sqlite import SqliteSink

    try:
        if as_format is Format.SQLITE:
            return SqliteSink(output)
        return _parquet(output)
    except FileExistsError as error:
        raise Misused(
            f"{output} is there already: remove it, or choose another --out"
        ) from error
    except OSError as error:
        raise no_such_file(str(output), error) from error


def _parquet(output: Path) -> "AbstractContextManager[Sink]":
    try:
        from ccfpy.audit.parquet import ParquetSink
    except ImportError as error:
        raise CommandFailed(
            f"--format parquet needs pyarrow, which lacks {error.name}: "
            "pip install 'ccfpy[parquet]'"
        ) from error
    return ParquetSink(output)


def split(
    chunk: Annotated[Path, typer.Argument(help="One ledger file.")],
    seqno: Annotated[
        int, typer.Argument(min=1, help="The last seqno of the first part.")
    ],
    *,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The folder for the two parts.")
    ] = Path("split_ledger"),
    output_dir: Annotated[
        Path | None, typer.Option("--output-dir", hidden=True)
    ] = None,
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
            chunk, seqno, output_dir or out, allow_non_signature=allow_non_signature
        )
    except OSError as error:
        raise no_such_file(str(error.filename or chunk), error) from error
    except Malformed as error:
        raise CommandFailed(f"{chunk} cannot be split: {error}") from error
    if json:
        print_json([str(path) for path in written])
        return
    for path in written:
        print_line(str(path))


def split_chunk(
    path: Path, seqno: Seqno, folder: Path, *, allow_non_signature: bool
) -> Sequence[Path]:
    """Write the entries up to ``seqno`` and those after it as two files.

    The first part is complete; the second is what the file was: complete or open.
    Both are committed if it was.

    Raises:
        Malformed: the file is damaged, or no ledger file.
        CommandFailed: it cannot be split there.
        OSError: a file cannot be read or written.
    """
    name = ChunkName.parse(path.name)
    chunk = Chunk.parse(name, path.read_bytes())
    if not name.first <= seqno < chunk.last:
        raise Misused(
            f"{path.name} holds {name.first} to {chunk.last}: to split it, choose a "
            f"seqno from {name.first} to {chunk.last - 1}"
        )
    if not allow_non_signature and not _is_signature(chunk, seqno):
        following = _next_signature(chunk, seqno)
        remedy = f"split at {following} or " if following else ""
        raise CommandFailed(
            f"{seqno} is not a signature: {remedy}give --allow-non-signature"
        )
    folder.mkdir(mode=PRIVATE_MODE, parents=True, exist_ok=True)
    return [
        _write(chunk, name.first, seqno, folder, is_complete=True),
        _write(chunk, seqno + 1, chunk.last, folder, is_complete=chunk.is_complete),
    ]


def _write(
    chunk: Chunk, first: Seqno, last: Seqno, folder: Path, *, is_complete: bool
) -> Path:
    part = OpenChunk(first, is_recovery=chunk.name.is_recovery)
    entries = [chunk.entry(seqno) for seqno in range(first, last + 1)]
    for entry in entries:
        part.append(len(entry))
    name, table, start = part.name, b"", header(0)
    if is_complete:
        name, table, start = part.close()
        if chunk.name.is_committed:
            name = name.committed()
    path = folder / str(name)
    unfinished = path.with_suffix(path.suffix + ".tmp")
    unfinished.write_bytes(b"".join([start, *entries, table]))
    unfinished.replace(path)
    return path


def _is_signature(chunk: Chunk, seqno: Seqno) -> bool:
    from ccfpy.ledger.entry import Transaction
    from ccfpy.ledger.signature import is_signature

    return is_signature(Transaction.parse(chunk.entry(seqno)).domain.write_set)


def _next_signature(chunk: Chunk, seqno: Seqno) -> Seqno | None:
    """Find the next signature that leaves something for the second part."""
    for candidate in range(seqno + 1, chunk.last):
        try:
            if _is_signature(chunk, candidate):
                return candidate
        except Malformed:
            return None
    return None

"""``ccfpy ledger export``: a ledger's public tables for other programs."""

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccfpy.audit.readers import in_order
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

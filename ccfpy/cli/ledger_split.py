"""``ccfpy ledger split``: one ledger file as two files with the same entries."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno
from ccfpy.cli.errors import CommandFailed, Misused, no_such_file
from ccfpy.cli.ledger_files import JsonOption
from ccfpy.cli.output import print_json, print_line
from ccfpy.ledger.chunk import PRIVATE_MODE, Chunk, ChunkName, header
from ccfpy.ledger.open_chunk import OpenChunk


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

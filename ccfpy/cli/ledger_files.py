"""What the commands on ledgers have in common: their arguments, files and progress."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self, TypeAlias

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from ccfpy.audit.readers import Readers, local_readers, processors
from ccfpy.base.errors import CcfpyError
from ccfpy.cli.errors import CommandFailed, Misused, no_such_file
from ccfpy.cli.terminal import progress_console

if TYPE_CHECKING:
    from ccfpy.audit.chunks import ChunkPath


PROCESSES_FROM_BYTES = 32 << 20
"""A smaller ledger is read sooner than further processes start."""

FoldersArgument: TypeAlias = Annotated[
    list[Path],
    typer.Argument(
        metavar="FOLDER...",
        help="A ledger's folder; further ones hold more chunks of the same ledger.",
    ),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON value a line.")
]
RecoveryOption: TypeAlias = Annotated[
    bool, typer.Option("--recovery", help="Include an unfinished recovery's files.")
]
ProcessesOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        min=1, help="Processes that read chunks (default: one for each processor)."
    ),
]
FromOption: TypeAlias = Annotated[
    int, typer.Option("--from", min=1, help="The first seqno to show.")
]
ToOption: TypeAlias = Annotated[
    int | None, typer.Option("--to", min=1, help="The last seqno to show.")
]
TablesOption: TypeAlias = Annotated[
    str | None, typer.Option(help="Only tables whose name contains this.")
]


def ledger_chunks(
    folders: list[Path], *, with_recovery: bool = False
) -> "list[ChunkPath]":
    """Find a ledger's chunks; there must be at least one.

    Raises:
        CommandFailed: a folder cannot be read, or there is no ledger in the folders.
    """
    from ccfpy.audit.chunks import find_chunks

    return chunks_in(folders, partial(find_chunks, with_recovery=with_recovery))


def chunks_in(
    folders: list[Path], find: "Callable[[list[Path]], list[ChunkPath]]"
) -> "list[ChunkPath]":
    """Find chunks in folders by a function; there must be at least one.

    Raises:
        CommandFailed: a folder cannot be read, or there is no ledger in the folders.
    """
    for folder in folders:
        if folder.is_file():
            raise Misused(f"{folder} is a file: give the folder it lies in")
    try:
        chunks = find(folders)
    except OSError as error:
        raise no_such_file(str(error.filename), error) from error
    if not chunks:
        listed = ", ".join(str(folder) for folder in folders)
        raise Misused(f"no ledger files in {listed}: give a ledger's folder")
    return chunks


@contextmanager
def reading(bytes_to_read: int, processes: int | None) -> Iterator[Readers]:
    """Start the readers of chunks, for as long as the block runs.

    Raises:
        CommandFailed: a file cannot be read, or a process was lost.
    """
    if processes is None:
        processes = processors() if bytes_to_read >= PROCESSES_FROM_BYTES else 1
    with failing_plainly(), local_readers(processes) as readers:
        yield readers


@contextmanager
def failing_plainly() -> Iterator[None]:
    """Raise what readers raise as a command's failure."""
    try:
        yield
    except OSError as error:
        raise no_such_file(str(error.filename), error) from error
    except CommandFailed:
        raise
    except CcfpyError as error:
        raise CommandFailed(str(error)) from error


class ReadingProgress:
    """A progress bar of bytes read, on a terminal only."""

    def __init__(self, doing: str, bytes_to_read: int) -> None:
        console = progress_console()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            redirect_stdout=False,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(doing, total=bytes_to_read)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._bar.stop()

    def advance(self, read_bytes: int) -> None:
        """Count bytes that were read."""
        self._bar.advance(self._task, read_bytes)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Hide the bar while a result is printed."""
        self._bar.stop()
        yield
        self._bar.start()

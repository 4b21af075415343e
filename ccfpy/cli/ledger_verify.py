"""``ccfpy ledger verify``: a ledger of any size, verified from end to end."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from ccfpy.audit.readers import Readers
from ccfpy.base.errors import Malformed
from ccfpy.cli.errors import CommandFailed, ExitCode, Misused, no_such_file
from ccfpy.cli.ledger_files import (
    FoldersArgument,
    JsonOption,
    ProcessesOption,
    ReadingProgress,
    RecoveryOption,
    failing_plainly,
    ledger_chunks,
    reading,
)
from ccfpy.cli.output import print_json, print_line

if TYPE_CHECKING:
    from ccfpy.audit.auditor import AuditState, Finding, OpenTail, ServiceSeen, Summary
    from ccfpy.audit.verification import Verification


SAVED_EVERY_S = 5.0


def verify(
    folders: FoldersArgument,
    *,
    recovery: RecoveryOption = False,
    processes: ProcessesOption = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Read with the workers of a Dask scheduler, such as "
            "tcp://10.0.0.1:8786; they must see the same paths.",
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep in this file how far the audit came, and go on from there "
            "the next time.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Verify a ledger from its first transaction to its last signature.

    Every root, every signature and every key that signs is checked. An unsigned end is
    reported and is no fault; damage is reported with its place and exits with 1.
    """
    from ccfpy.audit.auditor import ChunkChecked, Damage
    from ccfpy.audit.verification import Verification

    if scheduler is not None and processes is not None:
        raise Misused("--processes are this machine's, --scheduler has its own")
    chunks = ledger_chunks(folders, with_recovery=recovery)
    checkpoint = None if state is None else _load(state)
    size = sum(chunk.size_bytes for chunk in chunks)
    if checkpoint is not None:
        _print_checkpoint(checkpoint, json=json)
    with _readers(size, processes, scheduler) as readers:
        verification = Verification(chunks, readers, checkpoint)
        sizes = {str(chunk.name): chunk.size_bytes for chunk in chunks}
        is_damaged = False
        with (
            ReadingProgress("verifying", verification.bytes_to_read) as progress,
            _Keeper(verification, state) as keeper,
        ):
            for finding in verification.findings():
                if isinstance(finding, ChunkChecked):
                    progress.advance(sizes[finding.file])
                    keeper.tick()
                is_damaged |= isinstance(finding, Damage)
                _print(finding, progress, json=json)
    if is_damaged:
        raise typer.Exit(ExitCode.FAILED)


@contextmanager
def _readers(
    size: int, processes: int | None, scheduler: str | None
) -> Iterator[Readers]:
    if scheduler is None:
        with reading(size, processes) as readers:
            yield readers
        return
    with failing_plainly(), _cluster(scheduler) as readers:
        yield readers


def _cluster(scheduler: str) -> AbstractContextManager[Readers]:
    try:
        from ccfpy.audit.cluster import cluster_readers
    except ImportError as error:
        raise CommandFailed(
            f"--scheduler needs Dask, which lacks {error.name}: "
            "pip install 'ccfpy[cluster]'"
        ) from error
    return cluster_readers(scheduler)


def _load(path: Path) -> "AuditState | None":
    from ccfpy.audit import checkpoint as checkpoints

    if not path.parent.is_dir():
        raise Misused(
            f"{path.parent} is no folder: make it, or keep the state elsewhere"
        )
    try:
        return checkpoints.load(path)
    except OSError as error:
        raise no_such_file(str(path), error) from error
    except Malformed as error:
        raise Misused(f"{path} does not say how far an audit came: {error}") from error


class _Keeper:
    """Saves the audit's checkpoint regularly and at the end, also after an error."""

    def __init__(self, verification: "Verification", path: Path | None) -> None:
        self._verification, self._path = verification, path
        self._saved_s = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._save()

    def tick(self) -> None:
        if time.monotonic() - self._saved_s >= SAVED_EVERY_S:
            self._save()

    def _save(self) -> None:
        from ccfpy.audit import checkpoint as checkpoints

        checkpoint = self._verification.checkpoint
        if self._path is not None and checkpoint is not None:
            checkpoints.save(checkpoint, self._path)
        self._saved_s = time.monotonic()


def _print_checkpoint(checkpoint: "AuditState", *, json: bool) -> None:
    service = (
        None
        if checkpoint.trust.service is None
        else checkpoint.trust.service.digest_hex
    )
    if json:
        fields = {
            "finding": "Resumed",
            "last_signed": str(checkpoint.last_signed),
            "status": checkpoint.trust.status,
            "service": service,
        }
        print_json(fields)
    else:
        print_line(
            f"{checkpoint.last_signed}: an earlier audit came this far; the service "
            f"was {checkpoint.trust.status}, certificate {service}"
        )


def _print(finding: "Finding", progress: ReadingProgress, *, json: bool) -> None:
    if json:
        with progress.aside():
            print_json({"finding": type(finding).__name__, **_fields(finding)})
    elif (sentence := _sentence(finding)) is not None:
        with progress.aside():
            print_line(sentence)


def _sentence(finding: "Finding") -> str | None:
    from ccfpy.audit.auditor import ChunkChecked, Damage, OpenTail, ServiceSeen, Summary

    match finding:
        case ChunkChecked():
            return None
        case ServiceSeen():
            return _service_sentence(finding)
        case OpenTail():
            return _tail_sentence(finding)
        case Damage():
            of = "" if finding.seqno is None else f", transaction {finding.seqno}"
            return (
                f"DAMAGED: {finding.file} at {finding.position}{of}: {finding.reason}"
            )
        case Summary():
            return _summary_sentence(finding)


def _service_sentence(finding: "ServiceSeen") -> str:
    if finding.is_new_identity:
        return (
            f"{finding.txid}: a new identity of the service, {finding.status}, "
            f"certificate {finding.service.digest_hex}"
        )
    return f"{finding.txid}: the service is {finding.status}"


def _tail_sentence(finding: "OpenTail") -> str:
    unsigned = finding.last - finding.first + 1
    torn = f" and {finding.torn_bytes} bytes of an unfinished one"
    return (
        f"{finding.file} at {finding.position}: {unsigned} transactions"
        f"{torn if finding.torn_bytes else ''} after the last signature, for which "
        "nobody vouches yet"
    )


def _summary_sentence(finding: "Summary") -> str:
    if finding.is_damaged and finding.last_signed is None:
        return (
            "No transaction of the ledger can be believed: restore all of it from "
            "another node."
        )
    if finding.is_damaged:
        return (
            f"The ledger can be believed up to {finding.last_signed}: "
            "restore the rest from another node."
        )
    return (
        f"The ledger is whole: {finding.transactions} transactions, "
        f"{finding.signatures} signatures, the last {finding.last_signed}."
    )


def _fields(finding: "Finding") -> dict[str, object]:
    fields: dict[str, object] = {}
    for name in finding.__dataclass_fields__:
        value = getattr(finding, name)
        if name == "service":
            fields[name] = None if value is None else value.digest_hex
        elif isinstance(value, str | int | None) and not isinstance(value, tuple):
            fields[name] = value
        else:
            fields[name] = str(value)
    return fields

"""The process a person starts: from the command line to the exit code.

Stdout carries log lines only. Each refusal to start is one line at fatal: a sentence,
and what to do. Stderr gets the sentence with which a node ends if the log does not take
it or if there is a defect, and nothing else.
"""

import gc
import os
import sys
import time
from collections.abc import Callable, Sequence
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from ccfpy.base.errors import CcfpyError, ConfigurationRefused
from ccfpy.base.version import VERSION
from ccfpy.boundary.effects import LogLevel
from ccfpy.host.arguments import (
    Arguments,
    EnclaveKind,
    ExitCode,
    WordsRequested,
    parse_arguments,
)
from ccfpy.host.config import (
    ConfigurationFile,
    check_json,
    parse_configuration,
    with_default_pre_vote,
)
from ccfpy.host.disk import REAL_DISK, Disk
from ccfpy.host.enclave_link import EnclaveLink, ProcessLink
from ccfpy.host.launch import Launch, start
from ccfpy.host.log import STDERR, STDOUT, Journal, LogFormat, unbuffered

LinkMaker: TypeAlias = Callable[[str], EnclaveLink]
"""Makes the link to an enclave that runs the app of that name."""

CONFIG_RETRY_S = 0.1
_STREAMS_MAX: Final = STDERR + 1


def run(
    app: str,
    argv: Sequence[str],
    *,
    in_process: LinkMaker | None = None,
    executable: Path | None = None,
    stdout: BinaryIO | None = None,
    disk: Disk = REAL_DISK,
) -> int:
    """Run a node for ``app`` as the command line says; give the exit code.

    Args:
        app: a sample's name or the path of an application, passed to the enclave.
        argv: the command line without the program's name.
        in_process: makes the link for ``--enclave in-process``; without it that option
            is refused. The host itself knows no trusted code.
        executable: what is measured as the node's program: by default, the one started.
        stdout: where lines go instead of stdout.
        disk: where the ledger and snapshots are kept instead of the system's files.
    """
    _fill_closed_streams()
    stream = _stdout() if stdout is None else stdout
    program = Path(sys.argv[0] if executable is None else executable)
    journal = Journal(stream, last_resort=unbuffered(STDERR))
    try:
        arguments = parse_arguments(argv, program=Path(sys.argv[0]).name)
        text = read_configuration(arguments)
        file = with_default_pre_vote(
            parse_configuration(text, name=str(arguments.config)),
            is_on=arguments.is_pre_vote_default,
        )
        journal = _journal(stream, file, LogLevel.INFO)
        journal.info(f"CCF version: {VERSION}", file="main")
        if arguments.check_only:
            journal.info("Configuration file successfully verified", file="main")
            return ExitCode.OK
        link = _link(app, arguments.enclave, in_process)
        journal = _journal(stream, file, arguments.log_level)
        journal.info(
            f"Configuration file {arguments.config}:\n{text.decode(errors='replace')}",
            file="main",
        )
        launch = Launch(
            file=file,
            text=text,
            journal=journal,
            program=program,
            sync_ledger=arguments.sync_ledger,
            metrics=arguments.metrics,
            traces=arguments.traces,
            disk=disk,
        )
        return start(launch, link)
    except WordsRequested as request:
        return _answer(stream, str(request), journal)
    except ConfigurationRefused as refusal:
        journal.fatal(str(refusal), file="main")
        return ExitCode.VALIDATION_ERROR
    except CcfpyError as failure:
        journal.fatal(str(failure), file="main")
        return ExitCode.NODE_FAILED
    except Exception as error:  # noqa: BLE001  # the rim: a defect of ours
        journal.defect(error, file="main")
        return ExitCode.NODE_FAILED


def read_configuration(arguments: Arguments) -> bytes:
    """Read the configuration file, waiting for it to exist and parse as JSON.

    Raises:
        ConfigurationRefused: it does not, in the time that was allowed.
    """
    deadline = time.monotonic() + arguments.config_timeout_us / 1e6
    while True:
        try:
            text = arguments.config.read_bytes()
            check_json(text, name=str(arguments.config))
        except (OSError, ConfigurationRefused) as error:
            if time.monotonic() >= deadline:
                raise _unreadable(arguments.config, error) from None
            time.sleep(CONFIG_RETRY_S)
        else:
            return text


def _stdout() -> BinaryIO | FileIO:
    """Return what Python calls stdout, beneath its buffer."""
    if sys.stdout is None:  # it was closed
        return unbuffered(STDOUT)
    buffer = sys.stdout.buffer
    raw: BinaryIO | FileIO = getattr(buffer, "raw", buffer)
    return raw


def _fill_closed_streams() -> None:
    """Open what leads nowhere where stdin, stdout or stderr was closed before.

    Another file or a connection would get the number otherwise, and with it whatever a
    library writes to that stream.
    """
    while (opened := os.open(os.devnull, os.O_RDWR)) < _STREAMS_MAX:
        pass
    os.close(opened)


def _answer(stream: BinaryIO | FileIO, words: str, journal: Journal) -> ExitCode:
    """Write what a command line asked for in place of a node."""
    try:
        stream.write(words.encode())
        stream.flush()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        journal.fatal(f"cannot write to stdout: {reason}", file="main")
        return ExitCode.FILE_ERROR
    return ExitCode.OK


def _journal(
    stream: BinaryIO | FileIO, file: ConfigurationFile, level: LogLevel
) -> Journal:
    return Journal(
        stream,
        level=level,
        form=LogFormat(file.logging.format),
        last_resort=unbuffered(STDERR),
    )


def _link(app: str, kind: EnclaveKind, in_process: LinkMaker | None) -> EnclaveLink:
    if kind is EnclaveKind.PROCESS:
        return ProcessLink(app)
    if in_process is None:
        raise ConfigurationRefused(
            "this program cannot run the enclave in its own process; "
            "leave out --enclave in-process"
        )
    return in_process(app)


def _unreadable(path: Path, error: Exception) -> ConfigurationRefused:
    if isinstance(error, OSError):
        return ConfigurationRefused(
            f"cannot read configuration file {path}: "
            f"{(error.strerror or str(error)).lower()}; correct --config, or give "
            "--config-timeout to wait for it"
        )
    return ConfigurationRefused(str(error))


GC_THRESHOLDS = (50_000, 20, 50)
"""Rare: a turn of many sessions makes thousands of objects, and lets go of them all."""


def settle() -> None:
    """Collect rarely from now on, and never again what was made so far.

    For the process as a whole: the program that is a host calls it, not the host, which
    may run beside other things.
    """
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)

"""The command line of a node: CCF's options, and some of ours.

Errors go to stdout, as everything a node says does: those who run nodes treat a word on
stderr as a crash. Exit codes are those of CCF's option parser.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import NoReturn

from ccfpy.base.errors import ConfigurationRefused, Malformed
from ccfpy.base.units import parse_time_us
from ccfpy.base.version import VERSION
from ccfpy.boundary.effects import LogLevel
from ccfpy.host.enclave_process import PLATFORM_OVERRIDE
from ccfpy.host.metrics_server import MetricsAddress
from ccfpy.host.traces import endpoint_of


class ExitCode(IntEnum):
    """How a node ends."""

    OK = 0
    NODE_FAILED = 1
    FILE_ERROR = 103
    VALIDATION_ERROR = 105


class EnclaveKind(StrEnum):
    """Where the trusted half runs (``--enclave``)."""

    PROCESS = "process"
    IN_PROCESS = "in-process"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What the command line said.

    Attributes:
        config_timeout_us: how long to wait for the file to exist and be JSON.
        check_only: validate the file and stop.
        sync_ledger: have the disk confirm each signature before its effects go on.
        is_pre_vote_default: what ``consensus.pre_vote`` is where the file is silent.
        metrics: where metrics are served; nowhere by default.
        traces: where traces are sent; nowhere by default.
    """

    config: Path
    config_timeout_us: int
    check_only: bool
    log_level: LogLevel
    enclave: EnclaveKind
    sync_ledger: bool
    is_pre_vote_default: bool
    metrics: MetricsAddress | None = None
    traces: str | None = None


class WordsRequested(Exception):
    """``--help`` or ``--version`` was given; the text is the answer."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigurationRefused(f"{message}; run with --help for the options")


def parse_arguments(argv: Sequence[str], *, program: str) -> Arguments:
    """Read the command line, without the program's name.

    Raises:
        ConfigurationRefused: it is not one of ours; the text says why.
        WordsRequested: it asks for help, or for the version.
    """
    parser = _parser(program)
    options = parser.parse_args(argv)
    if options.help:
        raise WordsRequested(parser.format_help())
    if options.version:
        platform = os.environ.get(PLATFORM_OVERRIDE, "Virtual")
        raise WordsRequested(f"CCF host: {VERSION}\nPlatform: {platform}\n")
    if options.config is None:
        parser.error("--config is required")
    return Arguments(
        config=options.config,
        config_timeout_us=options.config_timeout,
        check_only=options.check,
        log_level=options.log_level,
        enclave=options.enclave,
        sync_ledger=options.sync_ledger,
        is_pre_vote_default=options.pre_vote == "on",
        metrics=_metrics(options),
        traces=None if options.traces is None else endpoint_of(options.traces),
    )


def _metrics(options: argparse.Namespace) -> MetricsAddress | None:
    if options.metrics is None:
        return None
    return MetricsAddress.parse(options.metrics, anywhere=options.metrics_anywhere)


def _parser(program: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=program,
        description="Run one node as its configuration file says.",
        add_help=False,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("-h", "--help", action="store_true", help="show this help and exit")
    add("-v", "--version", action="store_true", help="show the version and exit")
    add("-c", "--config", type=Path, metavar="FILE", help="the configuration, as JSON")
    add(
        "--config-timeout",
        type=_time_us,
        default=0,
        metavar="TIME",
        help="how long to wait for the file, such as 5s (default: 0s)",
    )
    add("--check", action="store_true", help="verify the configuration file and exit")
    add(
        "--log-level",
        type=_member_of(LogLevel),
        default=LogLevel.INFO,
        metavar="LEVEL",
        help="trace, debug, info, fail or fatal (default: info)",
    )
    add(
        "--enclave",
        type=_member_of(EnclaveKind),
        default=EnclaveKind.PROCESS,
        metavar="KIND",
        help="where the trusted half runs: process or in-process (default: process)",
    )
    add(
        "--sync-ledger",
        action="store_true",
        help="have the disk confirm each signature (default: the operating system)",
    )
    add(
        "--pre-vote",
        choices=("on", "off"),
        default="on",
        help="consensus.pre_vote where the file does not say (default: on)",
    )
    _add_metrics(add)
    add(
        "--traces",
        metavar="URL",
        help="send traces to a collector by OTLP over HTTP, such as "
        "http://127.0.0.1:4318, for callers who want it (default: nowhere)",
    )
    return parser


def _add_metrics(add: Callable[..., object]) -> None:
    add(
        "--metrics",
        metavar="ADDRESS",
        help="serve metrics for Prometheus at HOST:PORT, of this machine alone, or at "
        "unix:PATH (default: nowhere)",
    )
    add(
        "--metrics-anywhere",
        action="store_true",
        help="allow --metrics an address that other machines reach",
    )


def _time_us(text: str) -> int:
    try:
        return parse_time_us(text)
    except Malformed as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _member_of(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    def read(text: str) -> StrEnum:
        try:
            return kind(text.lower())
        except ValueError:
            members = ", ".join(kind)
            message = f"{text!r} is not one of {members}"
            raise argparse.ArgumentTypeError(message) from None

    return read

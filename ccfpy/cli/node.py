"""``ccfpy node``, and what the stand-ins for CCF's programs run.

CCF's command line for a node has one option more: which application the node serves. A
node must answer within a second or two of being started, and nothing may reach its
stderr: no command-line library is loaded here, and warnings are silenced first.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from ccfpy.cli.output import finish, print_lines, stream

if TYPE_CHECKING:
    from ccfpy.enclave.in_process import InProcessLink


PROGRAM = Path(__file__).with_name("main.py")
"""The file that is measured, however the command was started: the script that an
installation makes names a folder of that machine, and no other node could then join."""
_HELP = """Application:
  --app APP             a sample's name, or the path of a Python file or package
                        (default: logging)
"""


def node(argv: Sequence[str]) -> int:
    """Run a node until it ends; return its exit code."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--app", default="logging")
    if {"-h", "--help"} & set(argv):
        print_lines(_HELP)
    try:
        options, rest = parser.parse_known_args(argv)
    except SystemExit:
        return 2  # argparse has said what is wrong
    return run_node(options.app, rest, program=PROGRAM)


def main(app: str, argv: Sequence[str]) -> int:
    """Act as CCF's executable for ``app``: options, files, log, signals, exit codes.

    CCF's nodes hold elections without a pre-vote, and CCF's tests wait for the views
    that an isolated node so begins. The program that is measured is the script that was
    started.
    """
    be_silent()
    return run_node(app, ["--pre-vote", "off", *argv], program=Path(sys.argv[0]))


def be_silent() -> None:
    """Redirect stderr to stdout, so that stderr stays empty whatever happens."""
    warnings.simplefilter("ignore")
    sys.excepthook = _log_fatal
    finish()
    os.dup2(1, 2)


def run_node(app: str, argv: Sequence[str], *, program: Path) -> int:
    """Run a node until it ends; return its exit code.

    Args:
        app: which application it serves.
        argv: CCF's options.
        program: the file that is measured as what the node runs.
    """
    from ccfpy.host.main import run, settle

    settle()
    return run(app, argv, in_process=_in_process, executable=program)


def keygen(argv: Sequence[str]) -> int:
    """Act as ``keygenerator.sh``: make a participant's keys in the working folder."""
    from ccfpy.cli.keygen import generate

    return generate(argv)


def _in_process(app: str) -> "InProcessLink":
    from ccfpy.enclave.assembly import build_node
    from ccfpy.enclave.in_process import InProcessLink

    return InProcessLink(lambda: build_node(app))


def _log_fatal(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Log an uncaught exception with its place, as one line."""
    from ccfpy.host.log import Journal

    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace else ""
    journal = Journal(stream())
    journal.fatal(f"unhandled {kind.__name__}{where}: {error}", file="main")

"""Gathers the logs of a service's nodes into one trace of consensus."""

import argparse
import sys
from pathlib import Path

from ccfpy.base.errors import CcfpyError
from ccfpy.base.json import JsonObject, dumps
from tests.lab.raft_trace.checking import check_trace
from tests.lab.raft_trace.merging import merge
from tests.lab.raft_trace.preparing import prepare
from tests.lab.raft_trace.reading import read_log


def main(arguments: list[str] | None = None) -> int:
    """Gather, check and write a trace; return 0, or 1 with a sentence that says why."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.raft_trace",
        description="Gather the logs of nodes that ran with consensus.trace into one "
        "trace that CCF's trace validation reads.",
    )
    parser.add_argument("logs", nargs="+", type=Path, metavar="LOG")
    parser.add_argument(
        "-o", "--output", type=Path, help="where the trace goes (default: stdout)"
    )
    chosen = parser.parse_args(arguments)
    try:
        trace = gather(chosen.logs)
    except (CcfpyError, OSError) as error:
        sys.stdout.write(f"no trace: {error}\n")
        return 1
    text = "".join(f"{dumps(step).decode()}\n" for step in trace)
    if chosen.output is None:
        sys.stdout.write(text)
    else:
        chosen.output.write_text(text)
        sys.stdout.write(f"{len(trace)} steps in {chosen.output}\n")
    return 0


def gather(logs: list[Path]) -> list[JsonObject]:
    """Return the steps in nodes' logs as CCF's specification reads them.

    Raises:
        CcfpyError: the logs make no trace.
        OSError: a log cannot be read.
    """
    merged = merge(
        [read_log(path.read_text(errors="replace").splitlines()) for path in logs]
    )
    check_trace(merged)
    return prepare(merged)


if __name__ == "__main__":
    sys.exit(main())

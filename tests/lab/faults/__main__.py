"""A fault run: ``python -m tests.lab.faults [--nodes N] [--seconds N] …``."""

import argparse
import sys
import tempfile
from pathlib import Path

from ccfpy.base.errors import CcfpyError
from tests.lab.faults.faults import NAMESPACED, FaultKind
from tests.lab.faults.namespaces import why_not
from tests.lab.faults.report import render
from tests.lab.faults.run import HISTORY_FILE, Plan, Service, run_faults


def main(arguments: list[str] | None = None) -> int:
    """Run faults; return 0 if every promise was kept, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.faults",
        description="Break a service of real nodes on purpose, and check what it says.",
    )
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument(
        "--seconds", type=float, default=60, help="how long faults come"
    )
    parser.add_argument("--seed", type=int, default=1, help="decides the faults")
    parser.add_argument(
        "--faults",
        type=_kinds,
        default=tuple(FaultKind),
        metavar="KIND,…",
        help=f"some of {', '.join(FaultKind)}; all by default",
    )
    parser.add_argument(
        "--service",
        type=Service,
        choices=tuple(Service),
        default=Service.OBJECTS,
        help="what the nodes serve; etcd's keys must be linearizable, too",
    )
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument(
        "--election-timeout-ms", type=int, default=1000, help="of every node"
    )
    parser.add_argument(
        "--workspace", type=Path, help="keep the nodes' files and the history here"
    )
    chosen = parser.parse_args(arguments)
    reason = why_not()
    if reason is not None and any(kind in NAMESPACED for kind in chosen.faults):
        parser.error(f"no partitions here: {reason}; leave them out with --faults")
    if chosen.workspace is not None and chosen.workspace.exists():
        parser.error(f"{chosen.workspace} is there already: give a folder to be made")
    with tempfile.TemporaryDirectory(prefix="ccfpy-faults-") as temporary:
        plan = Plan(
            workspace=(chosen.workspace or Path(temporary)).resolve(),
            nodes=chosen.nodes,
            seconds=chosen.seconds,
            seed=chosen.seed,
            kinds=chosen.faults,
            service=chosen.service,
            clients=chosen.clients,
            election_timeout_ms=chosen.election_timeout_ms,
        )
        try:
            report = run_faults(plan, _say)
        except CcfpyError as error:
            _say(f"FAILED (seed {plan.seed}) {error}")
            if chosen.workspace is not None:
                _say(f"the history is {plan.workspace / HISTORY_FILE}")
            return 1
        for line in render(report):
            _say(line)
    return 0


def _kinds(text: str) -> tuple[FaultKind, ...]:
    try:
        return tuple(FaultKind(word) for word in text.split(","))
    except ValueError as error:
        known = ", ".join(FaultKind)
        raise argparse.ArgumentTypeError(f"{error}: choose from {known}") from error


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

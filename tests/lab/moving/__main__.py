"""A run: ``python -m tests.lab.moving [--minutes N] [--nodes N] …``."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from ccfpy.base.errors import CcfpyError
from tests.lab.moving.build import Build, absent
from tests.lab.moving.report import HEADING, render, row
from tests.lab.moving.run import Plan, run_moving


def main(arguments: list[str] | None = None) -> int:
    """Run; return 0 if no acknowledged write was lost, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.moving",
        description="Swap the nodes of a service between C++ CCF and ccfpy.",
    )
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=3, help="how long")
    parser.add_argument(
        "--kill-every",
        type=int,
        default=3,
        metavar="N",
        help="every Nth swap kills the old node before the new one comes; 0 for none",
    )
    parser.add_argument(
        "--hold-every",
        type=int,
        default=0,
        metavar="N",
        help="before every Nth swap a node is paused and comes back; 0 for none",
    )
    parser.add_argument("--seed", type=int, default=1, help="which nodes are paused")
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument(
        "--election-timeout-ms", type=int, default=1000, help="of every node"
    )
    parser.add_argument(
        "--pre-vote",
        choices=("on", "off"),
        default="on",
        help="whether ccfpy's nodes ask before an election; CCF's never do",
    )
    parser.add_argument(
        "--workspace",
        type=Path,
        help="keep the nodes' files in this new folder; without it, the files of a run "
        "that fails are kept and those of another are not",
    )
    chosen = parser.parse_args(arguments)
    if chosen.workspace is not None and chosen.workspace.exists():
        parser.error(f"{chosen.workspace} is there already: give a folder to be made")
    if (build := Build.find()) is None:
        parser.error(absent())
    workspace = chosen.workspace or Path(tempfile.mkdtemp(prefix="ccfpy-moving-"))
    plan = Plan(
        workspace=workspace.resolve(),
        build=build,
        nodes=chosen.nodes,
        seconds=60 * chosen.minutes,
        kill_every=chosen.kill_every,
        hold_every=chosen.hold_every,
        seed=chosen.seed,
        clients=chosen.clients,
        election_timeout_ms=chosen.election_timeout_ms,
        has_pre_vote=chosen.pre_vote == "on",
    )
    _say(f"files in {plan.workspace}")
    _say(HEADING)
    try:
        report = run_moving(plan, lambda swap: _say(row(swap)), _say)
    except CcfpyError as error:
        _say(f"FAILED {error}")
        _say(f"the files are kept in {plan.workspace}")
        return 1
    for line in render(report):
        _say(line)
    if chosen.workspace is None:
        shutil.rmtree(workspace)
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

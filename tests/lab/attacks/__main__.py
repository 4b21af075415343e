"""Attacks: ``python -m tests.lab.attacks [ATTACK…] [--quick] [--json] …``."""

import argparse
import asyncio
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ccfpy.base.errors import CcfpyError
from ccfpy.base.json import dumps
from tests.lab.attacks.attack import Attack
from tests.lab.attacks.catalogue import ATTACKS, choose
from tests.lab.attacks.report import as_json, reasons, table
from tests.lab.attacks.run import Outcome, run_attacks


def main(arguments: list[str] | None = None) -> int:
    """Run attacks; return 0 if every attack stayed within its bounds, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.attacks",
        description="Attack a service of real nodes on this machine, beside an honest "
        "client, and judge what that cost whom.",
    )
    parser.add_argument(
        "attacks",
        nargs="*",
        metavar="ATTACK",
        help="some, by name or family (see --list); all by default",
    )
    parser.add_argument(
        "--quick", action="store_true", help="the short form, with less load"
    )
    parser.add_argument("--list", action="store_true", help="list them, and run none")
    parser.add_argument("--json", action="store_true", help="print JSON, no table")
    parser.add_argument(
        "--workspace", type=Path, help="keep the nodes' files in this new folder"
    )
    chosen = parser.parse_args(arguments)
    if chosen.list:
        for attack in ATTACKS:
            _print(f"{attack.name:16} {attack.family:12} {attack.about}")
        return 0
    try:
        attacks = choose(chosen.attacks, is_quick=chosen.quick)
    except LookupError as error:
        parser.error(str(error.args[0]))
    if chosen.workspace is not None and chosen.workspace.exists():
        parser.error(f"{chosen.workspace} is there already: give a folder to be made")
    with tempfile.TemporaryDirectory(prefix="ccfpy-attacks-") as temporary:
        workspace = (chosen.workspace or Path(temporary)).resolve()
        begin_s = time.monotonic()
        outcomes = asyncio.run(_run(attacks, workspace, is_quick=chosen.quick))
    if chosen.json:
        _print(dumps(as_json(outcomes)).decode())
    else:
        for line in (*table(outcomes), *reasons(outcomes)):
            _print(line)
        _print(
            f"{len(outcomes)} attacks in {time.monotonic() - begin_s:.0f} s, "
            f"{platform.machine()}, Python {platform.python_version()}"
        )
    is_complete = len(outcomes) == len(attacks)
    return 0 if is_complete and all(each.is_within for each in outcomes) else 1


async def _run(
    attacks: Sequence[Attack], workspace: Path, *, is_quick: bool
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    try:
        async for outcome in run_attacks(
            attacks, workspace, is_quick=is_quick, say=_say
        ):
            verdict = "within" if outcome.is_within else "NOT within"
            _say(f"  {verdict} {'; '.join(outcome.excesses)}")
            outcomes.append(outcome)
    except CcfpyError as error:
        _say(f"FAILED {error}")
    return outcomes


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())

"""Runs scenario files: ``python -m tests.lab.scenario FILE…``."""

import argparse
import sys
from pathlib import Path

from tests.lab.scenario.errors import ScenarioFailed
from tests.lab.scenario.language import run


def main(arguments: list[str] | None = None) -> int:
    """Run files; return 0 if all of them held, else 1.

    Everything is printed on the standard output, errors too.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.scenario",
        description="Run consensus scenarios.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument(
        "--seeds", type=int, default=1, help="run each with this many timers"
    )
    parser.add_argument(
        "--trace", action="store_true", help="print the trace of the first seed"
    )
    chosen = parser.parse_args(arguments)
    held = [_run(path, chosen.seeds, is_traced=chosen.trace) for path in chosen.files]
    return 0 if all(held) else 1


def _run(path: Path, seeds: int, *, is_traced: bool) -> bool:
    text = path.read_text()
    for seed in range(seeds):
        say = _say if seed == 0 else None
        try:
            run(text, seed=seed, say=say, trace=say if is_traced else None)
        except ScenarioFailed as error:
            _say(f"FAILED {path} (seed {seed}) {error}")
            return False
    _say(f"ok {path} ({seeds} seeds)")
    return True


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())

"""Spends time on fresh seeds: ``python -m tests.fuzz.review``."""

import argparse
import sys
import time

from tests.fuzz.review.judge import Misled
from tests.fuzz.review.readers import Engine, page
from tests.fuzz.review.tries import Tries

PROGRESS_SECONDS = 10


def main(arguments: list[str] | None = None) -> int:
    """Try until time is up or a member is misled; return 0 if none was, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz.review",
        description="Look for what members are shown as something else than it is.",
    )
    parser.add_argument("--seconds", type=float, default=60, help="how long to try")
    parser.add_argument("--seed", default=str(int(time.time())), help="of all tries")
    parser.add_argument(
        "--only", help="the one try with this name, as a failure has it"
    )
    given = parser.parse_args(arguments)
    with page() as drawing:
        tries = Tries(engine=Engine(), page=drawing)
        return _search(tries, given.seed, given.seconds, given.only)


def _search(tries: Tries, seed: str, seconds: float, only: str | None) -> int:
    began = told = time.monotonic()
    name = only or ""
    try:
        while not only and (now := time.monotonic()) - began < seconds:
            name = f"{seed}.{tries.count}"
            tries.run(name)
            if now - told > PROGRESS_SECONDS:
                told = now
                _say(f"{tries.count:,} tries in {now - began:.0f} s")
        if only:
            tries.run(only)
        tries.ask()
    except Misled as wrong:
        _say(f"after {tries.count:,} tries a member is misled: {wrong}")
        _say(f"again: python -m tests.fuzz.review --only {name}")
        return 1
    spent = time.monotonic() - began
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in tries.by_kind.items())
    _say(
        f"{tries.count:,} tries in {spent:.0f} s ({tries.count / spent:,.0f} a second)"
    )
    _say(f"of {kinds}: no member is misled")
    _say(f"{tries.refused:,} proposals that the engine reads cannot be shown")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

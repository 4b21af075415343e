"""Checks histories: ``python -m tests.lab.consistency FILE…``."""

import argparse
import sys
from pathlib import Path

from ccfpy.base.errors import Malformed
from ccfpy.ledger.chunk import is_chunk_name
from tests.lab.consistency.checker import check
from tests.lab.consistency.history import read_histories
from tests.lab.consistency.ledgers import Ivs
from tests.lab.consistency.properties import Inconsistent


def main(arguments: list[str] | None = None) -> int:
    """Check histories; return 0 if everything holds, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.consistency",
        description="Check what clients of a service saw.",
    )
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="a part of one history, one JSON object a line",
    )
    parser.add_argument(
        "--ledger",
        action="append",
        default=[],
        type=Path,
        metavar="FOLDER",
        help="a node's ledger: no (key, IV) pair may serve twice in all of them",
    )
    chosen = parser.parse_args(arguments)
    try:
        found = check(
            read_histories(path.read_bytes().splitlines() for path in chosen.files)
        )
        ivs = Ivs()
        for folder in chosen.ledger:
            add_folder(ivs, folder)
    except (Inconsistent, Malformed, OSError) as error:
        sys.stdout.write(f"FAILED {error}\n")
        return 1
    sys.stdout.write(
        f"ok: {found.events} events, {found.writes} writes, {found.committed} "
        f"committed, {found.invalid} invalid, {found.unknown} unknown, {found.reads} "
        f"reads, {len(ivs)} IVs\n"
    )
    return 0


def add_folder(ivs: Ivs, folder: Path) -> None:
    """Add every ledger file in a folder; raises as ``Ivs.add_chunk``."""
    for path in sorted(folder.iterdir()):
        if is_chunk_name(path.name):
            ivs.add_chunk(path.name, path.read_bytes(), where=str(path))


if __name__ == "__main__":
    sys.exit(main())

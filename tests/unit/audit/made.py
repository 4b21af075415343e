"""Ledgers in folders, for the tests of this folder."""

import os
from pathlib import Path

from tests.unit.ledger.made import MadeLedger


def written(ledger: MadeLedger, folder: Path) -> Path:
    """Write a ledger's chunk files."""
    folder.mkdir(exist_ok=True)
    for file in ledger.files():
        (folder / file.name).write_bytes(file.read())
    return folder


def process_id(_item: int) -> int:
    """Tell which process this ran in."""
    return os.getpid()

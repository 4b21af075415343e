"""Processes that give something up and say what then happens to them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
BEGIN = """
import os, sys
os.dup2(1, 3)
def say(it):
    os.write(3, f"{it}\\n".encode())
def outcome(attempt):
    try:
        attempt()
    except OSError as error:
        return os.strerror(error.errno)
    return "done"
"""


def told(code: str, *words: str, **environment: str) -> list[str]:
    """Return the lines that a process prints while it runs some code."""
    result = subprocess.run(
        [sys.executable, "-c", BEGIN + code, *words],
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), **environment},
    )
    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    return result.stdout.splitlines()

"""ccfpy on a Python that lacks what Windows lacks."""

import os
import subprocess
import sys
from pathlib import Path

TIMEOUT_S = 120


def run_without_posix(
    *words: str | Path, cwd: Path
) -> subprocess.CompletedProcess[str]:
    """Run Python to its end, and return what it printed, after it ended well.

    Raises:
        CalledProcessError: it ended with another code; stderr is a note.
    """
    folders = str(Path(__file__).parent), *filter(None, sys.path)
    done = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, *map(str, words)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(folders)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    try:
        done.check_returncode()
    except subprocess.CalledProcessError as error:
        error.add_note(done.stderr)
        raise
    return done

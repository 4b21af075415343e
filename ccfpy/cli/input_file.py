"""Files that commands read, among them stdin by the name ``-``."""

import sys
from pathlib import Path

from ccfpy.cli.errors import no_such_file

STDIN = "-"


def read_input(path: str | Path) -> bytes:
    """Return the bytes of a file, or of stdin if the path is ``-``.

    Raises:
        CommandFailed: the file cannot be read.
    """
    if str(path) == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise no_such_file(str(path), error) from error

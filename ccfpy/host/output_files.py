"""Files that a node writes for others to find: its pid, addresses and certificates.

Others poll for these files, so each appears whole or not at all: it is written beside
its place and then renamed.
"""

import os
from pathlib import Path

from ccfpy.base.errors import ConfigurationRefused


def write_atomically(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path``, replacing what was there.

    Raises:
        ConfigurationRefused: the place cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ConfigurationRefused(
            f"cannot write {path}: {error.strerror}; "
            "create its folder or give another path in output_files"
        ) from None


def claim_pid_file(path: Path) -> None:
    """Write this process's id to ``path``, which must not exist yet.

    Raises:
        ConfigurationRefused: another node claims it, in CCF's words.
    """
    if path.exists():
        raise ConfigurationRefused(f"PID file {path} already exists. Exiting.")
    write_atomically(path, str(os.getpid()).encode())

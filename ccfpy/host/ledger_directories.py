"""What is asked of the ledger's directories before a node begins."""

from pathlib import Path

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.host.disk import Disk


def refuse_ledger(disk: Disk, directory: Path) -> None:
    """Refuse a directory that has a ledger, in CCF's words.

    Raises:
        ConfigurationRefused: there is anything in it.
    """
    if disk.is_directory(directory) and disk.names(directory):
        raise ConfigurationRefused(
            f"On start, ledger directory should not exist or be empty ({directory})"
        )


def make_directory(disk: Disk, directory: Path) -> None:
    """Make the directory to be written, unless it is there.

    Raises:
        ConfigurationRefused: it cannot be made.
    """
    try:
        disk.make_directory(directory)
    except OSError as error:
        raise ConfigurationRefused(
            f"cannot create the ledger directory {directory}: {error.strerror}; "
            "correct ledger.directory"
        ) from None


def require_directory(disk: Disk, directory: Path) -> None:
    """Refuse a directory to read from that is none.

    Raises:
        ConfigurationRefused: it is none.
    """
    if not disk.is_directory(directory):
        raise ConfigurationRefused(
            f"{directory} read-only ledger is not a directory; "
            "correct ledger.read_only_directories"
        )

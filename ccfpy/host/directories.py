"""Checks of a node's directories before the node begins."""

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


def make_directory(disk: Disk, directory: Path, *, key: str) -> None:
    """Make a directory to be written, unless it is there.

    Args:
        disk: the disk.
        directory: the directory.
        key: what names it in the configuration.

    Raises:
        ConfigurationRefused: it cannot be made.
    """
    try:
        disk.make_directory(directory)
    except OSError as error:
        raise ConfigurationRefused(
            f"cannot create {directory}: {error.strerror}; correct {key}"
        ) from None


def require_directory(disk: Disk, directory: Path, what: str, *, key: str) -> None:
    """Refuse a directory to read from that is none.

    Args:
        disk: the disk.
        directory: the directory.
        what: it holds.
        key: what names it in the configuration.

    Raises:
        ConfigurationRefused: it is none.
    """
    if not disk.is_directory(directory):
        raise ConfigurationRefused(
            f"{directory} read-only {what} is not a directory; correct {key}"
        )

"""Ledger secrets that the enclave sealed, one file each: ``<version>.sealed.json``.

Only the same program on the same platform opens them. They outlive the node: a later
one is shown them when it recovers the service. A file appears whole and is on the disk
before the next effect is performed, since what follows it may be written under that
secret alone.
"""

from collections.abc import Callable
from pathlib import Path

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.limits import SEALED_SECRET_BYTES_MAX, SEALED_SECRETS_MAX
from ccfpy.boundary.effects import KeepSealedSecret
from ccfpy.boundary.shape import INTEGER_MAX
from ccfpy.host.chunk_reader import Reporter
from ccfpy.host.disk import REAL_DISK, Disk, make_directory, read_file, write_file

SUFFIX = ".sealed.json"
_SOURCE = "sealed_files"


class SealedFiles:
    """The folder in which a node's sealed ledger secrets are kept.

    Args:
        directory: where; nothing if the node seals none.
        report: told what the disk could not do.
        disk: the disk.
    """

    def __init__(
        self, directory: Path | None, *, report: Reporter, disk: Disk = REAL_DISK
    ) -> None:
        self._directory = directory
        self._report = report
        self._disk = disk

    def prepare(self) -> None:
        """Make the folder.

        Raises:
            ConfigurationRefused: it cannot be made.
        """
        if self._directory is not None:
            key = "output_files.sealed_ledger_secret_location"
            make_directory(self._disk, self._directory, key=key)

    def keep(self, effect: KeepSealedSecret) -> None:
        """Write a secret's file, in place of one for the same version."""
        if self._directory is None:
            return
        path = self._directory / f"{effect.version}{SUFFIX}"
        beside = path.with_name(f".{path.name}.tmp")
        disk = self._disk
        try:
            write_file(disk, beside, effect.data, must_sync=True)
            disk.rename(beside, path)
            disk.sync_directory(self._directory)
        except OSError as error:
            self._report.fail(f"Cannot write {path}: {error.strerror}", file=_SOURCE)


def read_sealed(
    directory: Path, *, skipped: Callable[[str], None], disk: Disk = REAL_DISK
) -> tuple[tuple[int, bytes], ...]:
    """Return the files of a folder with the versions that their names state.

    Args:
        directory: where an earlier node kept them.
        skipped: told of a file that cannot be one, in a sentence.
        disk: the disk.

    Raises:
        ConfigurationRefused: there is no such folder.
    """
    try:
        names = disk.names(directory)
    except OSError as error:
        raise ConfigurationRefused(
            f"cannot read {directory}: {error.strerror}; correct "
            "command.recover.previous_sealed_ledger_secret_location"
        ) from None
    versions: dict[int, str] = {}
    for name in names:
        digits = name.removesuffix(SUFFIX)
        if name.endswith(SUFFIX) and digits.isascii() and digits.isdigit():
            versions.setdefault(min(int(digits), INTEGER_MAX), name)
        else:
            skipped(f"{directory / name} is no sealed ledger secret")
    newest = sorted(versions, reverse=True)[:SEALED_SECRETS_MAX]
    files = []
    for version in newest:
        path = directory / versions[version]
        try:
            data = read_file(disk, path)
        except OSError as error:
            skipped(f"Cannot read {path}: {error.strerror}")
            continue
        if len(data) > SEALED_SECRET_BYTES_MAX:
            skipped(f"{path} is too large for a sealed ledger secret")
            continue
        files.append((version, data))
    return tuple(files)

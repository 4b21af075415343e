"""What an earlier sandbox left: set aside before a new one starts, or brought back.

The nodes' folders, with their ledgers, and the participants' keys, without which a
ledger cannot be recovered, are kept together in ``LABEL_earlier``. Only those of the
last run are kept.

``--recover`` takes what is left of a service as CCF's sandbox does. The lost service's
folder of keys, which holds its certificate too, stays in use: the new service's
certificate replaces the old one, of which a copy is kept under CCF's name for it.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.client.keys import SERVICE_CERTIFICATE, KeyFiles
from ccfpy.host.output_files import running_process
from ccfpy.ledger.chunk import PRIVATE_MODE
from ccfpy.local.configuration import Remains, ServiceOptions

SUFFIX = "earlier"
PID_FILE = "node.pid"


def set_aside(options: ServiceOptions) -> Path | None:
    """Move an earlier run's nodes away, and return the folder they are kept in.

    A copy of the participants' keys goes with them. What was kept before is removed.

    Returns:
        None where there was no earlier run.

    Raises:
        CommandFailed: a node of that run is still running, or a folder in the way is
            no node's.
    """
    folders = _node_folders(options)
    for path in options.shared.glob("*.rpc_addresses"):
        path.unlink()
    if not folders:
        return None
    kept = kept_at(options.workspace, options.label)
    if kept.exists():
        shutil.rmtree(kept)
    kept.mkdir(mode=PRIVATE_MODE)
    for folder in folders:
        folder.rename(kept / folder.name)
    if options.shared.is_dir():
        shutil.copytree(options.shared, kept / options.shared.name)
    return kept


def kept_at(workspace: Path, label: str) -> Path:
    """Return the folder in which an earlier run with this label is kept."""
    return workspace / f"{label}_{SUFFIX}"


def _node_folders(options: ServiceOptions) -> Sequence[Path]:
    folders = []
    for folder in sorted(options.workspace.glob(f"{options.label}_*")):
        number = folder.name.removeprefix(f"{options.label}_")
        if not number.isdecimal():
            continue
        if not (folder / f"{number}.config.json").is_file():
            raise CommandFailed(
                f"{folder} is there already and is no node's folder: move it away or "
                "choose another with --workspace"
            )
        if (pid := running_process(folder / PID_FILE)) is not None:
            raise CommandFailed(
                f"a node still runs in {folder}, as process {pid}: stop it, or choose "
                "another folder with --workspace"
            )
        folders.append(folder)
    return folders


PREDECESSOR = "predecessor_service_cert.pem"
LABEL_SUFFIX = "_recover"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A service that a sandbox is to bring back.

    Attributes:
        ledger: the folder of its ledger.
        common: the folder of its participants' keys.
        snapshots: the folder of its snapshots, if they are to be used.
    """

    ledger: Path
    common: Path
    snapshots: Path | None

    @classmethod
    def of(
        cls,
        ledger_dir: Path | None,
        common_dir: Path | None,
        snapshots_dir: Path | None,
        *,
        recover: bool,
    ) -> Self | None:
        """Parse the options.

        Raises:
            Misused: they do not fit together, or name files that are not there.
        """
        if not recover:
            if ledger_dir or common_dir or snapshots_dir:
                raise Misused(
                    "--ledger-dir, --common-dir and --snapshots-dir say what to "
                    "recover from: give --recover too"
                )
            return None
        if ledger_dir is None or common_dir is None:
            raise Misused("--recover needs --ledger-dir and --common-dir")
        for folder in (ledger_dir, common_dir, snapshots_dir):
            if folder is not None and not folder.is_dir():
                raise Misused(f"no folder {folder}: correct the path")
        if not (common_dir / SERVICE_CERTIFICATE).is_file():
            raise Misused(
                f"{common_dir} lacks {SERVICE_CERTIFICATE}, the certificate of the "
                "service to recover"
            )
        lost = cls(ledger=ledger_dir, common=common_dir, snapshots=snapshots_dir)
        if not lost.members:
            raise Misused(f"{common_dir} has no member's key and certificate")
        return lost

    @property
    def members(self) -> Sequence[str]:
        """The members whose keys are at hand."""
        return self._participants("member")

    @property
    def users(self) -> Sequence[str]:
        """The users whose keys are at hand."""
        return self._participants("user")

    def _participants(self, kind: str) -> Sequence[str]:
        names = [
            path.name.removesuffix("_cert.pem")
            for path in self.common.glob(f"{kind}*_cert.pem")
        ]
        return sorted(
            name
            for name in names
            if KeyFiles(folder=self.common, name=name).private_key.is_file()
        )

    def applied(self, options: ServiceOptions) -> ServiceOptions:
        """Return the options of the service that takes its place."""
        label = options.label + LABEL_SUFFIX
        while self._is_in_the_way(options.workspace, label):
            label += LABEL_SUFFIX
        return replace(
            options,
            label=label,
            common=self.common,
            members=self.members,
            users=self.users,
        )

    def _is_in_the_way(self, workspace: Path, label: str) -> bool:
        """Return whether these files lie where nodes of this label would be kept."""
        begin = f"{workspace.resolve()}/{label}_"
        given = (self.ledger, self.common, self.snapshots)
        paths = [str(path.resolve()) for path in given if path is not None]
        return any(
            path.startswith(begin)
            and _is_taken(path.removeprefix(begin).partition("/")[0])
            for path in paths
        )

    def remains(self) -> Remains:
        """Set the old certificate aside, and return what a node recovers from."""
        identity = self.common / PREDECESSOR
        shutil.copyfile(self.common / SERVICE_CERTIFICATE, identity)
        return Remains(identity=identity, ledger=self.ledger, snapshots=self.snapshots)

    def give_back(self) -> None:
        """Restore the old certificate of a service that was not recovered."""
        identity = self.common / PREDECESSOR
        if identity.is_file():
            shutil.copyfile(identity, self.common / SERVICE_CERTIFICATE)


def _is_taken(name: str) -> bool:
    return name.isdecimal() or name == SUFFIX

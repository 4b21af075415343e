"""What an earlier sandbox left in the workspace, set aside before a new one starts.

The nodes' folders, with their ledgers, and the participants' keys, without which a
ledger cannot be recovered, are kept together in ``LABEL_earlier``. Only those of the
last run are kept.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from ccfpy.cli.errors import CommandFailed
from ccfpy.host.output_files import running_process
from ccfpy.ledger.chunk import PRIVATE_MODE
from ccfpy.local.configuration import ServiceOptions

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

"""Where the files that travel with ccfpy lie: constitutions, proposals, sample apps.

An installed wheel carries them inside the package, in ``ccfpy/share``; a checkout has
them at its root.
"""

from pathlib import Path

import ccfpy

_PACKAGE = Path(ccfpy.__file__).resolve().parent
_PARTS = ("actions", "validate", "resolve", "apply")


def share_root(package: Path = _PACKAGE) -> Path:
    """Find the folder that holds ``governance`` and ``apps``.

    Raises:
        FileNotFoundError: the installation is damaged and has neither layout.
    """
    for root in (package / "share", package.parent):
        if (root / "governance").is_dir():
            return root
    raise FileNotFoundError(
        f"no governance folder in {package / 'share'} or {package.parent}: "
        "install ccfpy again"
    )


def constitution(name: str) -> list[Path]:
    """List a constitution's scripts in the order in which they are joined.

    What a constitution does not have of its own is the default one's. Further scripts
    of its own add actions, and go after the actions.

    Raises:
        FileNotFoundError: there is no constitution of that name; the text lists them.
    """
    folder = share_root() / "governance" / "constitutions"
    known = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    if name not in known:
        raise FileNotFoundError(
            f"no constitution named {name!r}: choose one of {', '.join(known)}"
        )
    own = [folder / name / f"{part}.js" for part in _PARTS]
    further = sorted(set((folder / name).glob("*.js")) - set(own))
    actions, *others = [
        script if script.is_file() else folder / "default" / script.name
        for script in own
    ]
    return [actions, *further, *others]

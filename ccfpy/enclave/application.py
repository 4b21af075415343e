"""Finds the application that a node is to serve, and loads its code.

An application is a Python file or package with an attribute ``app``. It is named by its
path, or, for one of the samples, by its name. Its code becomes part of the trusted
process: this is the only place that runs code which ccfpy does not contain.
"""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import cast

import ccfpy
from ccfpy.base.errors import CcfpyError
from ccfpy.endpoints.application import Application

ATTRIBUTE = "app"


class ApplicationNotLoaded(CcfpyError):
    """The application cannot be found or is none; the text says what to change."""


def load_application(name: str) -> Application:
    """Load an application by a sample's name or by path.

    Raises:
        ApplicationNotLoaded: there is none there, or its code fails.
    """
    path = find_application(name)
    root, dotted = _place(path)
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        module = importlib.import_module(dotted)
    except Exception as error:  # whatever a stranger's code may raise
        reason = f"{type(error).__name__}: {error}"
        raise ApplicationNotLoaded(
            f"the application {name!r} does not load: {reason}; correct its code"
        ) from error
    if Path(module.__file__ or "").resolve() not in (path, path / "__init__.py"):
        raise ApplicationNotLoaded(
            f"the application {name!r} has the name of another module; rename it"
        )
    application = getattr(module, ATTRIBUTE, None)
    if application is None:
        raise ApplicationNotLoaded(
            f"the application {name!r} has no {ATTRIBUTE!r}; "
            f"give its module an attribute of that name"
        )
    return cast("Application", application)


def find_application(name: str) -> Path:
    """Give the file or package folder of an application.

    Raises:
        ApplicationNotLoaded: there is none of that name.
    """
    for place in (Path(name), *_sample_places(name)):
        if place.is_file() and place.suffix == ".py":
            return place.resolve()
        if (place / "__init__.py").is_file():
            return place.resolve()
    raise ApplicationNotLoaded(
        f"no application {name!r}: give the path of a Python file or package, "
        f"or one of the samples' names"
    )


def _sample_places(name: str) -> list[Path]:
    if not name.isidentifier():
        return []
    package = Path(ccfpy.__file__).resolve().parent
    folders = (package / "share" / "apps", package.parent / "apps")
    return [folder / name for folder in folders]


def _place(path: Path) -> tuple[Path, str]:
    """Give the folder from which a module is imported, and its dotted name there."""
    parts = [path.stem if path.is_file() else path.name]
    root = path.parent
    while (root / "__init__.py").is_file():
        parts.insert(0, root.name)
        root = root.parent
    return root, ".".join(parts)

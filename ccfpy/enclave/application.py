"""Finds the application that a node is to serve, and loads its code.

An application is a Python file or package with an attribute ``app``. It is named by its
path, or, for one of the samples, by its name. Its code becomes part of the trusted
process.
"""

from pathlib import Path
from typing import cast

import ccfpy
from ccfpy.base.errors import CcfpyError
from ccfpy.enclave.importing import find_code, load_attribute
from ccfpy.endpoints.application import Application

ATTRIBUTE = "app"


class ApplicationNotLoaded(CcfpyError):
    """The application cannot be found or is none; the text says what to change."""


def load_application(name: str) -> Application:
    """Load an application by a sample's name or by path.

    Raises:
        ApplicationNotLoaded: there is none there, or its code fails.
    """
    found = load_attribute(
        find_application(name),
        ATTRIBUTE,
        of=f"the application {name!r}",
        refuse=ApplicationNotLoaded,
    )
    return cast("Application", found)


def find_application(name: str) -> Path:
    """Return the file or package folder of an application.

    Raises:
        ApplicationNotLoaded: there is none of that name.
    """
    found = find_code([Path(name), *_sample_places(name)])
    if found is None:
        raise ApplicationNotLoaded(
            f"no application {name!r}: give the path of a Python file or package, "
            f"or one of the samples' names"
        )
    return found


def _sample_places(name: str) -> list[Path]:
    if not name.isidentifier():
        return []
    package = Path(ccfpy.__file__).resolve().parent
    folders = (package / "share" / "apps", package.parent / "apps")
    return [folder / name for folder in folders]

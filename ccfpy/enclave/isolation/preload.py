"""Imports modules now that libraries would import too late: soon no file can be read.

Some of Python's own functions import a module when they are first called. After the
process has closed itself off, such an import fails as if there were no such module. The
libraries of a node import their modules with themselves; a test checks that no import
comes later.
"""

import importlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

LATE: Final[Sequence[str]] = (
    # Codecs are looked up when first named.
    *(
        f"encodings.{name}"
        for name in (
            *("ascii", "latin_1", "cp1252", "utf_8", "utf_8_sig", "utf_16"),
            *("utf_16_be", "utf_16_le", "utf_32", "unicode_escape", "idna"),
            "punycode",
        )
    ),
    "unicodedata",  # characters by name, and domain names
    "stringprep",  # domain names
    "_strptime",  # dates by their form
    "locale",  # the same, and numbers by custom
    "traceback",  # imported where an exception is told of
)


def preload() -> None:
    """Import all of it that this Python has."""
    for name in LATE:
        with suppress(ImportError):
            importlib.import_module(name)

"""ccfpy: a confidential consortium ledger that anyone can install."""

import os
import sys
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader

if not __debug__:
    raise ImportError("ccfpy relies on its assertions: run Python without -O")

PURE_VARIABLE = "CCFPY_PURE"
"""The environment variable that, when it is ``1``, has Python run the sources though
their compiled forms lie beside them."""


def _only_sources(path: str) -> FileFinder:
    if path != __path__[0] and not path.startswith(__path__[0] + os.sep):
        raise ImportError(path)
    return FileFinder(path, (SourceFileLoader, SOURCE_SUFFIXES))


if os.environ.get(PURE_VARIABLE) == "1":
    sys.path_hooks.insert(0, _only_sources)

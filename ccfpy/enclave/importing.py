"""Imports the code that somebody else wrote: the only place that imports by name.

What it loads becomes part of the trusted process.
"""

import importlib
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from ccfpy.base.errors import CcfpyError
from ccfpy.enclave.code_origin import CodeOrigin, origin_of
from ccfpy.endpoints.diagnostics import Misdeclared


def find_code(places: Sequence[Path]) -> Path | None:
    """Return the first of some places that is a Python file or package, resolved."""
    for place in places:
        is_file = place.is_file() and place.suffix == ".py"
        if is_file or (place / "__init__.py").is_file():
            return place.resolve()
    return None


def load_attribute(
    path: Path, attribute: str, *, of: str, refuse: Callable[[str], CcfpyError]
) -> object:
    """Import a file or package, and give one of its attributes.

    Args:
        path: resolved.
        attribute: its name.
        of: what is loaded, for people.
        refuse: makes the error.

    Raises:
        CcfpyError: as ``refuse`` makes it; it does not load, or has no such attribute.
    """
    root, dotted = _place(path)
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    # Code that was written a moment ago is not in what the importer remembers.
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(dotted)
    except Misdeclared as error:
        raise refuse(f"{of} does not load: {error}") from error
    except (Exception, SystemExit) as error:  # whatever a stranger's code may raise
        reason = f"{type(error).__name__}: {error}{_where(error)}"
        raise refuse(f"{of} does not load: {reason}; correct its code") from error
    if Path(module.__file__ or "").resolve() not in (path, path / "__init__.py"):
        raise refuse(f"{of} has the name of another module; rename it")
    found: object = getattr(module, attribute, None)
    if found is None:
        raise refuse(
            f"{of} has no {attribute!r}; give its module an attribute of that name"
        )
    return found


def _where(error: BaseException) -> str:
    """Return the author's own line that failed, if a line of theirs did."""
    steps = traceback.extract_tb(error.__traceback__)
    own = [step for step in steps if origin_of(step.filename) is CodeOrigin.APP]
    return f", at {own[-1].filename}:{own[-1].lineno}" if own else ""


def _place(path: Path) -> tuple[Path, str]:
    """Return the folder from which a module is imported, and its dotted name there."""
    parts = [path.stem if path.is_file() else path.name]
    root = path.parent
    while (root / "__init__.py").is_file():
        parts.insert(0, root.name)
        root = root.parent
    return root, ".".join(parts)

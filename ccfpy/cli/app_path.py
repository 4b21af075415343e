"""An application as the command line names it, for processes in other folders."""

from pathlib import Path

_SUFFIXES = (".py", ".enclave")
"""Of a Python file, and of what ``ccfpy enclave sign`` writes."""


def named_anywhere(app: str) -> str:
    """Return a path from the root, and a sample's name as it is."""
    path = Path(app)
    is_path = path.suffix in _SUFFIXES or (path / "__init__.py").is_file()
    return str(path.resolve()) if is_path else app

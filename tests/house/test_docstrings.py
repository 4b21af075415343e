"""A docstring begins with what its function does: Return, Raise, Parse, Check."""

import ast
import re

from tests.house.tree import modules

REFUSED = re.compile(r"(?:Gives?|Tells?|Lets?|Have)\b")
"""Verbs that say that a function does something for somebody, and not what it does."""

NOT_YET = {
    "ccfpy/boundary",
    "ccfpy/enclave",
    "ccfpy/endpoints",
    "ccfpy/host",
    "ccfpy/http",
    "ccfpy/node",
    "tests/unit",
}
"""Folders, two names deep, that still have such docstrings; it only gets shorter."""

TOPS = ("ccfpy", "apps", "tests", "benchmarks", "deploy")


def _folder(path: str) -> str:
    return "/".join(path.split("/")[:2])


def _refused() -> list[tuple[str, str]]:
    """Return the folder of each such docstring, and where it is."""
    return [
        (_folder(module.path), f"{module.path}: {text.splitlines()[0]}")
        for module in modules(*TOPS)
        for node in ast.walk(module.tree)
        if isinstance(
            node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        )
        and (text := ast.get_docstring(node)) is not None
        and REFUSED.match(text)
    ]


def test_no_docstring_begins_with_give_tell_let_or_have() -> None:
    assert [where for folder, where in _refused() if folder not in NOT_YET] == []

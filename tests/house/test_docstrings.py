"""A docstring begins with what its function does: Return, Raise, Parse, Check."""

import re

from tests.house.tree import modules

REFUSED = re.compile(r"(?:Gives?|Tells?|Lets?|Have)\b")
"""Verbs that say that a function does something for somebody, and not what it does."""

TOPS = ("ccfpy", "apps", "tests", "benchmarks", "deploy")


def _refused() -> list[str]:
    """Return where each such docstring is."""
    return [
        f"{module.path}: {text.splitlines()[0]}"
        for module in modules(*TOPS)
        for text in module.outline.docstrings
        if REFUSED.match(text)
    ]


def test_no_docstring_begins_with_give_tell_let_or_have() -> None:
    assert _refused() == []

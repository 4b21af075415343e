"""The list of public modules is true, and all our examples use these modules alone."""

import ast
import importlib
import re
from collections.abc import Iterator

import pytest

from tests.house.test_modules import LIBRARIES
from tests.house.tree import ROOT, modules, texts

PAGE = (ROOT / "docs/reference/public-modules.md").read_text()
PUBLIC = re.findall(r"^\| `(ccfpy[\w.]*)` \|", PAGE, re.MULTILINE)


def _is_public(name: str) -> bool:
    return any(name == public or name.startswith(f"{public}.") for public in PUBLIC)


def _imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_module_can_be_imported_and_says_what_it_is(name: str) -> None:
    assert importlib.import_module(name).__doc__


def test_libraries_that_nobody_here_has_to_use_are_public() -> None:
    assert all(_is_public(name.rstrip(".")) for name in LIBRARIES)


def test_sample_apps_import_public_modules_only() -> None:
    strayed = [
        f"{module.path} imports {name}"
        for module in modules("apps")
        for name in _imports(module.text)
        if name.startswith("ccfpy") and not _is_public(name)
    ]
    assert not strayed


def test_examples_for_users_import_public_modules_only() -> None:
    pages = {
        path: text
        for path, text in texts()
        if path == "README.md" or re.match(r"docs/(howto/)?[^/]+\.md$", path)
    }
    strayed = [
        f"{path} imports {name}"
        for path, text in pages.items()
        for example in re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        for name in _imports(example)
        if name.startswith("ccfpy") and not _is_public(name)
    ]
    assert not strayed

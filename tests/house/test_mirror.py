"""Every module has its test, its place and a user."""

import re

from tests.house.tree import modules

COVERED_END_TO_END = (
    "ccfpy/cli/",
    "ccfpy/enclave/",
    "ccfpy/host/",
    "ccfpy/toolkit/enclave/",
    "ccfpy/toolkit/host/",
)
"""Packages at the rim, whose code real processes run in tests/e2e."""

ENTRIES = {
    "ccfpy",
    "ccfpy.app",
    "ccfpy.cli.main",
    "ccfpy.console.what_if_child",
    "ccfpy.enclave.__main__",
    "ccfpy.toolkit.enclave.__main__",
}
"""Modules that people or the system start, so that no module of ours imports them."""

LIBRARIES = ("ccfpy.audit.", "ccfpy.client.", "ccfpy.ledger.", "ccfpy.testing.")
"""Packages that other people's programs import, module by module."""

SHIPPED = modules("ccfpy")
SAMPLES = modules("apps")
"""Some have quick tests in ``tests/unit/apps``, beside those of ``tests/apps``."""
LAB = tuple(each for each in modules("tests") if each.path.startswith("tests/lab/"))
"""How we test nodes and services; ``tests/unit/lab`` tests the lab itself."""


def _twin(path: str) -> str:
    """Return the places of a module's unit tests."""
    folder, _, file = path.rpartition("/")
    if folder.startswith("apps/"):
        mirrored = f"tests/unit/{folder}"
    else:
        mirrored = re.sub(r"^ccfpy|^tests(?=/lab)", "tests/unit", folder)
    return f"{mirrored}/test_{file}"


def test_every_module_has_its_unit_test() -> None:
    tests = {module.path for module in modules("tests")}
    bare = []
    for module in SHIPPED + LAB:
        file = module.path.rpartition("/")[2]
        twin = _twin(module.path)
        if file.startswith("__") or module.path.startswith(COVERED_END_TO_END):
            continue
        if module.behaves and twin not in tests:
            bare.append(twin)
    assert not bare


def test_every_unit_test_has_its_module() -> None:
    """``test_y_topic.py`` belongs to module ``y`` as ``test_y.py`` does."""
    known = SHIPPED + SAMPLES + LAB
    twins = {_twin(module.path).removesuffix(".py") for module in known}
    orphans = []
    for module in modules("tests"):
        if not module.path.startswith("tests/unit/") or "/test_" not in module.path:
            continue
        words = module.path.removesuffix(".py").split("_")
        if twins.isdisjoint("_".join(words[: i + 1]) for i in range(len(words))):
            orphans.append(module.path)
    assert not orphans


def test_every_module_is_imported_by_another() -> None:
    used = {
        name for module in modules("ccfpy", "apps") for name in module.outline.imports
    } | ENTRIES
    unused = [
        module.path
        for module in SHIPPED
        if module.name not in used
        and not module.path.endswith("__init__.py")
        and not module.name.startswith(LIBRARIES)
    ]
    assert not unused


def test_every_package_says_what_it_is() -> None:
    silent = [
        module.path
        for module in (*SHIPPED, *modules("apps"), *LAB)
        if module.text.strip() and module.outline.docstring is None
    ]
    folders = {module.path.rpartition("/")[0] for module in SHIPPED + LAB}
    files = {module.path for module in SHIPPED + LAB}
    silent += [f for folder in folders if (f := f"{folder}/__init__.py") not in files]
    assert not silent

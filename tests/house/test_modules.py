"""Every module has a user and says what it is; every package has tests."""

from tests.house.tree import ROOT, modules

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
LAB = tuple(each for each in modules("tests") if each.path.startswith("tests/lab/"))
"""How we test nodes and services; ``tests/unit/lab`` tests the lab itself."""


def test_every_package_has_unit_tests() -> None:
    """Tests are named by topic, so a package has a folder of them."""
    packages = {module.path.split("/")[1] for module in SHIPPED}
    folders = ROOT / "tests/unit"
    untested = [
        package
        for package in packages
        if not package.endswith(".py") and not any(folders.glob(f"{package}/**/test_*"))
    ]
    assert not untested


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

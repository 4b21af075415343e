"""In trusted packages a class's name is unique, without the name of its module."""

from tests.house.sizes import shared_names
from tests.house.tree import Module, modules


def test_no_class_name_occurs_twice_in_trusted_packages() -> None:
    assert shared_names(modules("ccfpy")) == {}


def test_a_name_is_shared_by_classes_of_trusted_packages_alone() -> None:
    written = "class Outer:\n    class _Inner: ...\n"
    made = [
        Module(path=path, text=text)
        for path, text in (
            ("ccfpy/kv/store.py", written),
            ("ccfpy/crypto/ec.py", "class _Inner: ..."),
            ("ccfpy/cli/main.py", written),
        )
    ]
    assert shared_names(made) == {"_Inner": ["ccfpy/kv/store.py", "ccfpy/crypto/ec.py"]}

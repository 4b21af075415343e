"""In trusted packages a class is known by its name alone, without its module's."""

from tests.house.sizes import shared_names
from tests.house.tree import Module, modules

AWAITING_RENAME = frozenset(
    ("Answer", "Caller", "Primary", "Request", "Response", "_Place", "_Wait")
)
"""Names that still occur twice; remove each with the renaming of its lesser class."""


def test_no_class_name_occurs_twice_in_trusted_packages() -> None:
    shared = shared_names(modules("ccfpy"))
    assert {name: shared[name] for name in shared.keys() - AWAITING_RENAME} == {}


def test_no_name_is_excused_that_occurs_once() -> None:
    assert not AWAITING_RENAME - shared_names(modules("ccfpy")).keys()


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

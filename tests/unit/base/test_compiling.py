"""What the compiler is told."""

from ccfpy.base.compiling import mypyc_attr


def test_what_the_compiler_is_told_changes_nothing_else() -> None:
    class Kind:
        """Some class."""

    assert mypyc_attr(allow_interpreted_subclasses=True)(Kind) is Kind

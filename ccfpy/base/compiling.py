"""What the compiler is told about a class, where nothing else says it.

The compiler knows `mypyc_attr` by the name of the package that it is from. Only the
compiler and the type checker have this package; a node runs without it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_extensions import mypyc_attr
else:

    def mypyc_attr(**_: object) -> object:
        """Return a decorator that does nothing."""
        return lambda decorated: decorated


__all__ = ["keep_hints", "mypyc_attr"]


def keep_hints(kind: type, **hints: object) -> None:
    """Make fields of a compiled class keep the types that their source gives them.

    A compiled class has ``tuple`` where its source has ``tuple[bytes, ...]``, and the
    codecs are made from the full types.
    """
    vars(kind)["__annotations__"].update(hints)

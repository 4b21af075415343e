"""Classes that declare functions, and those that do not."""

from typing import Any, Protocol

import pytest

from ccfpy.toolkit.interfaces import Interface, InterfaceRefused
from ccfpy.toolkit.interfaces.declared import FUNCTIONS_MAX, functions_of


class _Declares(Protocol):
    async def f(self) -> None: ...


class _Nothing(Protocol):
    pass


class _NotAsync(Protocol):
    def f(self) -> int: ...


class _NoResult(Protocol):
    async def f(self): ...  # type: ignore[no-untyped-def]  # wrong on purpose  # noqa: ANN202


class _NoType(Protocol):
    async def f(self, a) -> None: ...  # type: ignore[no-untyped-def]  # wrong on purpose  # noqa: ANN001


class _Default(Protocol):
    async def f(self, a: int = 1) -> None: ...


class _Many(Protocol):
    async def f(self, *a: int) -> None: ...


class _Named(Protocol):
    async def f(self, **a: int) -> None: ...


class _NoSelf(Protocol):
    async def f() -> None: ...  # type: ignore[misc]  # wrong on purpose


class _Unbounded(Protocol):
    async def f(self, a: bytes) -> None: ...


class _UnboundedResult(Protocol):
    async def f(self) -> str: ...


class _Unknown(Protocol):
    async def f(self, a: "Nowhere") -> None: ...  # type: ignore[name-defined]  # wrong on purpose  # noqa: F821


class _Value:
    f = 3


class _Inherits(_Declares, Protocol):
    async def f(self) -> None: ...


@pytest.mark.parametrize(
    ("declaring", "reason"),
    [
        (_NotAsync, "_NotAsync.f is not a method that is async def"),
        (_Value, "_Value.f is not a method that is async def"),
        (_NoResult, "does not say what it returns"),
        (_NoType, "a has no type"),
        (_Default, "a has a default"),
        (_Many, r"\*a: int is not one parameter"),
        (_Named, r"\*\*a: int is not one parameter"),
        (_NoSelf, "does not take self"),
        (_Unbounded, "_Unbounded.f: bytes without a bound"),
        (_UnboundedResult, "_UnboundedResult.f: str without a bound"),
        (_Unknown, "a type that is not known: name 'Nowhere'"),
        (_Inherits, "inherits from _Declares; declare all in one place"),
        ("no class", "is no class of functions"),
    ],
)
def test_what_is_no_interface_is_refused_with_its_place(
    declaring: Any,  # noqa: ANN401  # wrong on purpose
    reason: str,
) -> None:
    with pytest.raises(InterfaceRefused, match=reason):
        Interface("wrong", trusted=declaring, untrusted=_Nothing)


@pytest.mark.slow
def test_one_side_has_so_many_functions_and_no_more() -> None:
    async def f(self: object) -> None:
        raise NotImplementedError

    members = {f"f{n}": f for n in range(FUNCTIONS_MAX + 1)}
    with pytest.raises(InterfaceRefused, match=f"more than {FUNCTIONS_MAX}"):
        functions_of(type("Many", (), members))
    del members["f0"]
    assert len(functions_of(type("Many", (), members))) == FUNCTIONS_MAX

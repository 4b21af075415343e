"""The place of an exception is reported without any of its values."""

from ccfpy.base.places import chain_of, places_of

SECRET = "a private value"


def _inner(value: str) -> None:
    raise KeyError(value)


def _outer(value: str) -> None:
    _inner(value)


def _caught(value: str) -> Exception:
    try:
        _outer(value)
    except KeyError as error:
        return error
    raise AssertionError("nothing was raised")


def test_places_begin_with_the_innermost() -> None:
    inner, outer, _ = places_of(_caught(SECRET), places_max=8).split(" < ")
    assert inner.endswith("test_places.py:9 _inner")
    assert outer.endswith("test_places.py:13 _outer")


def test_there_are_so_many_at_most() -> None:
    assert places_of(_caught(SECRET), places_max=1).endswith(":9 _inner")


def test_no_value_is_among_them() -> None:
    assert SECRET not in places_of(_caught(SECRET), places_max=8)


def test_a_chain_goes_from_an_exception_to_what_led_to_it() -> None:
    error, cause, context = ValueError(), KeyError(), OSError()
    error.__cause__, cause.__context__ = cause, context
    assert chain_of(error, links_max=8) == [error, cause, context]
    assert chain_of(error, links_max=2) == [error, cause]


def test_a_chain_leaves_out_what_was_hidden() -> None:
    error = ValueError()
    error.__context__, error.__suppress_context__ = KeyError(), True
    assert chain_of(error, links_max=8) == [error]


def test_an_interrupt_that_was_being_handled_ends_a_chain() -> None:
    error = ValueError()
    error.__context__ = KeyboardInterrupt()
    assert chain_of(error, links_max=8) == [error]


class _Equal(Exception):
    def __eq__(self, other: object) -> bool:
        raise AssertionError("an application's method is not asked")

    __hash__ = None  # type: ignore[assignment]  # as equality has it


def test_a_chain_may_be_a_ring_and_is_asked_nothing() -> None:
    first, second = _Equal(), _Equal()
    first.__context__, second.__context__ = second, first
    assert len(chain_of(first, links_max=8)) == 2

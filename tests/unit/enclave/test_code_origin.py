"""Whose code a line is, and where in a call the application's own code is."""

import statistics
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import orjson
import pytest

import ccfpy
from ccfpy.base.ports import Given, Result
from ccfpy.enclave.code_origin import CodeOrigin, origin_of, place_in_app

OURS = Path(ccfpy.__file__).parent


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (__file__, CodeOrigin.APP),
        ("/opt/somebody/app.py", CodeOrigin.APP),
        (f"{OURS}/share/apps/logging/app.py", CodeOrigin.APP),
        (f"{sysconfig.get_path('purelib')}/their_library/code.py", CodeOrigin.APP),
        (f"{OURS}/kv/tx.py", CodeOrigin.OURS),
        (f"{sysconfig.get_path('purelib')}/sortedcontainers/x.py", CodeOrigin.OURS),
        (orjson.__file__, CodeOrigin.OURS),
        ("<frozen importlib._bootstrap>", CodeOrigin.OURS),
        ("<string>", CodeOrigin.STANDARD),
        (statistics.__file__, CodeOrigin.STANDARD),
    ],
)
def test_whose_code_a_file_holds(file: str, expected: CodeOrigin) -> None:
    assert origin_of(file) is expected


def call(function: Callable[[Given], Result], given: Given) -> Result:
    return function(given)


OUTERMOST = frozenset({call.__code__})


def test_a_line_of_the_application_is_the_place() -> None:
    frame = call(lambda _: sys._getframe(), None)
    assert place_in_app(frame, OUTERMOST, is_patient=True) is frame
    assert place_in_app(frame, OUTERMOST, is_patient=False) is frame


def test_the_library_works_for_the_application_if_that_takes_too_long() -> None:
    places: list[FrameType | None] = []

    def ask(_: object) -> FrameType:
        me = sys._getframe()

        class Numbers:
            def __iter__(self) -> Iterator[int]:
                library = sys._getframe(1)
                places.append(place_in_app(library, OUTERMOST, is_patient=True))
                places.append(place_in_app(library, OUTERMOST, is_patient=False))
                return iter([1])

        statistics.mean(Numbers())
        return me

    me = call(ask, None)
    assert places == [None, me]


def test_a_function_of_the_library_that_was_handed_in_is_the_applications() -> None:
    places: list[object] = []

    class Numbers:
        def __iter__(self) -> Iterator[int]:
            library = sys._getframe(1)
            places.append(place_in_app(library, OUTERMOST, is_patient=True))
            places.append(place_in_app(library, OUTERMOST, is_patient=False) is library)
            return iter([1])

    call(statistics.mean, Numbers())  # type: ignore[arg-type]
    assert places == [None, True]


def test_what_made_the_call_is_not_the_applications() -> None:
    def look(_: object) -> FrameType | None:
        maker = sys._getframe(1)
        return place_in_app(maker, OUTERMOST, is_patient=False)

    assert call(look, None) is None

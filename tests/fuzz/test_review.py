"""Members are shown what there is: few tries in each run, and holes that are found.

``make fuzz-review SECONDS=3600`` tries for an hour, and asks the console's page, too.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.base.json import JsonObject, loads_object
from ccfpy.client.review import actions, characters, values
from ccfpy.client.review.values import as_text
from tests.attacks import attack
from tests.fuzz.review import tries as trying
from tests.fuzz.review.judge import Misled
from tests.fuzz.review.readers import Engine
from tests.fuzz.review.tries import Tries

TRIES = 100
TRIES_FOR_A_HOLE = 3_000
"""A hole shows within seconds."""
_PEM = re.compile(
    r"-----BEGIN ([A-Z0-9 ]+)-----\s*[A-Za-z0-9+/=\s]+?\s*-----END \1-----"
)


@pytest.mark.slow
@attack("gov: code between the lines of a certificate")
@attack("gov: a text that hides a part of itself from members")
@attack("gov: a text that looks like another to members")
def test_no_member_is_misled() -> None:
    tries = Tries(engine=Engine())
    for number in range(TRIES):
        tries.run(f"every run.{number}")
    tries.ask()
    assert tries.count == TRIES


def _search(tries: Tries) -> None:
    for number in range(TRIES_FOR_A_HOLE):
        tries.run(f"a hole.{number}")


def _decoded_anywhere(table: str, stored: bytes) -> str:
    """Show what looks like a certificate by its label, wherever it is."""
    del table
    return _PEM.sub("a block", as_text(stored))


def _shown_by_python(character: str) -> str:
    return "Common" if character.isprintable() else ""


def _unquoted(value: object, **_: object) -> str:
    return str(value)


def _as_words(before: str, after: str, **_: object) -> Any:  # noqa: ANN401  # as it has
    old, new = before.split(), after.split()
    lines = (*(f"-{word}" for word in old), *(f"+{word}" for word in new))
    return lines, len(new), len(old)


HOLES: tuple[tuple[object, str, Callable[..., object]], ...] = (
    (values, "shown_whole", _decoded_anywhere),
    (characters, "script", _shown_by_python),
    (actions, "shown_short", _unquoted),
    ("ccfpy.client.review.description", "compared", _as_words),
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "name", "hole"), HOLES, ids=("PEM", "characters", "values", "lines")
)
def test_a_hole_is_found(
    monkeypatch: pytest.MonkeyPatch,
    where: Any,  # noqa: ANN401  # a module, or its name
    name: str,
    hole: Callable[..., object],
) -> None:
    if isinstance(where, str):
        monkeypatch.setattr(f"{where}.{name}", hole)
    else:
        monkeypatch.setattr(where, name, hole)
    tries = Tries()
    with pytest.raises(Misled):
        _search(tries)


def _why_not(body: bytes) -> str:
    try:
        loads_object(body)
    except Malformed as error:
        return str(error)
    return ""


def _document(body: bytes) -> JsonObject:
    return {} if _why_not(body) else loads_object(body)


@pytest.mark.slow
def test_two_readers_of_json_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "why_not_shown", _why_not)
    monkeypatch.setattr(trying, "document_of", _document)
    tries = Tries(engine=Engine())
    with pytest.raises(Misled, match=r"read otherwise|engine refuses"):
        _search(tries)

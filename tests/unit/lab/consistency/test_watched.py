"""What watchers are told is the history of the keys, whole, in order and once."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.lab.consistency.properties import Inconsistent, Property
from tests.lab.consistency.watched import Kept, Known, Told, check_watched


def _put(revision: int, key: str, version: int = 1, created: int | None = None) -> Told:
    now = Kept(
        value=f"v{revision}",
        version=version,
        created=revision if created is None else created,
        modified=revision,
    )
    return Told(revision=revision, key=key, now=now)


TOLD = [
    _put(2, "a"),
    _put(3, "b"),
    _put(3, "c"),
    _put(4, "a", 2, 2),
    Told(revision=5, key="a", now=None),
    _put(6, "a"),
    _put(7, "b", 2, 3),
]
"""What happened."""
KEPT = {event.key: event.now for event in TOLD if event.now is not None}
KNOWN = Known(
    first=2, last=7, writes={2: ("a", "v2"), 7: ("b", "v7"), 8: ("a", "v8")}, kept=KEPT
)


def _broken(told: Sequence[Told], known: Known = KNOWN) -> Property:
    with pytest.raises(Inconsistent) as error:
        check_watched({"n0": told}, known)
    return error.value.broken


def test_what_all_watchers_were_told_is_what_happened() -> None:
    assert check_watched({"n0": TOLD, "n1": TOLD}, KNOWN) == 14


def test_what_is_told_beyond_the_last_read_is_not_looked_at() -> None:
    later = [*TOLD, _put(8, "z", 9)]
    assert check_watched({"n0": later, "n1": TOLD}, KNOWN) == 14


@pytest.mark.parametrize("revision", range(2, 8))
def test_no_revision_is_left_out(revision: int) -> None:
    told = [each for each in TOLD if each.revision != revision]
    assert _broken(told) is Property.WATCH_RELIABLE


def test_no_event_of_a_revision_is_left_out() -> None:
    told = [each for each in TOLD if (each.revision, each.key) != (3, "b")]
    assert _broken(told) is Property.WATCH_TRUE
    told = [each for each in TOLD if (each.revision, each.key) != (3, "c")]
    assert _broken(told) is Property.WATCH_TRUE


def test_an_event_that_a_version_shows_to_be_lost_is_missed() -> None:
    told = [_put(2, "a"), _put(3, "a", 3, 2)]
    known = Known(first=2, last=3, writes={}, kept={})
    assert _broken(told, known) is Property.WATCH_RELIABLE


def test_no_revision_is_told_twice() -> None:
    assert _broken([*TOLD[:4], *TOLD[3:]]) is Property.WATCH_UNIQUE
    assert _broken([*TOLD, TOLD[-1]]) is Property.WATCH_UNIQUE


def test_a_watcher_that_begins_too_early_again_is_told_twice() -> None:
    assert _broken([*TOLD[:4], *TOLD[1:]]) is Property.WATCH_ORDERED


def test_revisions_come_in_their_order() -> None:
    told = [*TOLD[:5], TOLD[6], TOLD[5]]
    assert _broken(told) is Property.WATCH_RELIABLE
    assert (
        _broken([*TOLD[:5], TOLD[5], _put(4, "d"), TOLD[6]]) is Property.WATCH_ORDERED
    )


def test_each_watcher_is_told_what_was_written() -> None:
    assert KEPT["a"] is not None
    changed = replace(TOLD[0], now=Kept("other", 1, 2, 2))
    assert _broken([changed, *TOLD[1:]]) is Property.WATCH_TRUE
    elsewhere = replace(TOLD[0], key="d")
    assert _broken([elsewhere, *TOLD[1:]]) is Property.WATCH_TRUE
    known = replace(KNOWN, writes={6: ("b", "v6")})
    assert _broken(TOLD, known) is Property.WATCH_RELIABLE


def test_a_key_that_is_not_there_is_not_deleted() -> None:
    told = [*TOLD[:5], Told(revision=6, key="a", now=None), TOLD[6]]
    assert _broken(told) is Property.WATCH_TRUE


def test_the_last_read_shows_what_was_told() -> None:
    for key, now in (("c", None), ("d", KEPT["a"])):
        kept = {name: each for name, each in {**KEPT, key: now}.items() if each}
        assert _broken(TOLD, replace(KNOWN, kept=kept)) is Property.WATCH_TRUE


def test_watchers_are_told_the_same_in_the_same_order() -> None:
    other = [TOLD[0], TOLD[2], TOLD[1], *TOLD[3:]]
    with pytest.raises(Inconsistent) as error:
        check_watched({"n0": TOLD, "n1": other}, KNOWN)
    assert error.value.broken is Property.WATCH_TRUE

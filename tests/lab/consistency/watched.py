"""What watchers of all keys of etcd were told, and the history that it must be.

A watcher may have begun again many times, each time after the last revision that it
knew. What it was told, put together, is the history of the keys: every revision in its
order, and of each every event once. Nothing else has to be recorded to see a loss, as
revisions have no gaps and each key counts its own changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from operator import attrgetter
from typing import NamedTuple

from tests.lab.consistency.properties import Inconsistent, Property


class Kept(NamedTuple):
    """A key as a revision left it.

    Attributes:
        value: what it holds.
        version: how many changes it has had since it was created.
        created: the revision that created it.
        modified: the revision of its last change.
    """

    value: str
    version: int
    created: int
    modified: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event, as a watcher was told it.

    Attributes:
        revision: that the event is of.
        key: what changed.
        now: what the key is since then; nothing if it was deleted.
    """

    revision: int
    key: str
    now: Kept | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the keys otherwise.

    Attributes:
        first: the revision that watchers were to be told of first, before which there
            was no key.
        last: the revision of the last read.
        writes: key and value of the writes that were answered, by their revisions.
        kept: what the last read showed.
    """

    first: int
    last: int
    writes: Mapping[int, tuple[str, str]]
    kept: Mapping[str, Kept]


def check_watched(watchers: Mapping[str, Sequence[Told]], known: Known) -> int:
    """Check what each watcher was told; return how many events that was.

    What a watcher was told beyond the last read is not looked at.

    Raises:
        Inconsistent: an event is missing, came twice or out of order, or is not what
            happened.
    """
    heard = {
        name: [each for each in told if each.revision <= known.last]
        for name, told in watchers.items()
    }
    for name, told in heard.items():
        _check_revisions(name, told, known)
        _check_truth(name, told, known)
    _check_same(heard)
    return sum(map(len, heard.values()))


def _check_revisions(name: str, told: Sequence[Told], known: Known) -> None:
    """Check that every revision was told, in order, and no event of one twice."""
    due = known.first
    for revision, events in _by_revision(told):
        if revision > due:
            raise Inconsistent(
                Property.WATCH_RELIABLE,
                f"watcher {name} was told of revision {revision} and not of {due}",
            )
        if revision < due:
            # Of a revision that is told twice all events are told again.
            again = revision == due - 1
            raise Inconsistent(
                Property.WATCH_UNIQUE if again else Property.WATCH_ORDERED,
                f"watcher {name} was told of revision {revision} after {due - 1}",
            )
        keys = [event.key for event in events]
        if len(set(keys)) != len(keys):
            raise Inconsistent(
                Property.WATCH_UNIQUE,
                f"watcher {name} was told twice of a key in revision {revision}",
            )
        due = revision + 1
    if due <= known.last:
        raise Inconsistent(
            Property.WATCH_RELIABLE,
            f"watcher {name} was told of nothing from revision {due} to {known.last}",
        )


def _check_truth(name: str, told: Sequence[Told], known: Known) -> None:
    """Check that each event follows from those before it, and is what was written."""
    keys: dict[str, Kept] = {}
    for event in told:
        before = keys.pop(event.key, None)
        now = event.now
        expected = _expected(before, event.revision)
        if now is None:
            if before is None:
                raise _untrue(name, event, "the key was not there")
            continue
        if (now.version, now.created, now.modified) != expected:
            lost = before is not None and now.version > before.version + 1
            raise Inconsistent(
                Property.WATCH_RELIABLE if lost else Property.WATCH_TRUE,
                f"watcher {name} was told of {event}, and before it of {before}",
            )
        keys[event.key] = now
    changed = {(each.revision, each.key): each.now for each in told}
    for revision, (key, value) in known.writes.items():
        if revision > known.last:
            continue
        now = changed.get((revision, key))
        if now is None or now.value != value:
            raise Inconsistent(
                Property.WATCH_RELIABLE if now is None else Property.WATCH_TRUE,
                f"watcher {name} was told of {now}, where {key} was set to "
                f"{value} in revision {revision}",
            )
    if keys != known.kept:
        wrong = min(
            key
            for key in keys.keys() | known.kept.keys()
            if keys.get(key) != known.kept.get(key)
        )
        raise Inconsistent(
            Property.WATCH_TRUE,
            f"by what watcher {name} was told {wrong} is {keys.get(wrong)}, and "
            f"by the last read {known.kept.get(wrong)}",
        )


def _expected(before: Kept | None, revision: int) -> tuple[int, int, int]:
    """Return the version and the revisions of a key after its next change."""
    if before is None:
        return 1, revision, revision
    return before.version + 1, before.created, revision


def _untrue(name: str, event: Told, why: str) -> Inconsistent:
    return Inconsistent(
        Property.WATCH_TRUE, f"watcher {name} was told of {event}, and {why}"
    )


def _check_same(heard: Mapping[str, Sequence[Told]]) -> None:
    """Check that all watchers were told the same, in the same order."""
    names = list(heard)
    for name in names[1:]:
        for one, other in zip_longest(heard[names[0]], heard[name]):
            if one != other:
                raise Inconsistent(
                    Property.WATCH_TRUE,
                    f"watcher {names[0]} was told of {one}, and {name} of {other}",
                )


def _by_revision(told: Sequence[Told]) -> Iterator[tuple[int, list[Told]]]:
    for revision, events in groupby(told, key=attrgetter("revision")):
        yield revision, list(events)

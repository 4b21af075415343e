"""The host keeps blobs that it cannot read, and cannot give others in their place."""

from collections.abc import Callable

import pytest

from ccfpy.base import limits
from ccfpy.boundary.effects import ReadBlob
from ccfpy.boundary.events import BlobRead
from ccfpy.node.indexing import SealedBlobs
from ccfpy.testing.entropy import SeededEntropy
from tests.attacks import attack
from tests.unit.node.calling import app_code
from tests.unit.node.indexing.shelf import Shelf

SECRET = b"who wrote when"
Heard = list[bytes | None]


def test_what_was_kept_comes_back() -> None:
    shelf, heard = Shelf(), Heard()
    series = shelf.blobs.begin()
    series.store("a", SECRET)
    series.store("b", b"")
    assert series.fetch("a", heard.append)
    assert series.fetch("b", heard.append)
    assert not heard
    shelf.work()
    assert heard == [SECRET, b""]
    assert shelf.news == 2
    assert not shelf.logs


def test_the_host_sees_neither_names_nor_contents() -> None:
    shelf = Shelf()
    shelf.blobs.begin().store("name", SECRET)
    shelf.work()
    ((key, data),) = shelf.host.blobs.items()
    assert SECRET not in data
    assert b"name" not in bytes.fromhex(key[1])
    assert "name" not in key[1]


@attack("nonce: two files of an index")
def test_the_same_content_never_looks_the_same() -> None:
    shelf = Shelf()
    series = shelf.blobs.begin()
    for name in ("a", "b"):
        series.store(name, SECRET)
    shelf.work()
    one, other = shelf.host.blobs.values()
    assert one != other
    assert one[:12] != other[:12]


Lie = Callable[[dict[tuple[int, str], bytes]], None]


def _swap(blobs: dict[tuple[int, str], bytes]) -> None:
    """Return another blob of the same series."""
    (one, a), (other, b), *_ = blobs.items()
    blobs[one], blobs[other] = b, a


def _stale(blobs: dict[tuple[int, str], bytes]) -> None:
    """Return what an earlier series had under that name."""
    one, _, (_, earlier) = blobs.items()
    blobs[one[0]] = earlier


def _empty(blobs: dict[tuple[int, str], bytes]) -> None:
    blobs.update(dict.fromkeys(blobs, b""))


def _cut(blobs: dict[tuple[int, str], bytes]) -> None:
    blobs.update({key: data[:-1] for key, data in blobs.items()})


def _lose(blobs: dict[tuple[int, str], bytes]) -> None:
    blobs.clear()


@pytest.mark.parametrize("lie", [_swap, _stale, _empty, _cut, _lose])
def test_what_is_not_the_blob_is_refused(lie: Lie) -> None:
    shelf, heard = Shelf(), Heard()
    earlier, series = shelf.blobs.begin(), shelf.blobs.begin()
    series.store("a", SECRET)
    series.store("b", b"another")
    earlier.store("a", b"what was true before")
    shelf.take()
    lie(shelf.host.blobs)
    series.fetch("a", heard.append)
    shelf.work()
    assert heard == [None]
    shelf.take()
    assert len(shelf.logs) == 1


def test_no_byte_of_a_blob_can_be_changed() -> None:
    shelf, heard = Shelf(), Heard()
    series = shelf.blobs.begin()
    series.store("a", b"short")
    shelf.take()
    ((key, data),) = shelf.host.blobs.items()
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1
        shelf.host.blobs[key] = bytes(changed)
        series.fetch("a", heard.append)
        shelf.work()
    assert heard == [None] * len(data)


def test_another_run_cannot_open_them() -> None:
    shelf, heard = Shelf(), Heard()
    series = shelf.blobs.begin()
    series.store("a", SECRET)
    shelf.take()
    (data,) = shelf.host.blobs.values()
    later = SealedBlobs(
        entropy=SeededEntropy(4),
        outbox=shelf.outbox,
        news=lambda: None,
        app=app_code(shelf.outbox),
    )
    assert later.begin().fetch("a", heard.append)
    (asked,) = shelf.take()
    assert isinstance(asked, ReadBlob)
    later.answered(BlobRead(request=asked.request, data=data))
    assert heard == [None]


def test_only_so_many_are_asked_for_at_once() -> None:
    shelf, heard = Shelf(), Heard()
    series = shelf.blobs.begin()
    series.store("a", SECRET)
    for _ in range(limits.BLOB_READS_MAX):
        assert series.fetch("a", heard.append)
    assert not series.fetch("a", heard.append)
    shelf.work()
    assert len(heard) == limits.BLOB_READS_MAX
    assert series.fetch("a", heard.append)


def test_of_a_forgotten_series_nothing_is_expected_nor_kept() -> None:
    shelf, heard = Shelf(), Heard()
    series, other = shelf.blobs.begin(), shelf.blobs.begin()
    series.store("a", SECRET)
    other.store("a", b"stays")
    series.fetch("a", heard.append)
    other.fetch("a", heard.append)
    asked = shelf.take()
    series.forget()
    for effect in asked:
        assert isinstance(effect, ReadBlob)
        shelf.blobs.answered(shelf.host.read(effect))
    shelf.take()
    assert heard == [b"stays"]
    assert len(shelf.host.blobs) == 1


def test_an_answer_to_nothing_is_ignored() -> None:
    shelf = Shelf()
    shelf.blobs.answered(BlobRead(request=1, data=b"x"))
    assert shelf.take() == []


def test_who_keeps_nothing_costs_nothing() -> None:
    """Not even randomness, so that a node without such indexes is as it was."""
    shelf = Shelf()
    shelf.blobs.begin().forget()
    assert shelf.outbox.take() == []

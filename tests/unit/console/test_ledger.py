"""A ledger's folder is followed: up to where it verifies, in a sentence."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from ccfpy.audit.auditor import Damage
from ccfpy.audit.chunks import find_chunks
from ccfpy.base.errors import Malformed
from ccfpy.console.explorer import Explorer
from ccfpy.console.folders import Ledger, database_name, headline
from ccfpy.console.ledger_answers import LedgerView
from tests.unit.audit.made import written
from tests.unit.audit.test_indexing import change_byte
from tests.unit.audit.test_verification import long_ledger
from tests.unit.ledger.made import SECOND

VIEW = LedgerView(
    folders=("ledger",),
    files=1,
    bytes_all=10 << 20,
    bytes_left=0,
    last_seqno=1200,
    last_verified=1200,
    service="ab",
    is_another_service=False,
    damage=(),
    maps=(),
    trouble="",
)


DEADLINE_S = 20.0
CHANGES = 20


def _ledger(folder: Path, service: str | None = None) -> Ledger:
    return Ledger(
        folders=[folder],
        database=folder.parent / "index.db",
        service=service,
        processes=1,
    )


def followed(ledger: Ledger, until: int = 1) -> list[LedgerView]:
    """Follow a ledger until it was read so often."""
    stop = threading.Event()
    seen: list[LedgerView] = []

    def publish(view: LedgerView) -> None:
        seen.append(view)
        if sum(1 for each in seen if not each.bytes_left) >= until:
            stop.set()

    ledger.follow(publish, stop)
    return seen


def test_a_ledger_is_read_file_by_file(tmp_path: Path) -> None:
    ledger = _ledger(written(long_ledger(), tmp_path / "ledger"))
    seen = followed(ledger)
    left = [view.bytes_left for view in seen]
    assert left == sorted(left, reverse=True)
    assert len(set(left)) > 3
    last = seen[-1]
    assert last.service == SECOND.certificate.digest_hex
    assert headline(last) == (
        f"{last.last_verified} transactions verified, 1 after the last signature"
    )
    assert last.maps


def test_a_ledger_that_was_read_is_not_read_again(tmp_path: Path) -> None:
    ledger = _ledger(written(long_ledger(), tmp_path / "ledger"))
    first = followed(ledger)[-1]
    again = followed(ledger)
    assert again[0].bytes_left < first.bytes_all / 2
    assert again[-1] == first


def test_a_console_that_ended_amid_reading_goes_on_where_it_was(
    tmp_path: Path,
) -> None:
    ledger = _ledger(written(long_ledger(), tmp_path / "ledger"))
    stop = threading.Event()
    seen: list[LedgerView] = []

    def end_amid(view: LedgerView) -> None:
        seen.append(view)
        if 0 < view.bytes_left < seen[0].bytes_left:
            stop.set()

    ledger.follow(end_amid, stop)
    left = seen[-1].bytes_left
    again = followed(ledger)
    assert 0 < again[0].bytes_left <= left < seen[0].bytes_left
    assert headline(again[-1]).startswith(f"{again[-1].last_verified} transactions")


@pytest.mark.slow
def test_a_ledger_that_grows_is_followed(tmp_path: Path) -> None:
    folder = written(long_ledger(), tmp_path / "ledger")
    later = [chunk.path for chunk in find_chunks([folder])][2:]
    aside = tmp_path / "aside"
    aside.mkdir()
    for path in later:
        path.rename(aside / path.name)
    stop = threading.Event()
    seen: list[LedgerView] = []

    def grow(view: LedgerView) -> None:
        if view.bytes_left:
            return
        seen.append(view)
        for path in later if len(seen) == 1 else []:
            (aside / path.name).rename(path)
        if view.last_seqno > seen[0].last_seqno:
            stop.set()

    deadline = threading.Timer(DEADLINE_S, stop.set)
    deadline.start()
    _ledger(folder).follow(grow, stop)
    deadline.cancel()
    assert seen[0].last_seqno < seen[-1].last_seqno
    assert not seen[-1].damage


def test_damage_is_shown_where_it_is(tmp_path: Path) -> None:
    folder = written(long_ledger(), tmp_path / "ledger")
    changed = sorted(folder.iterdir())[1]
    change_byte(changed, changed.stat().st_size // 2)
    view = followed(_ledger(folder))[-1]
    (damage,) = view.damage
    assert headline(view).startswith("damaged: ")
    assert headline(view).endswith("Nothing after it is vouched for")
    assert "verified" not in headline(view)
    assert damage.file in headline(view)
    assert view.last_verified < view.last_seqno


def test_a_file_that_changes_after_it_was_verified_is_read_again(
    tmp_path: Path,
) -> None:
    folder = written(long_ledger(), tmp_path / "ledger")
    assert not followed(_ledger(folder))[-1].damage
    changed = min(folder.iterdir())
    change_byte(changed, changed.stat().st_size // 2)
    view = followed(_ledger(folder))[-1]
    assert [each.file for each in view.damage] == [changed.name]
    assert "verified" not in headline(view)


def test_a_file_that_is_taken_away_after_it_was_verified_is_missed(
    tmp_path: Path,
) -> None:
    folder = written(long_ledger(), tmp_path / "ledger")
    assert not followed(_ledger(folder))[-1].damage
    chunks = [chunk.path for chunk in find_chunks([folder])]
    chunks[1].unlink()
    view = followed(_ledger(folder))[-1]
    assert view.damage
    assert "verified" not in headline(view)


def test_a_page_is_answered_while_files_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read is forgotten again and again, amid the page's questions."""
    monkeypatch.setattr("ccfpy.console.folders.LOOK_EACH_S", 0.0)
    folder = written(long_ledger(), tmp_path / "ledger")
    ledger = _ledger(folder)
    followed(ledger)
    chunk = min(folder.iterdir())
    whole = chunk.read_bytes()
    stop = threading.Event()
    seen: list[LedgerView] = []

    def change(view: LedgerView) -> None:
        if view.bytes_left:
            return
        seen.append(view)
        chunk.write_bytes(whole if view.damage else whole[: len(whole) // 2])
        if len(seen) >= CHANGES:
            stop.set()

    def ask() -> int:
        explorer, asked = Explorer(ledger.database), 0
        while not stop.is_set():
            explorer.transactions(after=0)
            asked += 1
        return asked

    with ThreadPoolExecutor() as threads:
        asking = [threads.submit(ask) for _ in range(2)]
        try:
            ledger.follow(change, stop)
        finally:
            stop.set()
        assert all(each.result() for each in asking)
    assert {bool(view.damage) for view in seen} == {True, False}
    assert {view.trouble for view in seen} == {""}


def test_what_is_no_index_is_kept_and_the_remedy_said(tmp_path: Path) -> None:
    ledger = _ledger(tmp_path / "ledger")
    ledger.database.write_bytes(b"something else" * 100)
    with pytest.raises(Malformed, match=r"no index of a ledger: .*once you remove it"):
        ledger.explorer()
    assert ledger.database.read_bytes() == b"something else" * 100


def test_an_index_that_cannot_be_kept_is_trouble_until_it_can(tmp_path: Path) -> None:
    folder = written(long_ledger(), tmp_path / "ledger")
    cache = tmp_path / "cache"
    ledger = replace(_ledger(folder), database=cache / "index.db")
    stop = threading.Event()
    seen: list[LedgerView] = []

    def make_room(view: LedgerView) -> None:
        seen.append(view)
        cache.mkdir(exist_ok=True)
        if view.last_verified and not view.bytes_left:
            stop.set()

    ledger.follow(make_room, stop)
    assert headline(seen[0]).startswith("the ledger could not be read: ")
    assert "transactions verified" in headline(seen[-1])


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("how", ["change", "truncate", "remove"])
def test_nothing_is_verified_in_a_ledger_that_was_tampered_with(
    tmp_path: Path, number: int, how: str
) -> None:
    folder = written(long_ledger(), tmp_path / "ledger")
    chunk = [each.path for each in find_chunks([folder])][number]
    size = chunk.stat().st_size
    if how == "change":
        change_byte(chunk, size // 2)
    elif how == "truncate":
        os.truncate(chunk, size // 2)
    else:
        chunk.unlink()
    view = followed(_ledger(folder))[-1]
    assert view.damage
    assert "verified" not in headline(view)


def test_another_service_is_said_to_be_another(tmp_path: Path) -> None:
    folder = written(long_ledger(), tmp_path / "ledger")
    view = followed(_ledger(folder, "00" * 32))[-1]
    assert headline(view).endswith(
        ", of another service than the one that this console trusts"
    )
    same = _ledger(folder, SECOND.certificate.digest_hex)
    assert not followed(same)[-1].is_another_service


def test_folders_that_cannot_be_read_are_trouble(tmp_path: Path) -> None:
    view = followed(_ledger(tmp_path / "absent"))[-1]
    assert headline(view).startswith("the ledger could not be read: ")
    (tmp_path / "empty").mkdir()
    view = followed(_ledger(tmp_path / "empty"))[-1]
    assert headline(view) == "there is no ledger in these folders"


DAMAGE = Damage(file="ledger_1-9", position=1234, seqno=5, reason="it was changed")


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (VIEW, "1,200 transactions verified"),
        (
            replace(VIEW, bytes_left=8 << 20),
            "reading: 2 of 10 MiB, nothing wrong so far",
        ),
        (
            replace(VIEW, damage=(DAMAGE,), bytes_left=1),
            (
                "damaged: transaction 5, ledger_1-9 at byte 1,234: it was changed. "
                "Nothing after it is vouched for"
            ),
        ),
        (
            replace(VIEW, damage=(replace(DAMAGE, seqno=None),)),
            (
                "damaged: ledger_1-9 at byte 1,234: it was changed. "
                "Nothing after it is vouched for"
            ),
        ),
    ],
)
def test_the_headline_is_one_verdict(view: LedgerView, said: str) -> None:
    assert headline(view) == said


def test_an_index_is_of_its_folders(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    assert database_name([one]) == database_name([tmp_path / "x" / ".." / "one"])
    assert database_name([one]) != database_name([other])
    assert database_name([one, other]) != database_name([one])

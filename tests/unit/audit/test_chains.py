"""Histories are found in piles of files, in whatever folders and pieces they lie."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.audit.chains import Chain, ChainSearch, Signers, without_copies
from ccfpy.audit.inspection import lineage
from ccfpy.audit.repair import all_chunks, digest_of
from ccfpy.audit.tail import Salvaged
from ccfpy.ledger.chunk import ChunkName, header
from ccfpy.ledger.open_chunk import OpenChunk
from tests.unit.audit.made import written
from tests.unit.ledger.made import (
    FIRST,
    SECOND,
    MadeLedger,
    recovered_ledger,
    small_ledger,
)


def chains(*folders: Path) -> list[Chain]:
    distinct, _ = without_copies(all_chunks(folders), digest_of)
    return sorted(ChainSearch(chunks=distinct).chains(), key=lambda chain: chain.last)


def data_of(chain: Chain) -> list[bytes]:
    """Read a chain's entries."""
    found = []
    for segment in chain.segments:
        salvaged = Salvaged.of(segment.chunk.name, segment.chunk.path.read_bytes())
        found += [
            salvaged.data[salvaged.stop(seqno - 1) : salvaged.stop(seqno)]
            for seqno in range(segment.first, segment.last + 1)
        ]
    return found


def piece(ledger: MadeLedger, first: int, last: int, folder: Path) -> None:
    """Write some entries as a file, complete and uncommitted."""
    chunk = OpenChunk(first)
    held = b""
    for entry in ledger.entries[first - 1 : last]:
        chunk.append(len(entry.data))
        held += entry.data
    name, table, head = chunk.close()
    (folder / str(name)).write_bytes(head + held + table)


def test_a_sound_ledger_is_one_chain(tmp_path: Path) -> None:
    ledger = recovered_ledger()
    (chain,) = chains(written(ledger, tmp_path / "ledger"))
    assert data_of(chain) == [entry.data for entry in ledger.entries]
    assert all(segment.is_whole for segment in chain.segments)
    assert [each.digest_hex for each in chain.identities] == [
        FIRST.certificate.digest_hex,
        SECOND.certificate.digest_hex,
    ]
    assert chain.service == SECOND.certificate
    assert (chain.first, chain.status, chain.tails) == (1, "Open", [])


@pytest.mark.slow
@settings(max_examples=25)
@given(st.data())
def test_pieces_that_overlap_anyhow_are_put_together(data: st.DataObject) -> None:
    """As long as each signature is in a piece that begins after one in another."""
    ledger = small_ledger()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for first, last in ((1, 2), (3, 5), (6, 8), (9, 10)):
            begin = data.draw(st.integers(1, first))
            end = data.draw(st.integers(last, 10))
            place = folder / str(data.draw(st.integers(0, 3)))
            place.mkdir(exist_ok=True)
            piece(ledger, begin, end, place)
        (chain,) = chains(*folder.iterdir())
        assert data_of(chain) == [entry.data for entry in ledger.entries]


def test_two_services_in_one_folder_are_two_chains(tmp_path: Path) -> None:
    one = small_ledger()
    two = MadeLedger(identity=SECOND)
    two.put(SECOND.create())
    two.sign(close=True)
    two.say("elsewhere")
    two.sign()
    folder = written(one, tmp_path / "ledger")
    written(two, folder)
    shorter, longer = chains(folder)
    assert data_of(shorter) == [entry.data for entry in two.entries]
    assert data_of(longer) == [entry.data for entry in one.entries]
    assert shorter.service == SECOND.certificate


def test_a_fork_is_told_both_ways(tmp_path: Path) -> None:
    one, two = small_ledger(), small_ledger()
    one.say("on the primary that was cut off")
    one.sign()
    two.view = 3
    two.say("on its successor")
    two.sign()
    two.say("and more")
    two.sign()
    old, new = chains(written(one, tmp_path / "one"), written(two, tmp_path / "two"))
    assert (str(old.last), str(new.last)) == ("2.12", "3.14")
    assert data_of(new) == [entry.data for entry in two.entries]


def test_another_nodes_file_helps_where_one_is_damaged(tmp_path: Path) -> None:
    ledger = small_ledger()
    folders = [written(ledger, tmp_path / name) for name in ("a", "b", "c")]
    names = ["ledger_1-5.committed", "ledger_6-8.committed", "ledger_9"]
    for folder, name in zip(folders, names, strict=True):
        path = folder / name
        broken = bytearray(path.read_bytes())
        broken[60] ^= 4
        path.write_bytes(broken)
    (chain,) = chains(*folders)
    assert data_of(chain) == [entry.data for entry in ledger.entries]


def test_what_is_after_the_last_signature_is_told(tmp_path: Path) -> None:
    ledger = small_ledger()
    ledger.say("unsigned")
    folder = written(ledger, tmp_path / "ledger")
    with (folder / "ledger_9").open("ab") as file:
        file.write(b"\1\0torn")
    (chain,) = chains(folder)
    (tail,) = chain.tails
    assert (tail.last, tail.torn_bytes, tail.damage) == (11, 6, None)


def test_a_committed_file_is_kept_of_two_with_the_same_content(tmp_path: Path) -> None:
    folder = written(small_ledger(), tmp_path / "ledger")
    path = folder / "ledger_6-8.committed"
    (folder / "ledger_6-8").write_bytes(path.read_bytes())
    kept, copies = without_copies(all_chunks([folder]), digest_of)
    assert [str(chunk.name) for chunk in kept] == [
        "ledger_1-5.committed",
        "ledger_6-8.committed",
        "ledger_9",
    ]
    assert {str(a.name): str(b.name) for a, b in copies.items()} == {
        "ledger_6-8": "ledger_6-8.committed"
    }


def test_an_open_file_without_entries_is_no_matter(tmp_path: Path) -> None:
    folder = written(small_ledger(), tmp_path / "ledger")
    (folder / "ledger_11").write_bytes(header(0))
    (chain,) = chains(folder)
    assert (chain.last.seqno, chain.tails) == (10, [])


def salvaged(ledger: MadeLedger, at: int) -> Salvaged:
    file = ledger.files()[at]
    return Salvaged.of(ChunkName.parse(file.name), file.read())


def test_a_file_is_its_signers_services(tmp_path: Path) -> None:
    ledger = small_ledger()
    (chain,) = ChainSearch(
        chunks=all_chunks([written(ledger, tmp_path / "a")])
    ).chains()
    signers = Signers.of(lineage(chain), chain)
    assert signers.signed(salvaged(ledger, 1))
    stranger = MadeLedger(identity=SECOND)
    stranger.put(SECOND.create())
    stranger.sign()
    assert not signers.signed(salvaged(stranger, 0))


def test_a_file_without_a_signature_is_nobodys(tmp_path: Path) -> None:
    ledger = small_ledger()
    (chain,) = ChainSearch(
        chunks=all_chunks([written(ledger, tmp_path / "a")])
    ).chains()
    unsigned = MadeLedger()
    unsigned.put({"public:log": {b"1": b"x"}})
    assert not Signers.of(lineage(chain), chain).signed(salvaged(unsigned, 0))

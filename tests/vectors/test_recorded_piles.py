"""The reports on recorded services whose files are missing, renamed or damaged.

Each test removes, renames or damages files of a service that CCF recorded.
``tests/e2e/test_recover_command.py`` recovers these services from their complete files.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ccfpy.audit.discovery import find
from ccfpy.audit.inspection import OF_EARLIER_IDENTITY, Inspection, Role, inspect
from ccfpy.audit.readers import Readers
from ccfpy.ledger.chunk import ChunkName

Pile = Callable[[str], Path]


@pytest.fixture
def pile(ccf_services: Path, tmp_path: Path) -> Pile:
    """Copy the files of a service: ``ledger`` and ``snapshots``."""

    def copied(name: str) -> Path:
        for kind in ("ledger", "snapshots"):
            shutil.copytree(ccf_services / name / kind, tmp_path / kind)
        return tmp_path

    return copied


def look(folder: Path) -> Inspection:
    return inspect(find([folder]), Readers())


def without_chunks_before(folder: Path, seqno: int) -> None:
    for path in (folder / "ledger").iterdir():
        last = ChunkName.parse(path.name).last
        if last is not None and last < seqno:
            path.unlink()


def troubles(found: Inspection) -> dict[str, str | None]:
    return {each.path.name: each.trouble for each in found.refused}


def test_a_snapshot_of_an_identity_before_is_not_begun_with(pile: Pile) -> None:
    """No node does, nor CCF's: it is told who was lost, and not who was before."""
    folder = pile("sgx_service")
    (service,) = look(folder).services
    assert [each.name.seqno for each in service.snapshots] == [138]
    damaged = folder / "snapshots/snapshot_138_139.committed"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    found = look(folder)
    (service,) = found.services
    assert not service.snapshots
    assert service.can_begin
    assert str(service.chain.last) == "8.153"
    refused = troubles(found)
    assert refused.pop("snapshot_99_100.committed") == OF_EARLIER_IDENTITY
    (damage,) = refused.values()
    assert damage is not None
    assert damage.startswith("not JSON")


def test_without_the_files_before_such_a_snapshot_no_node_can_begin(
    pile: Pile,
) -> None:
    folder = pile("sgx_service")
    (folder / "snapshots/snapshot_138_139.committed").unlink()
    without_chunks_before(folder, 100)
    found = look(folder)
    (service,) = found.services
    assert service.chain.first == 100
    assert not service.can_begin
    assert service.is_whole
    assert troubles(found) == {"snapshot_99_100.committed": OF_EARLIER_IDENTITY}


@pytest.mark.parametrize(
    ("name", "begins", "ends"),
    [("eol_service", 494, "10.500"), ("sgx_service", 139, "8.153")],
)
def test_its_last_snapshot_makes_up_for_all_before_it(
    pile: Pile, name: str, begins: int, ends: str
) -> None:
    folder = pile(name)
    without_chunks_before(folder, begins)
    (service,) = look(folder).services
    assert service.chain.first == begins
    assert service.can_begin
    assert str(service.chain.last) == ends
    shutil.rmtree(folder / "ledger")
    (service,) = look(folder).services
    assert service.can_begin
    assert service.chain.last.seqno == begins - 1


def test_a_ledger_without_any_snapshot_will_do(pile: Pile) -> None:
    folder = pile("eol_service")
    shutil.rmtree(folder / "snapshots")
    (service,) = look(folder).services
    assert service.can_begin
    assert (service.chain.first, str(service.chain.last)) == (1, "10.500")


def test_no_name_need_say_that_a_file_is_committed(pile: Pile) -> None:
    folder = pile("eol_service")
    for path in list((folder / "ledger").glob("*.committed")):
        path.rename(path.with_suffix(""))
    (service,) = look(folder).services
    assert (service.chain.first, str(service.chain.last)) == (1, "10.500")
    assert service.committed == 0
    assert service.is_whole


@pytest.mark.parametrize("suffix", [".ignored", ".recovery"])
def test_what_a_node_set_aside_is_left_aside(pile: Pile, suffix: str) -> None:
    folder = pile("eol_service")
    path = folder / "ledger/ledger_494"
    path.rename(path.with_name(path.name + suffix))
    found = look(folder)
    (service,) = found.services
    assert service.chain.last.seqno == 493
    aside = found.set_aside if suffix == ".ignored" else found.provisional
    assert [each.name for each in aside] == [f"ledger_494{suffix}"]


def test_an_end_that_is_cut_off_ends_with_the_last_signature(pile: Pile) -> None:
    folder = pile("eol_service")
    path = folder / "ledger/ledger_494"
    path.write_bytes(path.read_bytes()[:-5])
    (service,) = look(folder).services
    assert str(service.chain.last) == "10.497"
    assert (service.first_lost, service.last_named) == (498, 499)
    assert service.is_whole


def test_a_gap_before_the_last_snapshot_costs_nothing_but_history(pile: Pile) -> None:
    folder = pile("eol_service")
    (folder / "ledger/ledger_300-321.committed").unlink()
    (service,) = look(folder).services
    assert (service.chain.first, str(service.chain.last)) == (494, "10.500")
    assert {each.role for each in service.files} == {Role.BEFORE, Role.TAKEN}
    shutil.rmtree(folder / "snapshots")
    (service,) = look(folder).services
    assert service.chain.last.seqno == 299
    assert service.missing == [(300, 321)]
    assert not service.is_whole


def test_files_that_nothing_leads_to_are_never_passed_over_in_silence(
    pile: Pile,
) -> None:
    """Who signed them came into the service with the file that is missing."""
    folder = pile("sgx_service")
    shutil.rmtree(folder / "snapshots")
    (folder / "ledger/ledger_100-101.committed").unlink()
    found = look(folder)
    (service,) = found.services
    assert service.chain.last.seqno == 99
    assert service.is_whole
    assert len(found.unclaimed) == 7
    assert not found.is_whole

"""The services found in a set of files: what is restored, what is lost and why."""

import json
import shutil
from pathlib import Path

import pytest

from ccfpy.audit.discovery import find
from ccfpy.audit.inspection import Inspection, Role, ServiceFound, inspect
from ccfpy.audit.readers import Readers
from ccfpy.ledger.tables import LAST_SIGNED_ROOT, PREVIOUS_IDENTITY, SINGLE_KEY
from tests.unit.audit.made import written
from tests.unit.ledger.made import (
    FIRST,
    SECOND,
    MadeLedger,
    recovered_ledger,
    small_ledger,
)


def inspected(*folders: Path) -> Inspection:
    return inspect(find(folders), Readers())


def only(*folders: Path) -> ServiceFound:
    (service,) = inspected(*folders).services
    return service


def roles(service: ServiceFound) -> dict[str, Role]:
    return {
        f"{report.chunk.path.parent.name}/{report.chunk.name}": report.role
        for report in service.files
    }


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_one_sound_ledger(tmp_path: Path) -> None:
    service = only(written(small_ledger(), tmp_path / "a"))
    assert str(service.chain.last) == "2.10"
    assert (service.committed, service.last_named) == (8, 10)
    assert service.first_lost is None
    assert service.is_whole
    assert set(roles(service).values()) == {Role.TAKEN}


def test_nodes_copies_are_told_as_such(tmp_path: Path) -> None:
    ledger = small_ledger()
    ledger.say("unsigned")
    whole = written(ledger, tmp_path / "a")
    behind = written(small_ledger(), tmp_path / "b")
    (behind / "ledger_6-8.committed").rename(behind / "ledger_6-8")
    service = only(whole, behind)
    assert roles(service) == {
        "a/ledger_1-5.committed": Role.TAKEN,
        "b/ledger_1-5.committed": Role.COPY,
        "a/ledger_6-8.committed": Role.TAKEN,
        "b/ledger_6-8": Role.COPY,
        "a/ledger_9": Role.TAKEN,
        "b/ledger_9": Role.COPY,
    }
    assert service.first_lost == 11
    assert service.last_named == 11
    assert service.is_whole


def test_a_file_that_nobody_has_signed_is_its_services(tmp_path: Path) -> None:
    ledger = small_ledger()
    ledger.sign(close=True)
    ledger.say("unsigned")
    service = only(written(ledger, tmp_path / "a"))
    assert roles(service)["a/ledger_12"] is Role.UNSIGNED
    assert (service.first_lost, service.last_named) == (12, 12)
    assert service.is_whole


def test_a_file_of_which_nothing_can_be_read_is_where_it_would_be(
    tmp_path: Path,
) -> None:
    folder = written(small_ledger(), tmp_path / "a")
    (folder / "ledger_6-8.committed").write_bytes(b"noise")
    service = only(folder)
    assert roles(service)["a/ledger_6-8.committed"] is Role.DAMAGED
    assert service.missing == []


def test_a_missing_file_is_named_and_what_is_beyond_is_its_services(
    tmp_path: Path,
) -> None:
    folder = written(small_ledger(), tmp_path / "a")
    (folder / "ledger_6-8.committed").unlink()
    service = only(folder)
    assert str(service.chain.last) == "2.5"
    assert service.missing == [(6, 8)]
    assert (service.first_lost, service.last_named) == (6, 10)
    assert roles(service)["a/ledger_9"] is Role.BEYOND
    assert not service.is_whole


def test_a_damaged_file_is_named_with_its_place(tmp_path: Path) -> None:
    folder = written(small_ledger(), tmp_path / "a")
    flip(folder / "ledger_6-8.committed", 60)
    service = only(folder)
    damaged = next(r for r in service.files if r.role is Role.DAMAGED)
    assert damaged.chunk.path == folder / "ledger_6-8.committed"
    assert damaged.end is not None
    assert damaged.end.damage is not None
    assert service.missing == []
    assert not service.is_whole


def test_another_nodes_copy_makes_up_for_it(tmp_path: Path) -> None:
    damaged = written(small_ledger(), tmp_path / "a")
    flip(damaged / "ledger_6-8.committed", 60)
    service = only(damaged, written(small_ledger(), tmp_path / "b"))
    assert str(service.chain.last) == "2.10"
    assert roles(service)["a/ledger_6-8.committed"] is Role.DAMAGED


def test_an_older_end_of_a_recovered_service_is_no_service(tmp_path: Path) -> None:
    lost = small_ledger()
    lost.say("signed, and never committed")
    lost.sign()
    service = only(
        written(lost, tmp_path / "old"), written(recovered_ledger(), tmp_path / "new")
    )
    assert service.certificate == SECOND.certificate
    assert [str(fork.last) for fork in service.forks] == ["2.12"]
    assert roles(service)["old/ledger_9"] is Role.FORK


def test_the_higher_view_is_chosen_and_not_the_longer_history(tmp_path: Path) -> None:
    cut_off, successor = small_ledger(), small_ledger()
    for _ in range(3):
        cut_off.say("alone")
        cut_off.sign()
    successor.view = 3
    successor.say("with the others")
    successor.sign()
    service = only(written(cut_off, tmp_path / "a"), written(successor, tmp_path / "b"))
    assert str(service.chain.last) == "3.12"
    assert [str(fork.last) for fork in service.forks] == ["2.16"]


def test_files_of_two_services_are_told_apart(tmp_path: Path) -> None:
    other = MadeLedger(identity=SECOND)
    other.put(SECOND.create())
    other.sign(close=True)
    other.say("elsewhere")
    other.sign(close=True)
    other.say("elsewhere")
    other.sign()
    folder = written(small_ledger(), tmp_path / "a")
    written(other, folder)
    missing = folder / "ledger_3-4.committed"
    missing.unlink()
    found = {
        service.certificate.digest_hex: service
        for service in inspected(folder).services
    }
    one = found[FIRST.certificate.digest_hex]
    two = found[SECOND.certificate.digest_hex]
    assert set(roles(one)) == {
        "a/ledger_1-5.committed",
        "a/ledger_6-8.committed",
        "a/ledger_9",
    }
    assert one.is_whole
    assert set(roles(two)) == {"a/ledger_1-2.committed", "a/ledger_5"}
    assert two.missing == [(3, 4)]


def test_noise_is_nobodys(tmp_path: Path) -> None:
    folder = written(small_ledger(), tmp_path / "a")
    (folder / "ledger_12-14").write_bytes(b"noise")
    (folder / "snapshot_8_9.committed").write_bytes(b"noise")
    found = inspected(folder)
    assert [str(report.chunk.name) for report in found.unclaimed] == ["ledger_12-14"]
    assert [each.path.name for each in found.refused] == ["snapshot_8_9.committed"]
    assert found.services[0].is_whole


def test_nothing_at_all(tmp_path: Path) -> None:
    folder = written(small_ledger(), tmp_path / "a")
    (folder / "ledger_1-5.committed").unlink()
    shutil.copy(folder / "ledger_9", folder / "ledger_99")
    found = inspected(folder)
    assert found.services == []
    assert len(found.unclaimed) == 3


def recovering(*, close: bool) -> MadeLedger:
    """Write a ledger whose service was being recovered, with no ending that says so."""
    ledger = small_ledger()
    ledger.sign(close=True)
    last_root = ledger.signatures[-1].root
    ledger.identity, ledger.view = SECOND, 4
    ledger.put(
        {
            **SECOND.create("Recovering"),
            PREVIOUS_IDENTITY: {SINGLE_KEY: json.dumps(FIRST.certificate.pem).encode()},
            LAST_SIGNED_ROOT: {SINGLE_KEY: json.dumps(last_root.hex()).encode()},
        }
    )
    ledger.sign(close=close)
    ledger.put(SECOND.service_info("WaitingForRecoveryShares"))
    ledger.sign()
    return ledger


@pytest.mark.parametrize("close", [False, True])
def test_a_recovery_that_was_given_up_is_passed_over(
    tmp_path: Path, *, close: bool
) -> None:
    """CCF 1 gave such files no name of their own; another node has a copy."""
    ledger = recovering(close=close)
    found = inspected(written(ledger, tmp_path / "a"), written(ledger, tmp_path / "b"))
    (service,) = found.services
    assert service.certificate == FIRST.certificate
    assert (str(service.chain.last), service.last_named) == ("2.11", 11)
    assert service.is_whole
    names = ["ledger_12-13.committed", "ledger_14"] if close else ["ledger_12"]
    assert [path.name for path in found.provisional] == names * 2
    again = only(written(recovered_ledger(), tmp_path / "c"))
    assert again.certificate == SECOND.certificate, "one that opened is none of these"

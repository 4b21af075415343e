"""``ccfpy snapshot`` on files that CCF made."""

import json
from pathlib import Path

import pytest

from tests.damage import with_a_bit_changed
from tests.unit.cli.conftest import Command

EOL = "snapshot_493_494.committed"


@pytest.fixture
def eol(ccf_services: Path) -> tuple[Path, Path]:
    """A snapshot, and the certificate of its service."""
    folder = ccf_services / "eol_service"
    return folder / "snapshots" / EOL, folder / "common/service_cert.pem"


def test_a_snapshot_that_its_service_vouches_for(
    command: Command, eol: tuple[Path, Path]
) -> None:
    file, service = eol
    ended = command("snapshot", "verify", file, "--cacert", service)
    assert (ended.code, ended.err) == (0, "")
    assert "the service vouches for the state at seqno 493, recorded at 10.494." in (
        ended.out
    )
    ended = command("snapshot", "verify", file, "--common", service.parent, "--json")
    told = json.loads(ended.out)
    assert told["verified"] is True
    assert (told["seqno"], told["evidence"]) == (493, "10.494")


def test_one_of_an_earlier_identity_needs_that_one_too(
    command: Command, ccf_services: Path, eol: tuple[Path, Path]
) -> None:
    folder = ccf_services / "sgx_service"
    files = sorted((folder / "snapshots").glob("snapshot_*"))
    service = folder / "common/service_cert.pem"
    ended = command("snapshot", "verify", *files, "--cacert", service)
    assert ended.code == 1
    assert ended.out.count("vouches for") == 1
    assert ended.out.count("REFUSED") == 1
    assert "is of another service" in ended.out
    file, other = eol
    ended = command("snapshot", "verify", file, "--cacert", service, "--json")
    assert (ended.code, json.loads(ended.out)["verified"]) == (1, False)
    ended = command("snapshot", "verify", file, "--cacert", service, "--cacert", other)
    assert ended.code == 0


def test_damage_other_names_and_missing_receipts_are_told(
    command: Command, eol: tuple[Path, Path], tmp_path: Path
) -> None:
    file, service = eol
    data = file.read_bytes()
    damaged = tmp_path / EOL
    damaged.write_bytes(with_a_bit_changed(data, 5000))
    renamed = tmp_path / "snapshot_492_494.committed"
    renamed.write_bytes(data)
    nulled = tmp_path / "snapshot_1000_1500.committed"
    nulled.write_bytes(bytes(64))
    for path, reason in (
        (damaged, "for other claims"),
        (renamed, "the file holds snapshot_493_494, and is named otherwise"),
        (nulled, "the snapshot is damaged"),
    ):
        ended = command("snapshot", "verify", path, "--cacert", service)
        assert ended.code == 1
        assert ended.out.startswith(f"REFUSED: {path}: ")
        assert reason in ended.out
    copy = tmp_path / "copy"
    copy.write_bytes(data)
    assert command("snapshot", "verify", copy, "--cacert", service).code == 0
    assert command("snapshot", "show", nulled).code == 1


def test_files_that_are_not_there(
    command: Command, eol: tuple[Path, Path], tmp_path: Path
) -> None:
    file, service = eol
    ended = command("snapshot", "verify", tmp_path / "none", "--cacert", service)
    assert (ended.code, ended.out) == (1, "")
    ended = command("snapshot", "verify", file, "--cacert", tmp_path / "none")
    assert (ended.code, ended.out) == (1, "")
    assert "--cacert" in ended.err


def test_its_public_tables_are_shown(command: Command, eol: tuple[Path, Path]) -> None:
    file, _ = eol
    ended = command("snapshot", "show", file)
    assert ended.code == 0
    assert "state at seqno 493, recorded at 10.494," in ended.out
    assert "  public:ccf.gov.service.info (changed at " in ended.out
    assert max(map(len, ended.out.splitlines())) < 400
    ended = command("snapshot", "show", file, "--tables", "service.info", "--json")
    told = json.loads(ended.out)
    assert list(told["tables"]) == ["public:ccf.gov.service.info"]
    (info,) = told["tables"]["public:ccf.gov.service.info"].values()
    assert info["status"] == "Open"
    full = command("snapshot", "show", file, "--tables", "service.info", "--full").out
    assert "-----END CERTIFICATE-----" in full

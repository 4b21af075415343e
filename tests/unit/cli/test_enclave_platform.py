"""``ccfpy enclave platform``: a vendor and its machines, kept in files."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from ccfpy.enclave.platforms.simulated import PLACE, USUAL_PLACE, read_machine
from ccfpy.local.simulated_vendor import SimulatedVendor
from tests.unit.cli.conftest import Command

FIRST, SECOND, THIRD = ("01" * 8, "02" + "01" * 7, "03" + "01" * 7)


class Rack:
    """Where the files are, and the commands on them."""

    def __init__(self, command: Command, folder: Path) -> None:
        self._command = command
        self.vendor, self.machine = folder / "v.json", folder / "m.json"
        self.folder = folder

    def ok(self, name: str, *words: object) -> str:
        ended = self._command("enclave", "platform", name, *words)
        assert ended.code == 0, ended.err
        return ended.out

    def new(self, *words: object) -> str:
        files = (f"--machine={self.machine}", f"--vendor={self.vendor}")
        return self.ok("new", *files, *words)

    def update(self, *words: object) -> str:
        files = (f"--machine={self.machine}", f"--vendor={self.vendor}")
        return self.ok("update", *files, *words)

    def shown(self) -> dict[str, Any]:
        out = self.ok("show", f"--machine={self.machine}", "--json")
        read: dict[str, Any] = json.loads(out)
        return read


@pytest.fixture
def rack(command: Command, tmp_path: Path) -> Rack:
    return Rack(command, tmp_path)


def test_a_machine_and_its_vendor_are_made_and_kept_to_their_owner(rack: Rack) -> None:
    out = rack.new()
    machine = read_machine(rack.machine)
    assert machine.machine_id.hex() in out
    assert "keeps no secret from root" in out
    for place in (rack.vendor, rack.machine):
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
    shown = rack.shown()
    assert shown["machine_id"] == machine.machine_id.hex()
    assert shown["status"] == "UpToDate"
    assert shown["tcb_version"] == FIRST
    assert shown["platform"].startswith("Insecure")
    for secret in (machine.root.hex(), "PRIVATE"):
        assert secret not in json.dumps(shown)


def test_a_vendor_makes_further_machines(rack: Rack) -> None:
    rack.new()
    first, vendor_id = read_machine(rack.machine), rack.shown()["vendor_id"]
    rack.new("--force", "--tcb", "00" * 8)
    second = read_machine(rack.machine)
    assert first.machine_id != second.machine_id
    assert rack.shown()["vendor_id"] == vendor_id
    assert rack.shown()["status"] == "Revoked", "older than any that is known"


def test_a_machine_is_brought_up_to_date_or_left_behind(rack: Rack) -> None:
    rack.new()
    rack.ok("require", SECOND, f"--vendor={rack.vendor}")
    assert rack.shown()["status"] == "UpToDate", "as far as the machine was told"
    rack.update("--tcb", FIRST)
    assert rack.shown()["status"] == "OutOfDate"
    assert rack.update().split()[-1] == "UpToDate"
    assert rack.shown()["tcb_version"] == SECOND
    rack.ok("require", THIRD, f"--vendor={rack.vendor}", "--revoke-older")
    rack.update("--tcb", SECOND)
    assert rack.shown()["status"] == "Revoked"


def test_a_revoked_machine_learns_of_it(rack: Rack) -> None:
    rack.new()
    machine_id = read_machine(rack.machine).machine_id.hex()
    for named in (rack.machine, machine_id):
        out = rack.ok("revoke", named, f"--vendor={rack.vendor}")
        assert f"{machine_id} is revoked" in out
    rack.update()
    assert rack.shown()["status"] == "the machine is revoked"
    assert rack.shown()["revoked"] == machine_id


def test_a_vendor_is_shown_as_members_propose_it(rack: Rack) -> None:
    rack.new()
    out = rack.ok("show", f"--vendor={rack.vendor}", "--json")
    proposed = json.loads(out)["set_simulated_vendor"]
    vendor = SimulatedVendor.parse(rack.vendor.read_bytes())
    assert proposed == {
        "certificate": vendor.certificate.pem,
        **vendor.collateral.fields(),
    }
    people = rack.ok("show", f"--vendor={rack.vendor}")
    assert vendor.vendor_id.hex() in people
    assert "PRIVATE" not in people


def test_files_have_usual_places(
    rack: Rack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(PLACE, raising=False)
    rack.ok("new")
    assert (tmp_path / USUAL_PLACE).exists()
    monkeypatch.setenv(PLACE, str(tmp_path / "other.json"))
    rack.ok("new")
    assert (tmp_path / "other.json").exists()


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("new",), 2, "--force replaces it"),
        (("new", "--force", "--tcb", "01"), 2, "give 8 bytes in hex"),
        (("show", "--machine=none"), 1, "make one with ccfpy enclave platform new"),
        (("show", "--vendor=none"), 1, "cannot use the simulated vendor none"),
        (("update", "--tcb", "zz"), 2, "is no security version"),
        (("require", FIRST), 1, "is not at least as high as"),
        (("require", "x"), 2, "is no security version"),
        (("revoke", "x"), 2, "is neither a machine's id nor its file"),
        (("revoke", "VENDOR"), 1, "cannot use the simulated platform"),
    ],
)
def test_every_refusal_is_a_sentence(
    rack: Rack,
    command: Command,
    words: tuple[str, ...],
    code: int,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rack.new()
    monkeypatch.setenv(PLACE, str(rack.machine))
    options = [] if words[0] == "show" else [f"--vendor={rack.vendor}"]
    given = (str(rack.vendor) if word == "VENDOR" else word for word in words)
    ended = command("enclave", "platform", *given, *options)
    assert ended.code == code, ended
    assert reason in " ".join(ended.err.split())


def test_a_machine_takes_no_other_vendors_word(rack: Rack, tmp_path: Path) -> None:
    rack.new()
    other = Rack(rack._command, tmp_path / "other")
    other.new()
    ended = rack._command(
        *("enclave", "platform", "update"),
        *(f"--machine={rack.machine}", f"--vendor={other.vendor}"),
    )
    assert ended.code == 1
    assert "ECDSA signature does not match" in ended.err

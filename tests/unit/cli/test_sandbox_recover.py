"""The options of ``ccfpy sandbox --recover``."""

from pathlib import Path

import pytest

from ccfpy.cli.earlier_run import Lost
from ccfpy.cli.errors import Misused
from ccfpy.client.keys import KeyFiles, generate_keys
from ccfpy.crypto.ec import Curve
from ccfpy.local.configuration import ServiceOptions
from tests.unit.cli.conftest import Command


@pytest.fixture
def common(service_folder: Path) -> Path:
    """A folder as a sandbox leaves it, and a certificate without a key besides."""
    for name in ("member0", "member1", "user0"):
        generate_keys(
            KeyFiles(folder=service_folder, name=name),
            curve=Curve.SECP256R1,
            with_encryption_key=False,
        )
    (service_folder / "member1_privk.pem").unlink()
    return service_folder


def lost(ledger: Path, common: Path | None, snapshots: Path | None = None) -> Lost:
    found = Lost.of(ledger, common, snapshots, recover=True)
    assert found is not None
    return found


def options(workspace: Path) -> ServiceOptions:
    return ServiceOptions(
        workspace=workspace, app="logging", constitution=(), program=("node",)
    )


def test_without_recover_there_is_nothing_lost(tmp_path: Path) -> None:
    assert Lost.of(None, None, None, recover=False) is None
    with pytest.raises(Misused, match="give --recover too"):
        Lost.of(tmp_path, None, None, recover=False)


def test_participants_are_those_whose_keys_are_there(
    common: Path, tmp_path: Path
) -> None:
    applied = lost(tmp_path, common).applied(options(tmp_path / "workspace"))
    assert (applied.members, applied.users) == (["member0"], ["user0"])
    assert applied.shared == common
    assert applied.label == "sandbox_recover"


@pytest.mark.parametrize("folder", ["sandbox_recover_0", "sandbox_recover_earlier"])
def test_the_ledger_that_is_recovered_is_not_cleared_away(
    common: Path, tmp_path: Path, folder: str
) -> None:
    workspace = tmp_path / "workspace"
    ledger = workspace / folder / "0.ledger"
    ledger.mkdir(parents=True)
    applied = lost(ledger, common).applied(options(workspace))
    assert applied.label == "sandbox_recover_recover"


def test_the_old_certificate_is_kept_and_can_be_given_back(
    common: Path, tmp_path: Path
) -> None:
    certificate = (common / "service_cert.pem").read_text()
    found = lost(tmp_path, common)
    remains = found.remains()
    assert remains.identity == common / "predecessor_service_cert.pem"
    (common / "service_cert.pem").write_text("the new one")
    assert remains.identity.read_text() == certificate
    found.give_back()
    assert (common / "service_cert.pem").read_text() == certificate


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("service_cert.pem", "lacks service_cert.pem"),
        ("member0_privk.pem", "no member"),
    ],
)
def test_what_is_missing_is_named(
    command: Command, common: Path, tmp_path: Path, missing: str, told: str
) -> None:
    (common / missing).unlink()
    words = ["--recover", "--ledger-dir", tmp_path, "--common-dir", common]
    ended = command("sandbox", *words)
    assert ended.code == 2
    assert told in ended.err


def test_folders_must_be_given_and_be_there(
    command: Command, common: Path, tmp_path: Path
) -> None:
    ended = command("sandbox", "--recover", "--ledger-dir", tmp_path)
    assert ended.code == 2
    assert "--recover needs --ledger-dir and --common-dir" in ended.err
    absent = tmp_path / "absent"
    words = ["-r", "--ledger-dir", absent, "--common-dir", common]
    assert "correct the path" in command("sandbox", *words).err

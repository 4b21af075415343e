"""Members' ceremonies as members hold them: one command after another."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ccfpy.client.keys import KeyFiles, generate_keys
from tests.e2e.running import Running, running_node

TIMEOUT_S = 60
OTHERS = ("--with", "member1", "--with", "member2")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An open service of three members."""
    with running_node(tmp_path_factory.mktemp("ceremonies"), members=3) as node:
        node.open(["user0"])
        yield node


def gov(service: Running, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ccfpy.cli.main", "gov", *words],
        env=os.environ
        | {"CCFPY_URL": service.url, "CCFPY_COMMON": str(service.options.shared)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def told(service: Running, *words: str, code: int = 0) -> dict[str, Any]:
    done = gov(service, *words, "--json")
    assert done.returncode == code, (done.stdout, done.stderr)
    value: dict[str, Any] = json.loads(done.stdout)
    return value


def share_of(service: Running, name: str) -> str:
    done = gov(service, "share", "--get", "--as", name)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_certificates_are_told_with_their_days(service: Running) -> None:
    fine = told(service, "status")
    assert fine["is_well"]
    assert fine["active_members"] == fine["share_holders"] == 3
    holders = [each["holder"] for each in fine["certificates"]]
    assert holders == ["service", "node", *["member"] * 3, "user"]
    assert 60 < fine["fewest_days_left"] < 100
    soon = told(service, "status", "--days", "1000", code=1)
    assert {each["validity"] for each in soon["certificates"]} == {"expires soon"}
    table = gov(service, "status")
    assert table.stdout.startswith("service Open, 3 of 3 members active")


def test_shares_are_issued_anew_in_one_command(service: Running) -> None:
    before = share_of(service, "member0")
    alone = told(service, "reshare", code=1)
    assert alone["proposalState"] == "Open"
    assert share_of(service, "member0") == before
    done = told(service, "reshare", "--as", "member1", "--as", "member2")
    assert done["proposalState"] == "Accepted"
    assert share_of(service, "member0") != before


def test_a_member_changes_all_its_keys(service: Running) -> None:
    folder = service.options.shared
    names = [
        f"member0_{kind}.pem" for kind in ("privk", "cert", "enc_privk", "enc_pubk")
    ]
    before = {name: (folder / name).read_text() for name in names}
    waiting = gov(service, "rotate")
    assert waiting.returncode == 1
    assert "once other members have voted" in waiting.stderr
    to_come = (folder / "member0.next" / "member0_cert.pem").read_text()
    done = told(service, "rotate", *OTHERS)
    kept = Path(done["kept"])
    for name in names:
        assert (kept / name).read_text() == before[name]
        assert (folder / name).read_text() != before[name]
    assert (folder / "member0_cert.pem").read_text() == to_come
    now = told(service, "status")
    members = [it for it in now["certificates"] if it["holder"] == "member"]
    assert len(members) == now["active_members"] == 3
    assert done["memberId"] in {member["id"] for member in members}
    assert gov(service, "ack").returncode == 0


def test_a_member_changes_its_encryption_key_alone(service: Running) -> None:
    folder = service.options.shared
    identity = (folder / "member1_cert.pem").read_text()
    key = (folder / "member1_enc_pubk.pem").read_text()
    words = ["rotate", "--as", "member1", "--keep-identity"]
    told(service, *words, "--with", "member0", "--with", "member2")
    assert (folder / "member1_cert.pem").read_text() == identity
    assert (folder / "member1_enc_pubk.pem").read_text() != key
    assert told(service, "status")["share_holders"] == 3


def by_command(folder: Path, name: str) -> list[str]:
    """Return options for a member who signs by a command, with a certificate
    elsewhere."""
    line = f"openssl pkeyutl -sign -inkey {folder / name}_privk.pem"
    return ["--cert", f"{folder / name}_cert.pem", "--sign-command", line]


def keys_elsewhere(service: Running, folder: Path, name: str) -> list[str]:
    """Move a member's identity to an unrelated path; return the options to sign with
    it."""
    for kind in ("privk", "cert"):
        (service.options.shared / f"{name}_{kind}.pem").rename(
            folder / f"{name}_{kind}.pem"
        )
    return by_command(folder, name)


def test_the_first_of_several_members_may_sign_by_a_command(
    service: Running, tmp_path: Path
) -> None:
    words = keys_elsewhere(service, tmp_path, "member2")
    done = told(service, "reshare", *words, "--as", "member2", "--as", "member0")
    assert done["proposalState"] == "Accepted"
    shutil.copytree(tmp_path, service.options.shared, dirs_exist_ok=True)


def test_keys_that_are_no_files_give_way_to_others_that_are_none(
    service: Running, tmp_path: Path
) -> None:
    words = keys_elsewhere(service, tmp_path, "member2")
    new = KeyFiles(folder=tmp_path / "new", name="member2")
    certificate = generate_keys(new, with_encryption_key=True)
    line = f"openssl pkeyutl -sign -inkey {new.private_key}"
    done = told(
        service,
        *("rotate", "--as", "member2", *words, "--with", "member0"),
        *("--new-cert", str(new.certificate), "--new-sign-command", line),
        *("--new-encryption-key", str(new.encryption_public_key)),
    )
    assert done == {
        "member": "member2",
        "memberId": certificate.digest_hex,
        "kept": None,
    }
    assert told(service, "status")["active_members"] == 3
    assert gov(service, "ack", *by_command(new.folder, "member2")).returncode == 0
    opened = gov(service, "share", "--get", "--cert", str(new.certificate))
    assert opened.returncode == 0, opened.stderr

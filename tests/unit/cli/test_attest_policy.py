"""``ccfpy attest policy``, and ``attest verify`` held to a policy's file."""

import base64
import json
from pathlib import Path

import pytest

from ccfpy.testing.enclaves import Bench
from tests.unit.attestation.evidence import virtual_evidence
from tests.unit.attestation.hardware import FOLDER, recorded
from tests.unit.cli.conftest import Command

MILAN = (FOLDER / "snp_milan.report", "--endorsements", FOLDER / "snp_milan.chain.pem")
GENOA = (FOLDER / "snp_genoa.report", "--endorsements", FOLDER / "snp_genoa.chain.pem")
DAY = ("--at", "2025-06-15")


def _written(command: Command, folder: Path, *evidence: str | Path) -> Path:
    """Write the policy of some evidence to a file."""
    ended = command("attest", "policy", *evidence)
    assert (ended.code, ended.err) == (0, "")
    path = folder / "policy.json"
    path.write_text(ended.out)
    return path


def test_evidence_is_verified_against_the_policy_it_made(
    command: Command, tmp_path: Path
) -> None:
    policy = _written(command, tmp_path, *MILAN)
    words = ("attest", "verify", *DAY, "--policy", policy)
    ended = command(*words, *MILAN, "--explain")
    assert ended.code == 0
    assert "passed      policy\n" in ended.out


def test_what_a_policy_refuses_is_told_with_both_values(
    command: Command, tmp_path: Path
) -> None:
    policy = _written(command, tmp_path, *MILAN)
    said = json.loads(policy.read_text())
    said["snp"]["minimum_tcb"]["00a00f11"] = "dc18000000000004"
    policy.write_text(json.dumps(said))
    ended = command("attest", "verify", *DAY, "--policy", policy, *MILAN)
    assert ended.code == 1
    assert "FAILED      policy: the machine's firmware is too old: expected " in (
        ended.out
    )
    assert "microcode 220 or later, found 219" in " ".join(ended.out.split())
    ended = command("attest", "verify", *DAY, "--policy", policy, *GENOA)
    assert (ended.code, "no least firmware is named" in ended.out) == (1, True)


def test_a_file_that_is_no_policy_is_refused_in_a_sentence(
    command: Command, tmp_path: Path
) -> None:
    path = tmp_path / "policy.json"
    words = ("attest", "verify", *DAY, "--policy", path, *MILAN)
    assert (command(*words).code, "Traceback" in command(*words).err) == (1, False)
    path.write_text("{}")
    ended = command(*words)
    assert ended.code == 1
    assert "names no platform; add an entry 'snp'" in " ".join(ended.err.split())


def test_nothing_is_written_for_a_claim_that_anybody_could_write(
    command: Command, tmp_path: Path
) -> None:
    path = tmp_path / "quote.json"
    virtual = virtual_evidence(public_key_der=b"key", executable_digest="ab" * 32)
    path.write_bytes(virtual.quote())
    ended = command("attest", "policy", path)
    assert (ended.code, ended.out) == (1, "")
    assert "no policy can be written" in ended.err


def test_a_simulated_node_has_a_policy_too(command: Command, tmp_path: Path) -> None:
    bench = Bench()
    evidence = bench.machine.attest(
        bench.identity, report_data=bytes(32), host_data=b"\x01" * 32
    )
    quote, endorsements = tmp_path / "quote.json", tmp_path / "endorsements.json"
    endorsements.write_bytes(evidence.endorsements)
    quote.write_text(
        json.dumps(
            {
                "format": evidence.format,
                "quote": _base64(evidence.quote),
                "endorsements": _base64(evidence.endorsements),
            }
        )
    )
    written = _written(command, tmp_path, quote)
    said = json.loads(written.read_text())["simulated"]
    assert said["measurements"] == [bench.identity.unique_id.hex()]
    assert said["host_data"] == ["01" * 32]


@pytest.mark.parametrize("name", ["sgx_node.quote"])
def test_no_policy_is_written_for_other_hardware(command: Command, name: str) -> None:
    assert recorded(name)
    ended = command("attest", "policy", FOLDER / name)
    assert (ended.code, "no policy can be written" in ended.err) == (1, True)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()

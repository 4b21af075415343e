"""``ccfpy attest`` on evidence of each kind, recorded and made, and on policies."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccfpy.crypto.rsa import RsaKeyPair, private_key_der
from ccfpy.devtools.token_signer import TokenSigner
from ccfpy.testing.enclaves import Bench
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.attestation.evidence import virtual_evidence
from tests.unit.attestation.hardware import FOLDER, recorded
from tests.unit.attestation.test_uvm import MEASUREMENT
from tests.unit.cli.conftest import Command, Ended

MILAN = (FOLDER / "snp_milan.report", "--endorsements", FOLDER / "snp_milan.chain.pem")
SGX = (FOLDER / "sgx_node.quote", "--endorsements", FOLDER / "sgx_node.collateral")
DEBUGGED = (
    FOLDER / "sgx_debugged.quote",
    "--endorsements",
    FOLDER / "sgx_debugged.collateral",
)
DAY = ("--at", "2025-06-15")
VIRTUAL = virtual_evidence(public_key_der=b"key", executable_digest="ab" * 32)
ISSUER = "https://issuer.example"


def told(ended: Ended) -> dict[str, object]:
    value: dict[str, object] = json.loads(ended.out)
    return value


@pytest.mark.parametrize("product", ["milan", "genoa"])
def test_a_report_of_a_real_processor_is_told_and_verified(
    command: Command, product: str
) -> None:
    report = FOLDER / f"snp_{product}.report"
    shown = command("attest", "show", report)
    assert (shown.code, shown.err) == (0, "")
    assert product.capitalize() in shown.out
    assert recorded(report.name)[0x090:0x0C0].hex() in shown.out
    chain = FOLDER / f"snp_{product}.chain.pem"
    verified = command("attest", "verify", report, "--endorsements", chain, *DAY)
    assert (verified.code, verified.out) == (0, f"{report}: verified\n")


def test_each_check_is_explained(command: Command) -> None:
    ended = command("attest", "verify", *MILAN, *DAY, "--explain")
    assert ended.code == 0
    assert "passed      signature\n              The chip signs every byte" in ended.out
    ended = command("attest", "verify", *MILAN, *DAY, "--explain", "--json")
    checks = told(ended)["checks"]
    assert isinstance(checks, list)
    assert [check["passed"] for check in checks] == [True] * 14
    assert all(check["why"] for check in checks)


def test_a_failure_says_what_and_what_was_not_reached(command: Command) -> None:
    genoa = FOLDER / "snp_genoa.chain.pem"
    words = ("attest", "verify", MILAN[0], "--endorsements", genoa, *DAY)
    ended = command(*words)
    assert ended.code == 1
    assert "FAILED      root: SEV-SNP: The root of trust" in ended.out
    assert "not to be relied on" in ended.out
    ended = command(*words, "--explain")
    assert "not reached signature" in ended.out
    ended = command(*words, "--json")
    assert (ended.code, told(ended)["verified"]) == (1, False)
    checks = told(ended)["checks"]
    assert isinstance(checks, list)
    assert [check["passed"] for check in checks[:5]] == [True, True, True, False, None]


@pytest.mark.parametrize("at", ["1999-01-01", "2099-01-01"])
def test_it_holds_at_the_time_that_is_named(command: Command, at: str) -> None:
    ended = command("attest", "verify", *MILAN, "--at", at)
    assert (ended.code, "is not valid now" in ended.out) == (1, True)


def test_a_measurement_can_be_asked_for(command: Command) -> None:
    measured = recorded("snp_milan.report")[0x090:0x0C0].hex()
    host_data = recorded("snp_milan.report")[0x0C0:0x0E0].hex()
    words = ("attest", "verify", *MILAN, *DAY)
    right = ("--measurement", measured.upper(), "--host-data", host_data)
    assert command(*words, *right).code == 0
    ended = command(*words, "--measurement", "00" * 48)
    assert ended.code == 1
    assert "expected measurement" in ended.out
    ended = command(*words, "--host-data", "00" * 32)
    assert "none that --host-data names" in ended.out


def test_endorsements_of_another_measurement_do_not_hold(command: Command) -> None:
    ended = command(
        "attest", "verify", *MILAN, *DAY,
        "--uvm-endorsements", FOLDER / "int_svn.cose",
    )  # fmt: skip
    assert ended.code == 1
    assert "UVM measurement: Launch measurement" in ended.out
    assert MEASUREMENT.hex() in ended.out


def test_a_quote_of_a_real_enclave_is_told_and_verified(command: Command) -> None:
    shown = command("attest", "show", *SGX, "--json")
    claims = told(shown)["claims"]
    assert isinstance(claims, dict)
    assert claims["collateral gathered"] == "2023-03-15T14:01:08+00:00"
    assert claims["processor"]["fmspc"] == "00606a000000"
    at_its_time = ("attest", "verify", *SGX, "--at", "collateral")
    ended = command(*at_its_time)
    assert (ended.code, "update of the collateral was due" in ended.out) == (1, True)
    ended = command(*at_its_time, "--allow-stale", "--explain")
    assert ended.code == 0
    assert "passed      currency: not asked for (--allow-stale)" in ended.out
    assert command("attest", "verify", *SGX, "--allow-stale").code == 1, "years later"


def test_an_enclave_that_is_debugged_is_refused_unless_allowed(
    command: Command,
) -> None:
    words = ("attest", "verify", *DEBUGGED, "--at", "collateral", "--allow-stale")
    ended = command(*words)
    assert (ended.code, "debugging must not be enabled" in ended.out) == (1, True)
    assert command(*words, "--allow-debug").code == 0


def test_all_nodes_of_a_ledger_are_told(command: Command, ccf_services: Path) -> None:
    ledger = ccf_services / "sgx_service/ledger"
    words = ("attest", "verify", ledger, "--at", "collateral", "--allow-stale")
    ended = command(*words)
    assert ended.code == 1, "three are debugged"
    assert ended.out.count(": verified\n") == 6
    ended = command(*words, "--allow-debug", "--json")
    assert ended.code == 0
    nodes = json.loads(ended.out)
    assert len(nodes) == 9
    assert all(node["checks"][-1]["name"] == "node key" for node in nodes)


def test_virtual_evidence_proves_nothing(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "quote.json"
    file.write_bytes(VIRTUAL.quote())
    shown = command("attest", "show", file)
    assert "which anybody could write" in shown.out
    ended = command("attest", "verify", file)
    assert (ended.code, "no hardware vouches for this" in ended.out) == (1, True)
    assert command("attest", "verify", file, "--allow-virtual").code == 0


def answer(node_id: str) -> bytes:
    """What a node says of itself."""
    return json.dumps(
        {
            "node_id": node_id,
            "raw": base64.b64encode(VIRTUAL.quote()).decode(),
            "endorsements": "",
            "format": "Insecure_Virtual",
        }
    ).encode()


def test_a_nodes_answer_is_bound_to_its_id(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "self.json"
    words = ("attest", "verify", file, "--allow-virtual")
    file.write_bytes(answer(VIRTUAL.report_data.hex()))
    assert command(*words).code == 0
    file.write_bytes(answer("00" * 32))
    ended = command(*words)
    assert (ended.code, "node key: it is bound to" in ended.out) == (1, True)
    file.write_bytes(b'{"quotes": [%s, %s]}' % (answer("00" * 32), answer("11" * 32)))
    assert command(*words).out.count("not to be relied on") == 2


def test_a_token_is_told_and_verified_by_its_issuers_keys(
    command: Command, tmp_path: Path
) -> None:
    signer = TokenSigner(
        RsaKeyPair.from_der(private_key_der()),
        subject="issuer",
        not_before=datetime(2025, 1, 1, tzinfo=UTC),
        entropy=SeededEntropy(1),
    )
    at = int(datetime(2025, 6, 15, tzinfo=UTC).timestamp())
    token = signer.sign(
        {
            "iss": ISSUER,
            "nbf": at,
            "exp": at + 60,
            "x-ms-attestation-type": "sgx",
            "x-ms-sgx-is-debuggable": False,
            "x-ms-sgx-mrenclave": "ab" * 32,
        }
    )
    keys, file = tmp_path / "certs.json", tmp_path / "token"
    keys.write_text(json.dumps({"keys": [signer.jwk]}))
    by = ("--maa-issuer", ISSUER, "--maa-keys", keys)
    words = ("attest", "verify", file, *DAY)
    for written in (token, json.dumps({"token": token})):
        file.write_text(written)
        shown = command("attest", "show", file)
        assert "2025-06-15T00:00:00+00:00" in shown.out
        assert command(*words, *by, "--measurement", "ab" * 32).code == 0
        ended = command(*words, *by, "--measurement", "cd" * 32)
        assert (ended.code, "expected measurement" in ended.out) == (1, True)
    ended = command(*words, "--maa-issuer", "https://other", "--maa-keys", keys)
    assert (ended.code, "FAILED      issuer" in ended.out) == (1, True)
    ended = command(*words)
    assert (ended.code, "needs --maa-issuer" in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "neither a report, a quote, a token, nor JSON"),
        (b"{}", "JSON of no form"),
        (b"{", "not JSON"),
        (b'{"measurement": 1, "report_data": ""}', "measurement: expected text"),
        (b'{"format": "New", "raw": "AA=="}', "of no known form"),
        (b'{"format": "Insecure_Virtual"}', "without its quote"),
        (b'{"format": "Insecure_Virtual", "raw": "?"}', "raw is not base64"),
        (b'{"format": "OE_SGX_v1", "raw": "AA=="}', "ends too early"),
        (b'{"format": "AMD_SEV_SNP_v1", "raw": "AA=="}', "not of expected size"),
        (b'{"format": "Insecure_Simulated", "raw": "AA=="}', "holds no evidence"),
        (b"e30.e30.AA", "does not follow schema"),
    ],
)
def test_what_is_no_evidence_is_refused_in_one_sentence(
    command: Command, tmp_path: Path, content: bytes, reason: str
) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    for verb in ("show", "verify"):
        ended = command("attest", verb, file)
        assert ended.code in (1, 2)
        if ended.code == 1:
            assert reason in ended.err
        assert ended.err.count("\n") == 1


def test_what_cannot_be_had_is_said(command: Command, tmp_path: Path) -> None:
    missing = command("attest", "show", tmp_path / "missing")
    assert (missing.code, "no such file" in missing.err) == (1, True)
    empty = command("attest", "show", tmp_path)
    assert (empty.code, "no ledger files" in empty.err) == (2, True)
    odd = command("attest", "verify", *MILAN, "--at", "soon")
    assert (odd.code, "is no date" in odd.err) == (2, True)
    bare = command("attest", "show", "https://127.0.0.1:1", "--common", tmp_path)
    assert (bare.code, "needs the service's certificate" in bare.err) == (1, True)


GENOA = (FOLDER / "snp_genoa.report", "--endorsements", FOLDER / "snp_genoa.chain.pem")


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

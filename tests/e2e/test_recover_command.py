"""``ccfpy recover`` brings back services that CCF itself recorded, through the shares.

All three lie in one pile, so that the command has to tell them apart.
"""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ccfpy.client.connection import Connection
from ccfpy.client.governance import API_VERSION, Governance
from ccfpy.client.keys import FileSigner, KeyFiles, generate_keys
from ccfpy.client.opening import (
    RecoveryMember,
    carry,
    hand_in,
    set_users,
    wait_recovered,
)
from ccfpy.client.receipts import fetch_receipt, verify_receipt
from ccfpy.client.share import constitution
from tests.e2e.stopping import stop_nodes_below
from tests.softhsm import CONFIGURATION, SoftHsm
from tests.vectors.recording import ec_key, rsa_key

SERVICES = {
    "cose_flipflop_service": ("0f1ff037", "2.46", 1),
    "eol_service": ("680c6d1f", "10.500", 3),
    "sgx_service": ("38067cb1", "8.153", 3),
}
"""The beginning of the identity's digest, where the ledger ends, shares needed."""
RECORDS = {"cose_flipflop_service": True, "eol_service": True, "sgx_service": False}
"""Whether the service had private messages."""
PIN = "314159"

Step = dict[str, Any]


@pytest.fixture(scope="module")
def keys(ccf_services: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The participants' keys as files, one folder a service."""
    target = tmp_path_factory.mktemp("keys")
    for name in SERVICES:
        common, folder = ccf_services / name / "common", target / name
        folder.mkdir()
        recorded = json.loads((common / "test_keys.json").read_text())
        for person, pair in recorded.items():
            files = KeyFiles(folder=folder, name=person)
            files.private_key.write_text(ec_key(pair["signing"]).pem)
            shutil.copyfile(common / f"{person}_cert.pem", files.certificate)
            if "encryption" in pair:
                key = rsa_key(pair["encryption"])
                files.encryption_private_key.write_text(key.pem)
    return target


@pytest.fixture
def recover(ccf_services: Path, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Run the command on the whole pile; what it leaves running is stopped."""

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        options = ["--app", "logging", "--node", "local://127.0.0.1:0", "--yes"]
        return subprocess.run(
            [
                *(sys.executable, "-m", "ccfpy.cli.main", "recover", ccf_services),
                *options,
                *(str(word) for word in words),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    try:
        yield run
    finally:
        stop_nodes_below(tmp_path)


def members(folder: Path, count: int) -> list[str]:
    return [
        word for at in range(count) for word in ("--member", f"{folder}/member{at}")
    ]


def steps(done: subprocess.CompletedProcess[str]) -> dict[str, Step]:
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {step["step"]: step for step in found}


def connect(step: Step, identity: KeyFiles | None = None) -> Connection:
    certificate = Path(step["service_certificate"]).read_text()
    return Connection(step["url"], service_certificate=certificate, identity=identity)


async def check_open(
    step: Step, folder: Path, count: int, *, has_records: bool
) -> None:
    """What was private is served, and a receipt proves what is new.

    The recorded user's certificate has long expired: members let another one in.
    """
    user_keys = KeyFiles(folder=folder, name="newcomer")
    certificate = generate_keys(user_keys, with_encryption_key=False)
    async with connect(step) as anybody:
        signers = [
            FileSigner.load(KeyFiles(folder=folder, name=f"member{at}"))
            for at in range(count)
        ]
        voters = [Governance(anybody, signer) for signer in signers]
        status = await carry(voters, set_users([certificate.pem]))
        assert status.txid is not None
        await anybody.wait_committed(status.txid)
    async with connect(step, user_keys) as user:
        network = (await user.get("/node/network")).object()
        assert network["service_status"] == "Open"
        records = await user.get("/app/log/private/count")
        assert (int(records.text) > 0) is has_records
        reply = await user.post("/app/log/private", {"id": 7000, "msg": "goes on"})
        assert reply.txid is not None
        await user.wait_committed(reply.txid)
        receipt = await fetch_receipt(user, reply.txid)
        verify_receipt(
            receipt, service_certificate=user.service_certificate, txid=reply.txid
        )


@pytest.mark.parametrize("name", ["cose_flipflop_service", "sgx_service"])
def test_members_whose_keys_are_at_hand_bring_their_service_back(
    recover: Callable[..., Any], keys: Path, name: str
) -> None:
    digest, end, threshold = SERVICES[name]
    given = members(keys / name, threshold)
    done = recover("--json", "--detach", "--service", digest, *given)
    assert done.returncode == 0, done.stderr
    told = steps(done)
    found = {each["service"][:8]: each for each in told["inspected"]["services"]}
    assert {each: found[each]["last_signed"] for each in found} == {
        each: last for each, last, _ in SERVICES.values()
    }
    assert found[digest]["lost"] is None
    assert told["handed_in"]["count"] == threshold
    lost = Path(told["open"]["previous_certificate"]).read_text()
    assert lost == found[digest]["certificate"]
    asyncio.run(
        check_open(told["open"], keys / name, threshold, has_records=RECORDS[name])
    )
    assert end == found[digest]["last_signed"]


def test_members_need_not_keep_their_keys_in_files(
    recover: Callable[..., Any],
    keys: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One's keys are in a token; such a one is enough where the threshold is 1."""
    folder = tmp_path_factory.mktemp("token")
    hsm, own = SoftHsm(folder), keys / "cose_flipflop_service"
    monkeypatch.setenv(CONFIGURATION, hsm.environment[CONFIGURATION])
    hsm.make_token("members", PIN)
    for label, kind, id_ in (("member0", "privk", "a0"), ("opens", "enc_privk", "e0")):
        pem = (own / f"member0_{kind}.pem").read_text()
        hsm.put_key("members", PIN, pem=pem, label=label, id_=id_)
    pin = folder / "pin"
    pin.write_text(PIN)
    token = [
        *("--pkcs11", "pkcs11:token=members;object=member0"),
        *("--decrypt-pkcs11", "pkcs11:token=members;object=opens"),
        *("--cert", own / "member0_cert.pem", "--pkcs11-module", hsm.module),
    ]
    pin.write_text("271829")
    refused = recover("--service", "0f1f", *token, "--pin-file", pin)
    assert refused.returncode == 1
    assert "refuses this PIN" in refused.stderr
    assert "public state" not in refused.stdout, "nothing was started"
    pin.write_text(PIN)
    done = recover("--json", "--detach", "--service", "0f1f", *token, "--pin-file", pin)
    assert done.returncode == 0, done.stderr
    told = steps(done)
    assert told["handed_in"]["count"] == 1
    asyncio.run(check_open(told["open"], own, 1, has_records=True))


def test_a_new_constitution_is_decided_on_first(
    recover: Callable[..., Any], keys: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    more = tmp_path_factory.mktemp("scripts") / "more.js"
    more.write_text("// as of this recovery\n")
    scripts = [*constitution("default"), more]
    words = [word for script in scripts for word in ("--constitution", script)]
    folder = keys / "sgx_service"
    given = members(folder, 3)
    done = recover("--json", "--detach", "--service", "3806", *given, *words)
    assert done.returncode == 0, done.stderr
    told = steps(done)
    assert told["accepted"]["action"] == "set_constitution"

    async def in_force() -> str:
        async with connect(told["open"]) as anybody:
            path = f"/gov/service/constitution?api-version={API_VERSION}"
            return (await anybody.get(path)).text

    assert "// as of this recovery" in asyncio.run(in_force())


def test_a_constitution_needs_others_votes_where_all_must_agree(
    recover: Callable[..., Any], keys: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    script = tmp_path_factory.mktemp("scripts") / "all.js"
    script.write_text("\n".join(path.read_text() for path in constitution("default")))
    given = members(keys / "eol_service", 1)
    words = ["--constitution", script, "--service", "680c"]
    assert recover(*words).returncode == 2
    done = recover("--json", "--detach", *words, *given)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    waiting = [line for line in lines if line["step"] == "waiting_for_votes"]
    assert [bool(each["proposal"]) for each in waiting] == [True, False]


def test_other_members_may_do_their_part_later_and_elsewhere(
    recover: Callable[..., Any], keys: Path
) -> None:
    folder = keys / "eol_service"
    done = recover("--json", "--detach", "--service", "680c", *members(folder, 1))
    assert done.returncode == 0, done.stderr
    told = steps(done)
    waiting = told["waiting_for_votes"]

    async def others() -> None:
        async with connect(told["started"]) as anybody:
            rest = [
                RecoveryMember.of_files(anybody, KeyFiles(folder=folder, name=name))
                for name in ("member1", "member2")
            ]
            for member in rest:
                await member.governance.acknowledge()
            status = await rest[0].governance.vote(waiting["proposal"])
            assert status.state == "Accepted"
            assert status.txid is not None
            await anybody.wait_committed(status.txid)
            handed = await hand_in(rest)
            assert (handed.count, handed.is_enough) == (2, False)
            first = KeyFiles(folder=folder, name="member0")
            last = await hand_in([RecoveryMember.of_files(anybody, first)])
            assert last.is_enough

            await wait_recovered(anybody)

    asyncio.run(others())
    asyncio.run(check_open(told["started"], folder, 3, has_records=True))


def test_without_enough_members_it_says_who_is_missing_and_gives_up(
    recover: Callable[..., Any], keys: Path
) -> None:
    del keys
    done = recover("--service", "0f1f", "--timeout", "0")
    assert done.returncode == 1
    assert "ccfpy gov vote PROPOSAL --as NAME --url https://127.0.0.1:" in done.stdout
    assert "waited in vain for the members' votes" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "choose with --service one of "),
        (("--service", "beef"), "is none of those found"),
        (("--service", "0f", "--member", "nobody"), "give --member FOLDER/NAME"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_starts(
    recover: Callable[..., Any], tmp_path: Path, words: Sequence[str], told: str
) -> None:
    done = recover(*words)
    assert done.returncode == 2
    assert told in done.stderr
    assert list(tmp_path.iterdir()) == []

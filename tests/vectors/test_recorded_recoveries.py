"""Services that CCF itself recorded are brought back by their members' shares."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from apps.logging.app import app
from ccfpy.base.ids import Seqno
from ccfpy.crypto.certs import Certificate
from ccfpy.kv.snapshot import Entry
from ccfpy.kv.store import Store
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, recover_alone, submit_share
from ccfpy.testing.surroundings import Remains
from tests.unit.kv.plain_snapshot import snapshot_of
from tests.vectors.recording import Recording, ec_key, rsa_key

LOST_MS = 40_000_000_000
"""More than a year after simulated time begins: all of the services are older."""
SIGNED_TO = {"cose_flipflop_service": 46, "eol_service": 500, "sgx_service": 153}


class Case(NamedTuple):
    """A recorded service, with which of its remains it is recovered."""

    name: str
    with_snapshots: bool


CASES = [
    Case("cose_flipflop_service", with_snapshots=False),
    Case("eol_service", with_snapshots=False),
    Case("eol_service", with_snapshots=True),
    Case("sgx_service", with_snapshots=False),
    Case("sgx_service", with_snapshots=True),
]


def people(folder: Path) -> list[Person]:
    """Read the members' test keys."""
    keys = json.loads((folder / "test_keys.json").read_text())
    return [
        Person(
            key=ec_key(pair["signing"]),
            certificate=Certificate.from_pem((folder / f"{name}_cert.pem").read_text()),
            encryption_key=rsa_key(pair["encryption"]),
        )
        for name, pair in keys.items()
        if name.startswith("member")
    ]


def remains(recording: Recording, *, with_snapshots: bool) -> Remains:
    folder = recording.folder / "snapshots"
    found = folder.glob("*.committed") if with_snapshots else ()
    return Remains(
        entries=tuple(
            data for chunk in recording.chunks for _, _, data in chunk.entries()
        ),
        snapshots={path.name: path.read_bytes() for path in found},
        identity=(recording.folder / "common/service_cert.pem").read_text(),
        lost_ms=LOST_MS,
    )


class Recovered(NamedTuple):
    """A service that is back."""

    recording: Recording
    node: InProcessNode

    def get(self, path: str) -> Mapping[str, object]:
        reply: Mapping[str, object] = json.loads(self.node.request("GET", path).body)
        return reply

    @property
    def store(self) -> Store:
        running = self.node.trusted.running
        assert running is not None
        return running.tail.store


@pytest.fixture(scope="module")
def _recover(
    recordings: Callable[[str], Recording],
) -> Callable[[Case], Recovered]:
    def recover(case: Case) -> Recovered:
        recording = recordings(case.name)
        members = people(recording.folder / "common")
        node = recover_alone(
            remains(recording, with_snapshots=case.with_snapshots), app, members=members
        )
        assert node.host.stop is None
        asked = ask_for_shares(node)
        assert asked.status == 200, asked.body
        for member in members:
            assert submit_share(node, member).status == 200
        for _ in range(10):
            node.advance(100)
        assert node.host.stop is None
        return Recovered(recording, node)

    return cache(recover)


@pytest.fixture(params=CASES, ids=str)
def recovered(
    request: pytest.FixtureRequest, _recover: Callable[[Case], Recovered]
) -> Recovered:
    case: Case = request.param
    return _recover(case)


def test_they_are_open_with_all_that_was_signed(recovered: Recovered) -> None:
    assert recovered.get("/node/state")["state"] == "PartOfNetwork"
    network = recovered.get("/node/network")
    assert network["service_status"] == "Open"
    last = recovered.recording.transactions[SIGNED_TO[recovered.recording.name] - 1]
    expected = f"{last.txid.view + 2}.{last.txid.seqno + 1}"
    assert network["current_service_create_txid"] == expected


def test_their_private_state_is_what_their_ledger_secrets_open(
    recovered: Recovered, secrets_of: Callable[[str], LedgerSecrets]
) -> None:
    """To the version of every key, as old clients will ask for them."""
    recording = recovered.recording
    secrets = secrets_of(recording.name)
    truth = Store()
    for transaction in recording.transactions[: SIGNED_TO[recording.name]]:
        truth.apply(transaction.txid.seqno, transaction.private_writes(secrets))
    expected = _private(truth)
    assert bool(expected) is (recording.name != "sgx_service")
    assert _private(recovered.store) == expected


def _private(store: Store) -> Mapping[str, tuple[Seqno, set[Entry]]]:
    return {
        name: (version, set(entries))
        for name, version, entries in snapshot_of(store, store.version, public=False)
    }


def test_the_members_shares_are_of_a_secret_of_the_new_service(
    recovered: Recovered,
) -> None:
    """A second recovery needs no more than the first."""
    node = recovered.node
    again = recover_alone(node.remains(), app, members=node.members, seed=3)
    assert ask_for_shares(again).status == 200
    for member in node.members:
        assert submit_share(again, member).status == 200
    for _ in range(10):
        again.advance(100)
    state = json.loads(again.request("GET", "/node/state").body)
    assert state["state"] == "PartOfNetwork"

"""The ledger decides about writes, and what nodes say of missing ones is kept."""

import asyncio
import json
from pathlib import Path

import pytest

from apps.logging.app import app
from ccfpy.base.ids import TxId
from ccfpy.base.json import JsonObject
from ccfpy.client.share import constitution
from ccfpy.ledger.chunk import HEADER_BYTES, header, positions_table
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import ProcessNetwork
from ccfpy.local.node import NodeProcess
from ccfpy.testing.node import InProcessNode, Person
from tests.lab.moving.evidence import (
    EVIDENCE_FILE,
    WRITES_FILE,
    exchanged,
    in_places,
    not_in_ledger,
    of_node,
    public_writes,
    revived,
    transactions,
    twice,
    write_evidence,
    write_writes,
)
from tests.lab.moving.reading import Absent, Acknowledged, Seen
from tests.lab.moving.writers import Writers
from tests.unit.client.conftest import (
    Serve,
    serve,
    server_tls,
    service_key,
    service_pem,
)
from tests.unit.lab.moving.stand_in import Service, clients_of

__all__ = ["serve", "server_tls", "service_key", "service_pem"]

CUT = 4
"""How many entries the first file has."""
PUBLIC = 6
"""The number of a public write."""


def acknowledged(txid: TxId, number: int = 1) -> Acknowledged:
    return Acknowledged(
        number=number,
        txid=txid,
        answered_s=1.0,
        answered_by="https://a",
        committed_s=1.5,
        committed_by="https://b",
    )


@pytest.fixture(scope="module")
def entries() -> list[bytes]:
    """The ledger of a service that was opened."""
    text = "\n".join(path.read_text() for path in constitution("default"))
    members = [Person.make("member0", can_recover=True)]
    node = InProcessNode(app, constitution=text, members=members)
    user = Person.make("user0")
    node.open_service(user)
    body: JsonObject = {"id": PUBLIC, "msg": "x"}
    reply = node.request("POST", "/app/log/public", body=body, person=user)
    assert reply.status == 200
    node.advance(200)
    return list(node.host.entries)


@pytest.fixture
def network(tmp_path: Path, entries: list[bytes]) -> ProcessNetwork:
    """A node that stopped with two files, the second cut off, and one with none."""
    options = ServiceOptions(
        workspace=tmp_path, app="logging", constitution=(), program=("node",)
    )
    network = ProcessNetwork(options)
    network.nodes = [NodeProcess(options, number, Placement()) for number in range(2)]
    folder = network.nodes[0].ledger
    folder.mkdir(parents=True)
    positions = [HEADER_BYTES]
    for entry in entries[:CUT]:
        positions.append(positions[-1] + len(entry))
    end = positions.pop()
    (folder / f"ledger_1-{CUT}.committed").write_bytes(
        header(end) + b"".join(entries[:CUT]) + positions_table(positions)
    )
    (folder / f"ledger_{CUT + 1}").write_bytes(
        header(0) + b"".join(entries[CUT:]) + entries[0][:20]
    )
    return network


def test_each_place_of_the_ledger_has_a_transaction(
    network: ProcessNetwork, entries: list[bytes]
) -> None:
    ledger = transactions(sorted(network.nodes[0].ledger.iterdir()))
    assert list(ledger) == list(range(1, len(entries) + 1))
    assert ledger[CUT] == TxId(2, CUT)


def test_a_write_is_in_the_ledger_with_its_view_or_not_at_all() -> None:
    ledger = {7: TxId(2, 7), 8: TxId(4, 8)}
    there, of_a_view_before, beyond = map(
        acknowledged, (TxId(2, 7), TxId(2, 8), TxId(4, 9))
    )
    lost = not_in_ledger(ledger, [there, of_a_view_before, beyond])
    assert lost == [of_a_view_before, beyond]


def test_a_public_write_has_its_own_transaction(
    tmp_path: Path, entries: list[bytes]
) -> None:
    path = tmp_path / "ledger_1"
    path.write_bytes(header(0) + b"".join(entries))
    ((txid, number),) = public_writes([path]).items()
    assert number == PUBLIC
    own, other, private = (
        acknowledged(txid, number) for number in (PUBLIC, PUBLIC + 2, PUBLIC + 1)
    )
    assert exchanged({txid: number}, [own, other, private]) == [other]
    assert exchanged({}, [own]) == [own]


def test_two_writes_cannot_be_one_transaction() -> None:
    first, second, other = (
        acknowledged(TxId(2, seqno), number)
        for number, seqno in enumerate((7, 7, 8), start=1)
    )
    assert twice([first, second, other]) == [second]


def test_an_invalid_transaction_must_stay_away() -> None:
    ledger = {7: TxId(2, 7), 8: TxId(4, 8)}
    assert revived(ledger, [TxId(2, 8), TxId(4, 8), TxId(4, 9)]) == [TxId(4, 8)]


def test_what_nodes_have_in_the_place_of_a_missing_write_is_said(
    network: ProcessNetwork, tmp_path: Path
) -> None:
    write = acknowledged(TxId(1, CUT))
    seen = Seen(value=None, status="Invalid", troubles=[])
    missing = [Absent(write=write, url="https://c", seen=seen)]
    places = in_places(network, [CUT])
    assert places == {"n0": {"4": "2.4 in ledger_1-4.committed"}, "n1": {}}
    said: JsonObject = {"n0": {"writes": {"1": "Invalid: None"}}}
    lines = list(write_evidence(tmp_path, missing, said, places))
    assert "write 1 in 1.4" in lines[0]
    assert "n0 has 2.4 in ledger_1-4.committed" in lines[1]
    kept = json.loads((tmp_path / EVIDENCE_FILE).read_text())
    assert kept["missing"][0]["committed_by"] == "https://b"
    assert kept["nodes"] == said


def test_a_node_is_asked_for_its_views_and_for_each_missing_write(
    serve: Serve, service_pem: str, tmp_path: Path
) -> None:
    seen = Seen(value=None, status="Invalid", troubles=[])
    missing = [Absent(write=acknowledged(TxId(2, 8)), url="https://c", seen=seen)]

    async def run() -> JsonObject:
        async with clients_of(
            Service(["Invalid"]), serve=serve, service_pem=service_pem, folder=tmp_path
        ) as (writers, _, url):
            return await of_node(url, writers, missing)

    said = asyncio.run(run())
    assert said["/node/commit?view_history=true"] == {
        "transaction_id": "4.9",
        "view_history": ["2.1", "4.8"],
    }
    assert said["writes"] == {"1": "Invalid: None"}
    assert "404" in str(said["/node/consensus"])


def test_all_that_clients_were_told_is_kept(
    network: ProcessNetwork, tmp_path: Path
) -> None:
    writers = Writers(network, pause_s=0)
    writers.acknowledged[1] = acknowledged(TxId(2, 7))
    writers.invalid.append(TxId(2, 9))
    write_writes(tmp_path, writers)
    first, second = (tmp_path / WRITES_FILE).read_text().splitlines()
    assert json.loads(first)["txid"] == "2.7"
    assert json.loads(second) == {"invalid": "2.9"}

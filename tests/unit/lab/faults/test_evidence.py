"""The contradictions that nodes' files must not have."""

from pathlib import Path

import pytest

from ccfpy.base.ids import TxId
from ccfpy.client.share import constitution
from ccfpy.ledger.chunk import HEADER_BYTES, header, positions_table
from ccfpy.ledger.secrets import LedgerSecret
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.node import NodeProcess
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.testing.node import InProcessNode, Person
from tests.damage import with_a_bit_changed
from tests.lab.consistency import Inconsistent, Property
from tests.lab.consistency.history import InLedger
from tests.lab.consistency.ledgers import Ivs
from tests.lab.faults.app import app
from tests.lab.faults.evidence import (
    EvidenceDiffers,
    gather_evidence,
    watch_entries,
)
from tests.unit.ledger.sealed import seal

SPLIT = 8
"""How many entries the first file has."""


@pytest.fixture(scope="module")
def entries() -> list[bytes]:
    """Return the ledger of a service with two writes and an unsigned third."""
    user = Person.make("user0")
    text = "\n".join(path.read_text() for path in constitution("default"))
    members = [Person.make("member0", can_recover=True)]
    node = InProcessNode(app, constitution=text, members=members)
    node.advance(200)
    node.open_service(user)
    for op in (1, 2):
        path = "/app/objects/list/0"
        node.request("POST", path, body={"op": op}, person=user)
    node.advance(1000)
    node.request("POST", "/app/objects/list/0", body={"op": 3}, person=user)
    return list(node.host.entries)


def _node(workspace: Path, number: int) -> NodeProcess:
    options = ServiceOptions(
        workspace=workspace, app="faults", constitution=(), program=("node",)
    )
    node = NodeProcess(options, number, Placement())
    node.ledger.mkdir(parents=True)
    return node


def _write_committed(node: NodeProcess, entries: list[bytes]) -> Path:
    positions = [HEADER_BYTES]
    for entry in entries:
        positions.append(positions[-1] + len(entry))
    end = positions.pop()
    path = node.ledger / f"ledger_1-{len(entries)}.committed"
    data = header(end) + b"".join(entries) + positions_table(positions)
    path.write_bytes(data)
    return path


def _write_open(node: NodeProcess, first: int, entries: list[bytes]) -> None:
    (node.ledger / f"ledger_{first}").write_bytes(header(0) + b"".join(entries))


def test_the_longest_ledger_tells_what_is_committed(
    tmp_path: Path, entries: list[bytes]
) -> None:
    whole, short, joined = (_node(tmp_path, number) for number in range(3))
    nothing = _node(tmp_path, 3)
    for node in (whole, short):
        _write_committed(node, entries[:SPLIT])
    _write_open(whole, SPLIT + 1, entries[SPLIT:])
    _write_open(short, SPLIT + 1, entries[SPLIT : SPLIT + 1])
    # One that began with a snapshot lacks the first file.
    _write_open(joined, SPLIT + 1, entries[SPLIT:-1])
    ivs = Ivs()
    found = gather_evidence([whole, short, joined, nothing], ivs)
    assert (found.chunks, found.copies) == (1, 2)
    assert len(ivs) == len(entries)
    assert found.last_signed.seqno == len(entries) - 1
    assert [(line.key, line.op, line.count) for line in found.writes] == [
        ("list/0", 1, 1),
        ("list/0", 2, 2),
    ]
    assert all(isinstance(line, InLedger) for line in found.writes)


def test_committed_files_that_differ_are_found(
    tmp_path: Path, entries: list[bytes]
) -> None:
    one, two = _node(tmp_path, 0), _node(tmp_path, 1)
    _write_committed(one, entries[:SPLIT])
    path = _write_committed(two, entries[:SPLIT])
    path.write_bytes(with_a_bit_changed(path.read_bytes()))
    with pytest.raises(EvidenceDiffers, match="differ"):
        gather_evidence([one, two], Ivs())
    path.unlink()
    _write_committed(two, entries[: SPLIT + 1])
    with pytest.raises(EvidenceDiffers, match="cut the ledger differently"):
        gather_evidence([one, two], Ivs())


def test_a_damaged_ledger_is_found(tmp_path: Path, entries: list[bytes]) -> None:
    node = _node(tmp_path, 0)
    spoilt = bytearray(entries[3])
    spoilt[-1] ^= 1
    _write_open(node, 1, [*entries[:3], bytes(spoilt), *entries[4:]])
    with pytest.raises(EvidenceDiffers, match="is damaged"):
        gather_evidence([node], Ivs())


def test_without_any_ledger_there_is_no_evidence(tmp_path: Path) -> None:
    with pytest.raises(EvidenceDiffers, match="no node"):
        gather_evidence([_node(tmp_path, 0)], Ivs())


def test_what_is_cut_off_again_has_used_its_iv(
    tmp_path: Path, entries: list[bytes]
) -> None:
    node = _node(tmp_path, 0)
    secret = LedgerSecret.generate(SeededEntropy(1))
    last = TxId(2, len(entries))
    cut_off = seal(secret, last, {"private": {b"k": b"v"}}).data
    _write_open(node, 1, [*entries[:-1], cut_off])
    ivs = Ivs()
    watch_entries([node, NodeProcess(node._options, 9, Placement())], ivs)
    _write_open(node, 1, entries)
    with pytest.raises(Inconsistent) as caught:
        gather_evidence([node], ivs)
    assert caught.value.broken is Property.UNIQUE_KEY_IV

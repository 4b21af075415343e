"""CCF's own tools read, verify and take apart the ledgers that ccfpy writes."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from ccfpy.audit.auditor import ChunkFile, Damage, Summary, audit
from ccfpy.audit.chunks import arrange
from ccfpy.cli.ledger_export import split_chunk
from ccfpy.ledger.chunk import Chunk, ChunkName
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.signature import is_signature
from tests.interop.environments import Tools
from tests.interop.service import MadeService


def _transactions(made: MadeService) -> list[Transaction]:
    return [Transaction.parse(entry) for entry in made.node.host.entries]


def _audit(tools: Tools, ledger: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(tools.answer("audit_ledger.py", ledger))
    return found


@pytest.fixture(scope="module")
def found(made: MadeService, tools: Tools) -> dict[str, Any]:
    """What the tools' own validator found in the whole ledger."""
    return _audit(tools, made.ledger)


def _damages(ledger: Path) -> list[Damage]:
    names = arrange(path.name for path in ledger.iterdir())
    files = [ChunkFile(str(n), (ledger / str(n)).read_bytes) for n in names]
    findings = list(audit(files))
    assert isinstance(findings[-1], Summary)
    return [finding for finding in findings if isinstance(finding, Damage)]


def _copy(made: MadeService, to: Path) -> Path:
    return Path(shutil.copytree(made.ledger, to / "copy"))


def test_the_ledger_has_what_these_tests_are_about(made: MadeService) -> None:
    names = [ChunkName.parse(path.name) for path in made.chunks]
    assert sum(name.is_committed for name in names) >= 5
    assert names[-1].is_open
    assert len(set(made.service_certificates)) == 3
    transactions = _transactions(made)
    assert not is_signature(transactions[-1].domain.write_set)
    signatures = [t for t in transactions if is_signature(t.domain.write_set)]
    assert len(signatures) >= 8


def test_every_transaction_and_signature_verifies(
    made: MadeService, found: dict[str, Any]
) -> None:
    transactions = _transactions(made)
    signed = [t for t in transactions if is_signature(t.domain.write_set)]
    assert found["leaves"] == [t.leaf.hex() for t in transactions]
    assert found["signatures"] == len(signed)
    assert found["verified_until"] == str(signed[-1].txid)
    assert found["service_status"] == "Open"
    assert found["service_certificate"] == made.service_certificates[-1]


def test_its_merkle_root_is_ours(made: MadeService, found: dict[str, Any]) -> None:
    root = made.tail.root_at(len(made.node.host.entries))
    assert found["root"] == root.hex()


def test_its_public_tables_are_ours(made: MadeService, found: dict[str, Any]) -> None:
    state = found["state"]
    tx = made.tail.begin(read_only=True)
    for name, table in state.items():
        ours = {key.hex(): value.hex() for key, value in tx.raw(name).items()}
        assert table == ours, name
    written = {
        name
        for transaction in _transactions(made)
        for name in transaction.domain.write_set
    }
    assert state.keys() == written
    assert "public:ccf.gov.members.info" in state


def test_read_ledger_shows_tables_and_verifies(made: MadeService, tools: Tools) -> None:
    shown = tools.ok("read_ledger.py", "--uncommitted", made.ledger).decode()
    assert "Ledger verification complete" in shown
    assert "in the open chunk" in shown
    assert "kept to ourselves" not in shown
    last_signed = f"{made.node.host.commit}"
    assert re.search(rf"until 2\.{last_signed}\b", shown)


def test_read_ledger_prints_a_digest_for_each_entry(
    made: MadeService, tools: Tools
) -> None:
    shown = tools.ok("read_ledger.py", "-d", "--uncommitted", made.ledger).decode()
    printed = re.findall(r"^(\d+\.\d+) ([0-9a-f]{64})$", shown, re.MULTILINE)
    ours = [
        (str(t.txid), t.components.write_set_digest.hex()) for t in _transactions(made)
    ]
    assert printed == ours


def test_each_complete_chunk_verifies_alone_by_the_trees_it_stores(
    made: MadeService, ccf7: Tools
) -> None:
    for chunk in made.chunks[:-1]:
        words = ("--verification-level", "MERKLE", "-q", chunk)
        shown = ccf7.ok("read_ledger.py", *words).decode()
        signed = re.search(r"Verified MERKLE - \d+ transactions, (\d+) sig", shown)
        assert signed is not None
        assert int(signed[1]) >= 1


def test_the_chain_of_ledger_secrets_holds(made: MadeService, tools: Tools) -> None:
    words = ("--uncommitted", made.ledger)
    shown = tools.ok("verify_ledger_secrets_chain.py", *words).decode()
    records = [json.loads(line) for line in shown.splitlines() if line[:1] == "{"]
    assert len(records) == 3
    assert "next_version" in records[0]["entry"]


def test_the_code_that_nodes_ran_is_listed(made: MadeService, ccf7: Tools) -> None:
    # CCF 6's tool of this name fails on every ledger: its validator is a tuple.
    shown = ccf7.ok("ledger_code.py", made.ledger).decode()
    assert re.search(r"^2\.1 Introduced : .*Insecure_Virtual", shown, re.MULTILINE)


def test_it_is_drawn_with_a_tile_for_each_signature(
    made: MadeService, ccf7: Tools
) -> None:
    # CCF 6's tool of this name draws on a terminal only; CCF 7's has no tile for a new
    # certificate of the same service.
    drawn = ccf7.ok("ledger_viz.py", "--uncommitted", made.ledger).decode()
    _, _, tiles = drawn.partition("\n\n")
    signed = [t for t in _transactions(made) if is_signature(t.domain.write_set)]
    assert tiles.count("\x1b[42m") == len(signed)
    renewals = len(made.service_certificates) - 1
    assert tiles.count("\x1b[4") == len(made.node.host.entries) - renewals


def _signatures(path: Path) -> list[int]:
    chunk = Chunk.parse(ChunkName.parse(path.name), path.read_bytes())
    return [
        seqno
        for seqno, _, entry in chunk.entries()
        if is_signature(Transaction.parse(entry).domain.write_set)
    ]


def _chunk_to_split(made: MadeService) -> tuple[Path, list[int]]:
    """Return a complete chunk that a signature divides."""
    for path in made.chunks[:-1]:
        signed = _signatures(path)
        if len(signed) > 1:
            return path, signed
    pytest.fail("no chunk has two signatures")


def test_a_chunk_split_by_its_tool_still_verifies(
    made: MadeService, tools: Tools, found: dict[str, Any], tmp_path: Path
) -> None:
    copy = _copy(made, tmp_path)
    path, signed = _chunk_to_split(made)
    words = ("--output-dir", tmp_path / "parts", path, str(signed[0]))
    tools.ok("split_ledger.py", *words)
    parts = list((tmp_path / "parts").iterdir())
    assert len(parts) == 2
    (copy / path.name).unlink()
    for part in parts:
        part.rename(copy / part.name)
    assert _damages(copy) == []
    assert _audit(tools, copy)["leaves"] == found["leaves"]


def test_a_chunk_split_by_ours_still_verifies(
    made: MadeService, tools: Tools, found: dict[str, Any], tmp_path: Path
) -> None:
    copy = _copy(made, tmp_path)
    path, signed = _chunk_to_split(made)
    parts = split_chunk(path, signed[0], tmp_path / "parts", allow_non_signature=False)
    (copy / path.name).unlink()
    for part in parts:
        part.rename(copy / part.name)
    assert _audit(tools, copy)["leaves"] == found["leaves"]


def test_a_chunk_is_not_split_between_signatures(
    made: MadeService, tools: Tools, tmp_path: Path
) -> None:
    path, signed = _chunk_to_split(made)
    words = ("--output-dir", tmp_path / "parts", path, str(signed[0] - 1))
    done = tools.run("split_ledger.py", *words)
    assert done.returncode != 0
    assert b"must be a signature" in done.stderr


@pytest.mark.parametrize("chunk", [0, 2, 4])
def test_one_changed_bit_is_found_by_its_tools_and_by_ours(
    made: MadeService, tools: Tools, tmp_path: Path, chunk: int
) -> None:
    copy = _copy(made, tmp_path)
    path = copy / made.chunks[chunk].name
    data = bytearray(path.read_bytes())
    first = int.from_bytes(data[10:16], "little")
    data[8 + 8 + first - 1] ^= 1  # the last byte of its first entry
    path.write_bytes(data)
    assert tools.program("audit_ledger.py", copy).returncode != 0
    assert _damages(copy) != []

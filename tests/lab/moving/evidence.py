"""What can be said of writes that are missing, and what the ledgers say of all writes.

While the nodes run, each node is asked what it knows of the missing writes. After they
have stopped, their files say which transaction each ledger has in a write's place.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno, TxId
from ccfpy.base.json import Json, JsonObject, dumps
from ccfpy.client.errors import ClientError
from ccfpy.ledger.chunk import Chunk, ChunkName, is_chunk_name
from ccfpy.ledger.entry import Transaction
from ccfpy.local.network import ProcessNetwork
from tests.lab.moving.reading import Absent, Acknowledged, is_public, look_up
from tests.lab.moving.writers import Writers

NAMED_MAX = 20
"""Missing writes of which nodes are asked, and which are named."""
LOOK_TIMEOUT_S = 2.0
PUBLIC_TABLE = "public:records"
EVIDENCE_FILE, WRITES_FILE = "evidence.json", "writes.jsonl"


async def testimony(
    network: ProcessNetwork, writers: Writers, missing: Sequence[Absent]
) -> JsonObject:
    """Return what each node that serves says of its views and of missing writes.

    Nodes that have left are named with their addresses: one of them may have called a
    write committed.
    """
    said: JsonObject = {node.name: {"url": node.url} for node in network.nodes}
    for node in network.serving:
        said[node.name] = await of_node(node.url, writers, missing)
    return said


async def of_node(url: str, writers: Writers, missing: Sequence[Absent]) -> JsonObject:
    """Return what the node at an address says of its views and of missing writes."""
    said: JsonObject = {"url": url}
    async with writers.connect([url]) as connection:
        for path in ("/node/commit?view_history=true", "/node/consensus"):
            try:
                said[path] = (await connection.get(path)).object()
            except ClientError as error:
                said[path] = str(error)
        said["writes"] = {
            str(absent.write.number): f"{seen.status}: {seen.value!r}"
            for absent in missing[:NAMED_MAX]
            for seen in [
                await look_up(
                    connection,
                    absent.write.number,
                    absent.write.txid,
                    timeout_s=LOOK_TIMEOUT_S,
                )
            ]
        }
    return said


def transactions(files: Iterable[Path]) -> Mapping[Seqno, TxId]:
    """Return the transaction at each place of some files."""
    found: dict[Seqno, TxId] = {}
    for path in files:
        try:
            chunk = Chunk.parse(ChunkName.parse(path.name), path.read_bytes())
            for seqno, _, data in chunk.entries():
                found[seqno] = Transaction.parse(data).txid
        except Malformed:
            continue  # the end of a file that a killed node was writing
    return found


def public_writes(files: Iterable[Path]) -> Mapping[TxId, int]:
    """Return the number of the message that each write to the public table has."""
    found: dict[TxId, int] = {}
    for path in files:
        chunk = Chunk.parse(ChunkName.parse(path.name), path.read_bytes())
        for _, _, data in chunk.entries():
            transaction = Transaction.parse(data)
            for key in transaction.domain.write_set.get(PUBLIC_TABLE, {}):
                found[transaction.txid] = int(key)
    return found


def exchanged(
    numbers: Mapping[TxId, int], acknowledged: Iterable[Acknowledged]
) -> Sequence[Acknowledged]:
    """Return the public writes whose transactions are those of other writes.

    A client that takes a late answer for the next one has such ids.
    """
    return [
        write
        for write in acknowledged
        if is_public(write.number) and numbers.get(write.txid) != write.number
    ]


def in_places(network: ProcessNetwork, seqnos: Sequence[Seqno]) -> JsonObject:
    """Return what the ledger of each node, dead ones included, has at some places."""
    found: JsonObject = {}
    for node in network.nodes:
        held: dict[str, Json] = {}
        paths = node.ledger.iterdir() if node.ledger.is_dir() else ()
        for path in sorted(path for path in paths if is_chunk_name(path.name)):
            own = transactions([path])
            held |= {
                str(seqno): f"{own[seqno]} in {path.name}"
                for seqno in seqnos
                if seqno in own
            }
        found[node.name] = held
    return found


def not_in_ledger(
    ledger: Mapping[Seqno, TxId], acknowledged: Iterable[Acknowledged]
) -> Sequence[Acknowledged]:
    """Return the acknowledged writes whose transactions the ledger does not have."""
    return [
        write for write in acknowledged if ledger.get(write.txid.seqno) != write.txid
    ]


def twice(acknowledged: Iterable[Acknowledged]) -> Sequence[Acknowledged]:
    """Return the writes that were given the transaction of an earlier write.

    Two primaries of one view would give the same transaction to two writes.
    """
    seen: dict[TxId, Acknowledged] = {}
    return [
        write for write in acknowledged if seen.setdefault(write.txid, write) != write
    ]


def revived(ledger: Mapping[Seqno, TxId], invalid: Iterable[TxId]) -> Sequence[TxId]:
    """Return the transactions that a node called invalid, and the ledger has."""
    return [txid for txid in invalid if ledger.get(txid.seqno) == txid]


def write_writes(folder: Path, writers: Writers) -> None:
    """Write a line of JSON for each acknowledged write, and for each invalid one."""
    with (folder / WRITES_FILE).open("wb") as file:
        for write in writers.acknowledged.values():
            file.write(dumps(_as_json(write)) + b"\n")
        for txid in writers.invalid:
            file.write(dumps({"invalid": str(txid)}) + b"\n")


def write_evidence(
    folder: Path, missing: Sequence[Absent], said: JsonObject, ledgers: JsonObject
) -> Iterator[str]:
    """Write all that is known of missing writes to a file, and yield it in short.

    Args:
        folder: where the file goes.
        missing: the writes.
        said: the testimony of the nodes.
        ledgers: what their ledgers have in the writes' places.
    """
    path = folder / EVIDENCE_FILE
    evidence: JsonObject = {
        "missing": [
            _as_json(absent.write) | {"absence": str(absent)} for absent in missing
        ],
        "nodes": said,
        "ledgers": ledgers,
    }
    path.write_bytes(dumps(evidence))
    for absent in missing[:NAMED_MAX]:
        yield f"MISSING {absent}"
        for name, held in ledgers.items():
            assert isinstance(held, dict), held
            if (entry := held.get(str(absent.write.txid.seqno))) is not None:
                yield f"        the ledger of {name} has {entry}"
    yield f"what each node says of its views and of these writes is in {path}"


def _as_json(write: Acknowledged) -> JsonObject:
    return dataclasses.asdict(write) | {"txid": str(write.txid)}

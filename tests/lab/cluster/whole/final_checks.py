"""What must hold of a run as a whole, once it is over.

* Every node's state is the sum of its ledger.
* Every chunk on every disk is a part of its node's ledger; committed files of one name
  are the same on all disks.
* Every committed snapshot can be started from, and is the state at its seqno.
* What nodes told of the past, and their indexes, is the final ledger, and is proved.
* What clients saw is what the service promises (`tests.lab.consistency`).
"""

from collections.abc import Iterator, Mapping

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import Seqno
from ccfpy.crypto.certs import Certificate
from ccfpy.kv.store import Store
from ccfpy.kv.versions import Node, node_below
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.ledger.snapshot import SnapshotName
from ccfpy.node.snapshots.starting_point import StartingPoint
from tests.lab.cluster.whole.answers import check_indexes, check_past
from tests.lab.cluster.whole.app import OBJECTS, WRITES
from tests.lab.cluster.whole.disks import check_chunks, chunks_of
from tests.lab.cluster.whole.host import SNAPSHOTS, SimulatedNode
from tests.lab.cluster.whole.stage import Stage
from tests.lab.consistency.checker import check
from tests.lab.consistency.history import History, InLedger
from tests.lab.consistency.properties import Inconsistent
from tests.lab.invariants.violated import Violated

_State = list[tuple[str, Seqno, dict[bytes, tuple[Seqno, bytes]]]]
"""Every map that was ever written to: its name, version, and what it holds."""


def check_run(stage: Stage) -> None:
    """Check the states, the disks and the history of a run against each other.

    Raises:
        Violated: they contradict each other.
    """
    _check_states(stage)
    _check_disks(stage)
    _check_history(stage)
    _check_told(stage)


def _secrets(stage: Stage) -> LedgerSecrets:
    """Return the ledger secrets of the node that is furthest."""
    joined = [node for node in stage.world.nodes if node.has_joined]
    best = max(joined, key=lambda node: (node.commit, node.is_alive))
    return best.running.tail.secrets


def _state_of(store: Store, seqno: Seqno) -> _State:
    maps = store.freeze(seqno, public=True) + store.freeze(seqno, public=False)
    return [
        (name, version, dict(_entries_at(chains, seqno)))
        for name, version, chains in maps
    ]


def _entries_at(
    chains: Mapping[bytes, Node], seqno: Seqno
) -> Iterator[tuple[bytes, tuple[Seqno, bytes]]]:
    for key, newest in chains.items():
        node = node_below(newest, seqno)
        if node is not None and node[1] is not None:
            yield key, (node[0], node[1])


def _check_states(stage: Stage) -> None:
    """Replay the final entries, and compare with every node and snapshot on the way."""
    secrets = _secrets(stage)
    ends: dict[Seqno, list[SimulatedNode]] = {}
    for node in stage.world.nodes:
        if node.has_joined and node.commit:
            ends.setdefault(node.commit, []).append(node)
    snapshots = _snapshots(stage)
    store = Store()
    for seqno, data in enumerate(stage.watch.final, start=1):
        try:
            store.apply(seqno, Transaction.parse(data).writes(secrets))
        except CcfpyError as error:
            raise Violated("LedgerReads", f"entry {seqno}: {error}") from None
        if seqno in ends or seqno in snapshots:
            state = _state_of(store, seqno)
            for node in ends.get(seqno, ()):
                _check_state(node, seqno, state)
            for where, file in snapshots.pop(seqno, {}).items():
                _check_snapshot(stage, where, file, state)
        store.compact(seqno)
    if snapshots:
        raise Violated("SnapshotsAreFinal", f"snapshots of {sorted(snapshots)}")


def _check_state(node: SimulatedNode, seqno: Seqno, state: _State) -> None:
    store = node.running.tail.store
    if store.committed != seqno:
        # The node stopped within a step, before its end.
        return
    found = _state_of(store, seqno)
    if found != state:
        names = _differing(found, state)
        raise Violated("StateIsLedger", f"node {node.name} at {seqno}: {names}")


def _differing(some: _State, other: _State) -> list[str]:
    names = {name for one in (some, other) for name, _, _ in one}
    return sorted(
        name
        for name in names
        if [m for m in some if m[0] == name] != [m for m in other if m[0] == name]
    )


def _snapshots(stage: Stage) -> dict[Seqno, dict[str, bytes]]:
    """Return every committed snapshot on any disk, by its seqno."""
    found: dict[Seqno, dict[str, bytes]] = {}
    for node in stage.world.nodes:
        disk = node.files.disk
        disk.fault = None
        for text in disk.names(SNAPSHOTS):
            name = SnapshotName.parse(text)
            if name.is_committed:
                where = f"{node.name}:{text}"
                at = found.setdefault(name.seqno, {})
                at[where] = disk.content(SNAPSHOTS / text)
    return found


def _check_snapshot(stage: Stage, where: str, data: bytes, state: _State) -> None:
    founder = stage.world.nodes[0].identity
    assert founder is not None, "it began the service"
    identity = Certificate.from_pem(founder.service_certificate or b"")
    store = Store()
    try:
        StartingPoint.read(data, [identity]).install(store, _secrets(stage))
    except CcfpyError as error:
        raise Violated("SnapshotStarts", f"{where}: {error}") from None
    found = _state_of(store, store.version)
    if found != state:
        names = _differing(found, state)
        raise Violated("SnapshotIsState", f"{where}: {names}")


def _check_disks(stage: Stage) -> None:
    committed: dict[str, bytes] = {}
    for node in stage.world.nodes:
        if node.is_alive and not node.is_doomed:
            node.files.ledger.flush()
        must_survive = node.is_alive and not node.is_doomed
        check_chunks(node, node.files.disk, must_survive=must_survive)
        for name, data in chunks_of(node.files.disk):
            if name.is_committed and committed.setdefault(str(name), data) != data:
                raise Violated("CommittedFilesEqual", f"{name} on node {node.name}")
            is_whole = name.last is not None and name.last <= node.commit
            if must_survive and is_whole and not name.is_committed:
                raise Violated("CommittedNames", f"{name} on node {node.name}")
        for text in node.files.disk.names(SNAPSHOTS):
            data = node.files.disk.content(SNAPSHOTS / text)
            is_committed = SnapshotName.parse(text).is_committed
            if is_committed and committed.setdefault(text, data) != data:
                raise Violated("CommittedFilesEqual", f"{text} on node {node.name}")


def _check_told(stage: Stage) -> None:
    """Check what nodes told of the past against the final ledger."""
    secrets = _secrets(stage)
    transactions = [Transaction.parse(data) for data in stage.watch.final]
    written = [transaction.writes(secrets) for transaction in transactions]
    writes: dict[str, list[Seqno]] = {}
    for seqno, write_set in enumerate(written, start=1):
        for key in OBJECTS.decode_writes(write_set.get(OBJECTS.name, {})):
            writes.setdefault(key, []).append(seqno)
    founder = stage.world.nodes[0].identity
    assert founder is not None, "it began the service"
    check_past(
        stage.clients.past,
        transactions=transactions,
        tables=[sorted(write_set) for write_set in written],
        service=Certificate.from_pem(founder.service_certificate or b""),
    )
    check_indexes(stage.clients.indexes, writes=writes)


def _check_history(stage: Stage) -> None:
    secrets = _secrets(stage)
    lines: list[InLedger] = []
    for data in stage.watch.final:
        transaction = Transaction.parse(data)
        writes = transaction.writes(secrets).get(WRITES.name)
        for op, written in WRITES.decode_writes(writes or {}).items():
            if written is not None:
                lines.append(
                    InLedger(
                        txid=transaction.txid,
                        key=written.key,
                        op=op,
                        count=written.count,
                    )
                )
    try:
        check(History(events=stage.clients.events, ledger=lines or None))
    except Inconsistent as error:
        raise Violated("Consistency", str(error)) from None

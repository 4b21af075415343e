"""Nodes that are broken on purpose, because a simulator must be able to fail.

Each mistake is in a part that only whole nodes have: ledgers, secrets, snapshots,
channels. Mistakes in consensus have a catalogue of their own
(`tests.lab.cluster.mutants`).
"""

from ccfpy.kv import store, tx
from ccfpy.ledger import entry, seal, secrets
from ccfpy.node.channels import keys
from ccfpy.node.replication import ledger_tail, replication
from ccfpy.node.snapshots import snapshotter
from tests.lab.cluster.mutants.mutant import Edit, Mutant
from tests.lab.cluster.whole.simulation import Run, run

BROKEN = (
    Mutant(
        name="signature of an old view",
        reason="A new primary signs in the view in which another led.",
        edits=(
            Edit(
                module=replication,
                function="Replication.sign",
                before="self.raft.view",
                after="max(self.raft.view - 1, 2)",
            ),
        ),
    ),
    Mutant(
        name="secrets outlive a rollback",
        reason="A ledger secret stays whose rekey was taken back.",
        edits=(
            Edit(
                module=secrets,
                function="LedgerSecrets.rollback",
                before="self._versions[-1] > kept",
                after="kept < 0",
            ),
        ),
    ),
    Mutant(
        name="tree outlives a rollback",
        reason="The Merkle tree keeps entries that were taken back.",
        edits=(
            Edit(
                module=ledger_tail,
                function="LedgerTail.rollback",
                before="self._tree.retract(to)",
                after="pass",
            ),
        ),
    ),
    Mutant(
        name="ledger outlives a rollback",
        reason="The host is not told that entries were taken back.",
        edits=(
            Edit(
                module=ledger_tail,
                function="LedgerTail.rollback",
                before="self._outbox.put(TruncateLedger(seqno=to))",
                after="pass",
            ),
        ),
    ),
    Mutant(
        name="snapshot without its tree",
        reason="A snapshot does not say where in the tree it stands.",
        edits=(
            Edit(
                module=snapshotter,
                function="Snapshotter._take",
                before="leaf=ledger.settled_tree().leaf(seqno)",
                after="leaf=bytes(32)",
            ),
        ),
    ),
    Mutant(
        name="snapshot of what is not final",
        reason="A snapshot is of the newest state.",
        edits=(
            Edit(
                module=snapshotter,
                function="Snapshotter._take",
                before="private=ledger.store.freeze(seqno, public=False)",
                after="private=ledger.store.freeze(ledger.store.version, public=False)",
            ),
        ),
    ),
    Mutant(
        name="snapshot under an entry's nonce",
        reason="A snapshot's IV is that of an entry of the first view.",
        edits=(
            Edit(
                module=entry,
                function="snapshot_iv",
                before="SNAPSHOT_BIT",
                after="2",
            ),
        ),
    ),
    Mutant(
        name="channel does not count",
        reason="Every message of a channel has the same nonce.",
        edits=(
            Edit(
                module=keys,
                function="Keys.seal",
                before="self.sent += 1",
                after="self.sent = 1",
            ),
        ),
    ),
    Mutant(
        name="private part in the clear",
        reason="Entries hold what should be encrypted.",
        edits=(
            Edit(
                module=seal,
                function="seal_all",
                before="+ clear + ciphertext",
                after="+ clear + each.private",
            ),
        ),
    ),
    Mutant(
        name="slow write without a check",
        reason="What a slow call writes is applied whatever others wrote meanwhile.",
        edits=(
            Edit(
                module=store,
                function="Store.end",
                before="is_behind or tx.generation != self.generation",
                after="False",
            ),
        ),
    ),
    Mutant(
        name="slow read of two states",
        reason="A slow call reads what was committed after it began.",
        edits=(
            Edit(
                module=tx,
                function="MapHandle._node",
                before="node[0] <= version:",
                after="True:",
            ),
        ),
    ),
)

CAUGHT_BY: dict[str, tuple[int, str]] = {
    "signature of an old view": (0, "EntriesVerify"),
    "secrets outlive a rollback": (22, "EntriesVerify"),
    "tree outlives a rollback": (2, "StepEnds"),
    "ledger outlives a rollback": (2, "LedgerOrder"),
    "snapshot without its tree": (4, "RootsEqual"),
    "snapshot of what is not final": (1, "SnapshotIsState"),
    "snapshot under an entry's nonce": (0, "NonceOnce"),
    "channel does not count": (0, "NonceOnce"),
    "private part in the clear": (0, "NothingPrivate"),
    "slow write without a check": (0, "Consistency"),
    "slow read of two states": (4, "OneState"),
}
"""A seed that catches each, and what it violates.

A change of nodes, or of the simulation, moves them.
"""


def mistake(name: str) -> Mutant:
    """Return a mistake by its name."""
    return next(mutant for mutant in BROKEN if mutant.name == name)


def caught(mutant: Mutant, *, first: int, seeds: int, acts: int) -> Run | None:
    """Return the first of so many seeds that a mistake fails with, or None."""
    with mutant.applied():
        for seed in range(first, first + seeds):
            outcome = run(seed, acts=acts)
            if outcome.failure is not None:
                return outcome
    return None

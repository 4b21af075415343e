"""Mistakes in a node, in parts that only whole nodes have: ledgers, secrets, snapshots.

Each says what must find it: a seed of whole nodes (`kills`), its story, or a test. The
ledger's past has a catalogue of its own (`past`).
"""

from ccfpy.consensus import elections, following
from ccfpy.kv import store, tx
from ccfpy.ledger import entry, sealing, secrets
from ccfpy.node import table_hooks
from ccfpy.node.channels import keys
from ccfpy.node.replication import commits, ledger_tail, replication, verification
from ccfpy.node.snapshots import snapshotter, starting_point
from ccfpy.node.startup import join
from ccfpy.service import nodes as service_nodes
from tests.lab.cluster.mutants.mutant import Edit, Mutant

NODES = (
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
                module=sealing,
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
        story=(
            "slow 0 2",
            "write 0 a",
            "run_on 0 0",
            "write 0 a",
            "run_on 0 0",
            "pass 400",
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
        story=(
            "write 0 a",
            "pass 200",
            "slow 0 2",
            "read 0 a",
            "run_on 0 0",
            "write 0 a",
            "run_on 0 0",
            "pass 400",
        ),
    ),
    Mutant(
        name="receipts outlive a rollback",
        reason=("Components of receipts stay of entries that were taken back."),
        edits=(
            Edit(
                module=ledger_tail,
                function="LedgerTail.rollback",
                before="self._proofs.rollback(to)",
                after="pass",
            ),
        ),
    ),
    Mutant(
        name="the last signature outlives a rollback",
        reason=(
            "The next signature stores a tree that begins after what it must prove."
        ),
        edits=(
            Edit(
                module=ledger_tail,
                function="LedgerTail.rollback",
                before="self._signed_seqno = signed",
                after="pass",
            ),
        ),
        found_by=(
            "tests/unit/node/replication/test_ledger_tail.py::"
            "test_after_a_rollback_the_next_signature_stores_the_tree_since_the_last"
        ),
    ),
    Mutant(
        name="recent entries outlive a rollback",
        reason="Entries in memory stay that were taken back.",
        edits=(
            Edit(
                module=ledger_tail,
                function="LedgerTail.rollback",
                before="self._recent.rollback(to)",
                after="pass",
            ),
        ),
    ),
    Mutant(
        name="refused entries are counted",
        reason="Consensus is told that a backup has what it refused.",
        edits=(
            Edit(
                module=replication,
                function="Replication._apply",
                before="return taken",
                after="return taken + [None] * (offer.entry_count - len(taken))",
            ),
        ),
        story=(
            "write 0 a",
            "tick 0 60",
            "bend 0 1 0 5",
            "bend 0 1 1 5",
            "deliver 0 1 2",
            "pass 1000",
        ),
    ),
    Mutant(
        name="a signature over another root",
        reason=("A backup takes a signature over another history than its own."),
        edits=(
            Edit(
                module=verification,
                function="check_signature",
                before="signature.root != root",
                after="False",
            ),
        ),
        found_by=(
            "tests/unit/node/replication/test_ledger_tail.py::"
            "test_a_backup_refuses_a_signature_over_another_history"
        ),
    ),
    Mutant(
        name="a root that no node signed",
        reason="A backup does not verify the node's signature.",
        edits=(
            Edit(
                module=verification,
                function="check_signature",
                before="signature.verify(_node_key(signature.node, store))",
                after="_node_key(signature.node, store)",
            ),
        ),
        found_by=(
            "tests/unit/node/replication/test_verification.py::"
            "test_anything_else_is_not"
        ),
    ),
    Mutant(
        name="a root that no service signed",
        reason="A backup does not verify the service's signature.",
        edits=(
            Edit(
                module=verification,
                function="check_signature",
                before="by_service.verify(_service_key(store), root)",
                after="pass",
            ),
        ),
        found_by=(
            "tests/unit/node/replication/test_verification.py::"
            "test_anything_else_is_not"
        ),
    ),
    Mutant(
        name="a signature of another place",
        reason="A backup takes the signature of another transaction.",
        edits=(
            Edit(
                module=verification,
                function="check_signature",
                before="signature.txid != tx_id",
                after="False",
            ),
        ),
        found_by=(
            "tests/unit/node/replication/test_verification.py::"
            "test_anything_else_is_not"
        ),
    ),
    Mutant(
        name="pending nodes count",
        reason="A node that waits to be trusted counts in the quorum.",
        edits=(
            Edit(
                module=ledger_tail,
                function="facts_of",
                before="if info.status is NodeStatus.TRUSTED:",
                after="if info.status is not NodeStatus.RETIRED:",
            ),
        ),
    ),
    Mutant(
        name="a retired node returns",
        reason="A node that left may become trusted again.",
        edits=(
            Edit(
                module=table_hooks,
                function="may_become",
                before="return after.status is NodeStatus.RETIRED",
                after="return True",
            ),
        ),
        found_by=(
            "tests/unit/node/replication/test_table_hooks.py::test_a_node_that_left_stays_away"
        ),
    ),
    Mutant(
        name="commit is told too early",
        reason=("A response that waits for the commit comes while it is pending."),
        edits=(
            Edit(
                module=commits,
                function="_final",
                before="status is TxStatus.COMMITTED",
                after="status in (TxStatus.COMMITTED, TxStatus.PENDING)",
            ),
        ),
        found_by=(
            "tests/unit/node/replication/test_commits.py::"
            "test_a_response_comes_with_the_commit_of_its_transaction"
        ),
    ),
    Mutant(
        name="a new secret applies early",
        reason=("The entry that brings a ledger secret is encrypted with it."),
        edits=(
            Edit(
                module=table_hooks,
                function="TableHooks._on_rekey",
                before="at=seqno,\n",
                after="at=seqno - 1,\n",
            ),
        ),
    ),
    Mutant(
        name="secrets for nodes that wait",
        reason=("A rekey sends the new ledger secret to nodes that nobody trusts yet."),
        edits=(
            Edit(
                module=service_nodes,
                function="trusted_nodes",
                before="info.status is NodeStatus.TRUSTED",
                after="info.status is not NodeStatus.RETIRED",
            ),
        ),
        found_by=(
            "tests/unit/service/test_ledger_secrets.py::"
            "test_a_rekey_reaches_trusted_nodes_and_chains_to_the_old_secret"
        ),
    ),
    Mutant(
        name="messages are opened twice",
        reason="A channel opens what it opened before.",
        edits=(
            Edit(
                module=keys,
                function="Keys.open",
                before="count <= self.received",
                after="False",
            ),
        ),
    ),
    Mutant(
        name="pending nodes count after a snapshot",
        reason=("A joiner counts nodes in the quorum that nobody trusts yet."),
        edits=(
            Edit(
                module=starting_point,
                function="_configurations",
                before="info.status is NodeStatus.TRUSTED",
                after="info.status is not NodeStatus.RETIRED",
            ),
        ),
        story=(
            "join 0",
            "pass 200",
            "write 0 a",
            "snapshot 0",
            "pass 400",
            "write 0 a",
            "pass 400",
            "join 0 fresh",
            "pass 400",
            "trust 4 0",
            "pass 1000",
        ),
    ),
    Mutant(
        name="snapshots are not verified",
        reason=("A joiner starts from a snapshot whose receipt proves nothing."),
        edits=(
            Edit(
                module=starting_point,
                function="_check_identity",
                before="snapshot.verify(identity)",
                after="pass",
            ),
        ),
        story=(
            "write 0 a",
            "write 0 a",
            "write 0 a",
            "snapshot 0",
            "pass 400",
            "write 0 a",
            "pass 400",
            "lie 0 snapshot 50",
            "join 0 fresh",
            "pass 1000",
            "trust 3 0",
            "pass 1000",
        ),
    ),
    Mutant(
        name="a snapshot with another tree",
        reason="A joiner takes a tree whose root nobody signed.",
        edits=(
            Edit(
                module=starting_point,
                function="StartingPoint._of",
                before="snapshot.tree().root(snapshot.seqno) != signature.root",
                after="False",
            ),
        ),
        found_by=(
            "tests/unit/node/snapshots/test_starting_point.py::"
            "test_parts_that_do_not_fit_together_are_refused"
        ),
    ),
    Mutant(
        name="evidence outlives a rollback",
        reason="A snapshot becomes final whose evidence was taken back.",
        edits=(
            Edit(
                module=snapshotter,
                function="Snapshotter.on_rollback",
                before=(
                    "self._taken = [t for t in self._taken if t.evidence is "
                    "None or t.evidence <= to]"
                ),
                after="pass",
            ),
        ),
    ),
    Mutant(
        name="a snapshot knows later views",
        reason="A snapshot tells of views that began after it.",
        edits=(
            Edit(
                module=snapshotter,
                function="Snapshotter._take",
                before="[at for at in self.view_starts() if at <= seqno]",
                after="list(self.view_starts())",
            ),
        ),
    ),
    Mutant(
        name="another service is joined",
        reason=(
            "A joiner takes the identity that it is handed for the pinned service's."
        ),
        edits=(
            Edit(
                module=join,
                function="Join._read",
                before=(
                    "not key.public_key == certificate.public_key == "
                    "self._pinned.public_key"
                ),
                after="key.public_key != certificate.public_key",
            ),
        ),
        found_by=(
            "tests/unit/node/startup/test_join.py::"
            "test_the_identity_of_another_service_is_refused"
        ),
    ),
    Mutant(
        name="another node's certificate",
        reason="A joiner takes a certificate that is for another node.",
        edits=(
            Edit(
                module=join,
                function="Join._read",
                before=("endorsed.public_key != self.running.identity.key.public_key"),
                after="False",
            ),
        ),
        found_by=(
            "tests/unit/node/startup/test_join.py::"
            "test_what_is_handed_over_must_fit_together"
        ),
    ),
    Mutant(
        name="pre-votes are counted as votes",
        reason=("An answer to a pre-vote counts in the election that follows."),
        edits=(
            Edit(
                module=elections,
                function="receive_request_vote_response",
                before="message.election is not asked or ",
                after="",
            ),
        ),
    ),
    Mutant(
        name="a heartbeat vouches for the end",
        reason=("The answer to a heartbeat names entries that nobody compared."),
        edits=(
            Edit(
                module=following,
                function="_follow",
                before="TxId(state.view, log.commit_seqno)",
                after="TxId(state.view, log.last_seqno)",
            ),
        ),
        found_by=(
            "tests/unit/consensus/test_following.py::"
            "test_a_heartbeat_before_the_commit_is_answered_with_the_commit"
        ),
    ),
)

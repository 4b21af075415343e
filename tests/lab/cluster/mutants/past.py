"""Mistakes in a node's dealings with the ledger's past: history, indexes, recovery."""

from ccfpy.node.history import fetch, past_state, state_cache
from ccfpy.node.indexing import blobs, indexer
from ccfpy.node.startup import private_recovery, recover
from tests.lab.cluster.mutants.mutant import Edit, Mutant

PAST = (
    Mutant(
        name="history beyond the commit",
        reason="The past is told of what is not committed.",
        edits=(
            Edit(
                module=state_cache,
                function="StateCache._adjust",
                before="self.log().commit_seqno",
                after="self.log().last_seqno",
            ),
        ),
        story=(
            "write 0 a",
            "pass 200",
            "faults lost:0>1 lost:0>2",
            "write 0 a",
            "tick 0 60",
            "past 0 1",
            "past 0 2",
            "pass 200",
        ),
    ),
    Mutant(
        name="the signature index joins across a gap",
        reason="A signature covers entries that nobody looked at.",
        edits=(
            Edit(
                module=fetch,
                function="SignatureIndex._join",
                before="starts[at] == seqno + 1",
                after="True",
            ),
        ),
        found_by=(
            "tests/unit/node/history/test_fetch.py::"
            "test_in_whatever_order_entries_are_looked_at_no_gap_is_jumped"
        ),
    ),
    Mutant(
        name="the past of a fork",
        reason="The past has a transaction that was lost with an election.",
        edits=(
            Edit(
                module=fetch,
                function="PastEntry.open",
                before="transaction.txid != expected",
                after="False",
            ),
        ),
        found_by=(
            "tests/unit/node/history/test_fetch.py::test_another_entry_is_refused"
        ),
    ),
    Mutant(
        name="a past that is not the own",
        reason="An entry is taken that is not in the node's tree.",
        edits=(
            Edit(
                module=fetch,
                function="PastEntry.open",
                before="is_in_tree and leaf != tree.leaf(expected.seqno)",
                after="False",
            ),
        ),
        found_by=(
            "tests/unit/node/history/test_fetch.py::"
            "test_one_sealed_in_the_same_place_is_refused_by_the_tree"
        ),
    ),
    Mutant(
        name="a past that nothing covers",
        reason="An entry is taken whatever the signature over it signs.",
        edits=(
            Edit(
                module=past_state,
                function="CoveringSignature.check",
                before=(
                    "if not tree.first <= seqno < len(tree) or "
                    "tree.leaf(seqno) != entry.leaf:"
                ),
                after="if False:",
            ),
        ),
        found_by=(
            "tests/unit/node/history/test_past_state.py::"
            "test_an_entry_that_a_signature_does_not_cover_is_refused"
        ),
    ),
    Mutant(
        name="a past signature over another root",
        reason="A signature is taken whose stored tree has another root.",
        edits=(
            Edit(
                module=past_state,
                function="CoveringSignatures._verify",
                before="tree.root() != signed.by_node.root",
                after="False",
            ),
        ),
        found_by=(
            "tests/unit/node/history/test_past_state.py::"
            "test_a_signature_that_does_not_hold_covers_nothing"
        ),
    ),
    Mutant(
        name="a past signature of a stranger",
        reason="Whoever signed the past need not be of the service.",
        edits=(
            Edit(
                module=past_state,
                function="CoveringSignatures._signer",
                before="certificate.verify_signed_by(service)",
                after="pass",
            ),
        ),
        found_by=(
            "tests/unit/node/history/test_past_state.py::"
            "test_a_signature_that_does_not_hold_covers_nothing"
        ),
    ),
    Mutant(
        name="an index of another ledger",
        reason="An index takes entries that are not in the node's tree.",
        edits=(
            Edit(
                module=indexer,
                function="ChainReader._is_proven",
                before=("own.root(txid.seqno + 1) != self._tree.root(txid.seqno + 1)"),
                after="False",
            ),
        ),
        found_by=(
            "tests/unit/node/indexing/test_readers.py::"
            "test_who_has_the_ledger_secrets_cannot_forge_the_past"
        ),
    ),
    Mutant(
        name="an index beyond the commit",
        reason="Indexes are told of what is not committed.",
        edits=(
            Edit(
                module=indexer,
                function="Indexer._wanted",
                before="seqno > self.history.log().commit_seqno",
                after="seqno > self.history.log().last_seqno",
            ),
        ),
    ),
    Mutant(
        name="a part of another index",
        reason="The host may give one sealed blob in the place of another.",
        edits=(
            Edit(
                module=blobs,
                function="_bound",
                before='f"{series}/{hidden}".encode()',
                after='b""',
            ),
        ),
        found_by=(
            "tests/unit/node/indexing/test_sealed_blobs.py::"
            "test_what_is_not_the_blob_is_refused"
        ),
    ),
    Mutant(
        name="recovery does not compare the roots",
        reason=("What no signature covers may differ from the public ledger."),
        edits=(
            Edit(
                module=private_recovery,
                function="PrivateRecovery._finish",
                before="ledger.check_root()",
                after="pass",
            ),
        ),
        found_by=(
            "tests/unit/node/startup/test_private_recovery.py::"
            "test_an_end_that_no_signature_covers_is_held_against_the_public_ledger"
        ),
    ),
    Mutant(
        name="recovery verifies no signature",
        reason="A ledger is recovered that the host wrote.",
        edits=(
            Edit(
                module=recover,
                function="PublicLedger.take",
                before="named = self._trust.verify_signature(writes, root)",
                after="named = []",
            ),
        ),
        found_by=(
            "tests/unit/node/startup/test_recover.py::test_a_stranger_cannot_sign"
        ),
    ),
    Mutant(
        name="recovery keeps what nobody signed",
        reason="What follows the last signature is recovered too.",
        edits=(
            Edit(
                module=recover,
                function="PublicLedger.truncate",
                before="self._store.rollback(signed.seqno)",
                after="pass",
            ),
        ),
        found_by=(
            "tests/unit/node/startup/test_recover.py::"
            "test_what_follows_the_last_signature_is_taken_back"
        ),
    ),
    Mutant(
        name="recovery goes back a view",
        reason="Entries of an earlier view may follow.",
        edits=(
            Edit(
                module=recover,
                function="PublicLedger.take",
                before="view < max(self._views.view_of(seqno), 1)",
                after="False",
            ),
        ),
        found_by=(
            "tests/unit/node/startup/test_recover.py::"
            "test_an_entry_of_an_earlier_view_is_refused"
        ),
    ),
)

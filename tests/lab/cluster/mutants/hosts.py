"""Mistakes in a host's stores: what is kept, what survives, how files are called."""

from ccfpy.host import chunk_files, ledger_store, snapshot_store, startup_recovery
from tests.lab.cluster.mutants.mutant import Edit, Mutant

HOSTS = (
    Mutant(
        name="a chunk is named committed too early",
        reason="A complete chunk is called committed whatever it holds.",
        edits=(
            Edit(
                module=ledger_store,
                function="LedgerStore.commit",
                before=(
                    "self._complete and (self._complete[0].last or 0) <= "
                    "self.committed_seqno"
                ),
                after="self._complete",
            ),
        ),
        story=(
            "write 0 a",
            "tick 0 60",
            "chunk 0",
            "write 0 a",
            "tick 0 60",
            "deliver 0 1 1",
            "deliver 1 0 1",
            "pass 1000",
        ),
    ),
    Mutant(
        name="no chunk is named committed",
        reason="A chunk that is final keeps its name.",
        edits=(
            Edit(
                module=ledger_store,
                function="LedgerStore.commit",
                before="(self._complete[0].last or 0) <= self.committed_seqno",
                after="False",
            ),
        ),
    ),
    Mutant(
        name="what is committed is truncated",
        reason="The store forgets what is final.",
        edits=(
            Edit(
                module=ledger_store,
                function="LedgerStore.truncate",
                before="seqno < self.committed_seqno",
                after="False",
            ),
        ),
        found_by=(
            "tests/unit/host/test_ledger_store.py::"
            "test_what_is_committed_is_never_truncated"
        ),
    ),
    Mutant(
        name="a signature stays in a buffer",
        reason="A killed host loses what its node signed.",
        edits=(
            Edit(
                module=ledger_store,
                function="LedgerStore.append",
                before="elif effect.has_signature and self._writer is not None:",
                after="elif False:",
            ),
        ),
    ),
    Mutant(
        name="a signature stays off the disk",
        reason="A machine that fails loses what its node signed.",
        edits=(
            Edit(
                module=chunk_files,
                function="ChunkWriter.settle",
                before="if self.must_sync:",
                after="if False:",
            ),
        ),
    ),
    Mutant(
        name="a chunk's name stays off the disk",
        reason="A machine that fails loses a new file.",
        edits=(
            Edit(
                module=chunk_files,
                function="ChunkFiles.create",
                before="if self.must_sync:",
                after="if False:",
            ),
        ),
    ),
    Mutant(
        name="memory outlives a truncation",
        reason="The host gives entries that were taken back.",
        edits=(
            Edit(
                module=ledger_store,
                function="LedgerStore._truncate",
                before="self._recent.truncate(seqno)",
                after="pass",
            ),
        ),
    ),
    Mutant(
        name="an open file outlives a truncation",
        reason="The file keeps entries that were taken back.",
        edits=(
            Edit(
                module=chunk_files,
                function="ChunkWriter.truncate",
                before="self._diverge()",
                after="pass",
            ),
        ),
    ),
    Mutant(
        name="complete files outlive a truncation",
        reason="Complete chunks keep entries that were taken back.",
        edits=(
            Edit(
                module=ledger_store,
                function="LedgerStore._truncate",
                before="self._complete and (self._complete[-1].last or 0) > seqno",
                after="False",
            ),
        ),
    ),
    Mutant(
        name="a reopened file keeps its end",
        reason=("A chunk that is open again goes on after what was taken back."),
        edits=(
            Edit(
                module=ledger_store,
                function="LedgerStore._reopen",
                before="chunk.truncate(seqno)",
                after="pass",
            ),
        ),
    ),
    Mutant(
        name="a chunk without its table",
        reason="A complete chunk does not say where its entries are.",
        edits=(
            Edit(
                module=chunk_files,
                function="ChunkWriter.complete",
                before="self.file.append(table)",
                after="pass",
            ),
        ),
    ),
    Mutant(
        name="torn bytes stay",
        reason="A restarted host writes after what a crash tore.",
        edits=(
            Edit(
                module=chunk_files,
                function="ChunkFiles.go_on",
                before="file.truncate(chunk.end)",
                after="pass",
            ),
        ),
        found_by=(
            "tests/unit/host/test_ledger_store.py::"
            "test_a_kill_at_any_moment_leaves_every_flushed_signature"
        ),
    ),
    Mutant(
        name="a recovery that was given up counts",
        reason=("A restart goes on with chunks of a service that never opened."),
        edits=(
            Edit(
                module=startup_recovery,
                function="recover_ledger",
                before="if name.is_recovery:",
                after="if False:",
            ),
        ),
        found_by=(
            "tests/unit/host/test_provisional.py::"
            "test_a_start_sets_the_files_of_a_given_up_recovery_aside"
        ),
    ),
    Mutant(
        name="a chunk follows a gap",
        reason="A restart goes on with a chunk that does not follow.",
        edits=(
            Edit(
                module=startup_recovery,
                function="_fitting",
                before="name.first != taken.last_seqno + 1",
                after="False",
            ),
        ),
        found_by=(
            "tests/unit/host/test_ledger_store.py::"
            "test_files_that_do_not_belong_are_left_or_set_aside"
        ),
    ),
    Mutant(
        name="a snapshot without its receipt",
        reason="A final snapshot lacks the proof.",
        edits=(
            Edit(
                module=snapshot_store,
                function="SnapshotStore.commit",
                before="file.append(receipt)",
                after="pass",
            ),
        ),
    ),
    Mutant(
        name="a snapshot that is not final is served",
        reason="Whoever names an unfinished snapshot gets it.",
        edits=(
            Edit(
                module=snapshot_store,
                function="SnapshotStore._find",
                before="if not name.is_committed:",
                after="if False:",
            ),
        ),
        found_by=(
            "tests/unit/host/test_snapshot_store.py::"
            "test_only_a_committed_snapshots_name_is_read"
        ),
    ),
    Mutant(
        name="a snapshot is final before its bytes",
        reason="A snapshot is called final that the disk does not have.",
        edits=(
            Edit(
                module=snapshot_store,
                function="SnapshotStore._finish",
                before="file.sync()",
                after="file.flush()",
            ),
        ),
        found_by=(
            "tests/unit/host/test_snapshot_store.py::"
            "test_a_final_snapshot_survives_the_machine"
        ),
    ),
)

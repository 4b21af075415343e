"""The replicated key-value store: what a transaction reads, writes and leaves behind.

* ``names``: what a map's name says about who may see and use it.
* ``versions``: one map, every key a chain of versions.
* ``tx``: a transaction and its handles on maps.
* ``store``: the maps together: commit, replay, rollback, compaction, hooks.
* ``maps``: maps whose keys and values have types.
* ``changes``: write sets, and the ways a commit may end.
* ``codec``, ``snapshot``, ``siphash``: CCF's bytes for write sets and whole states.

One thread at a time changes a store, and others may read. It does no I/O and keeps no
secret of its own: encryption belongs to the ledger.
"""

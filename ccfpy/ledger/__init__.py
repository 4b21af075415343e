"""The ledger's formats, offline: everything an auditor needs and nothing that does I/O.

Entries, chunk files, the Merkle tree, signature transactions, receipts, snapshots,
ledger secrets and recovery shares are read, written and verified here, over bytes that
somebody else read. See ``README.md`` for the map of its files.
"""

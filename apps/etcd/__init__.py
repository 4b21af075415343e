"""Etcd's interface, on a ledger."""

"""Snapshots: when they are taken, how they are fetched, how a node starts from one."""

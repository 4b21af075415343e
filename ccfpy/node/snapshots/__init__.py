"""Snapshots: when they are taken, how they are fetched, what a node takes from one."""

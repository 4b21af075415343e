"""The vocabulary every other package shares: ids, errors, limits, byte cursors, ports.

It imports nothing of ours, does no I/O and holds no state.
"""

"""The untrusted half of a node: sockets, files, clock, signals and stdout.

It sees ciphertext of sessions and of the ledger, and never a key. It imports the
boundary's vocabulary and the ledger's file format, and nothing trusted.
"""

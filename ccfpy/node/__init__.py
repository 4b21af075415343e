"""One node as a deterministic state machine: ``effects = node.step(events)``.

`node.Node` is the whole trusted node. It owns the KV, the ledger's tail, the
sessions and the three frontends, and touches no socket, file, clock or log: what it
wants done it returns. Imports gov and everything below.
"""

"""Traces of consensus from the logs of real nodes, for CCF's trace validation.

A node whose configuration has ``consensus.trace`` logs each step of consensus.
`reading` takes the steps out of a log, `merging` puts those of several nodes into one
causal order, `checking` judges the result, and `preparing` gives it the form that
``tla/consensus/Traceccfraft.tla`` reads: ``python -m tests.lab.raft_trace LOG…``.
"""

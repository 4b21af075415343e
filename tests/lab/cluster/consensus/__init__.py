"""Consensus alone, amid random faults: many nodes, one thread, one seed.

What runs is `ccfpy.consensus` with the stand-in ledgers of scenarios. Every act of a
run is a command of their language: a run is a scenario, and a failure can be told.
"""

"""Consensus alone, amid random faults: many nodes, one thread, one seed.

`ccfpy.consensus` runs with the stand-in ledgers of scenarios. Every act of a run is a
command of the scenario language: a run is a scenario, and so is a failure.
"""

"""Whole clusters in one thread, from one seed, under faults.

All simulations use `faults` (what is wrong with links, clocks and nodes), `novelty`
(where to look next), `shrinking` (a failure made short) and `outcome` (the figures).
Each simulation is a package: `consensus` runs `ccfpy.consensus` alone, `mutants` runs
it with a mistake in it, and `whole` runs whole nodes. ``python -m tests.lab.cluster``
spends time on fresh seeds.
"""

"""Whole clusters in one thread, from one seed, under faults.

What is general: `weather` (what the network and the clocks do), `novelty` (where to
look next), `shrinking` (a failure made short), `report`. What is under test has a
package: `consensus` runs `ccfpy.consensus` alone, `mutants` runs it with a mistake put
in. ``python -m tests.lab.cluster`` spends time on fresh seeds.
"""

"""Mistakes put into consensus, nodes and hosts on purpose, to see that they are found.

Safety tests are worth what they catch. Each mutant is the code that ships with one
change, which simulation must find, or the test that the mutant names.
``python -m tests.lab.cluster.mutants`` searches for seeds that do.
"""

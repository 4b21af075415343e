"""The trusted process: wires one node to its channel, its entropy and its clock.

It is started by the host as ``python -m ccfpy.enclave`` with one descriptor and talks
through it alone. Imports node and everything below, never host.
"""

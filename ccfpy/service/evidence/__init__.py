"""Evidence of what nodes run: one file for each platform behind one seam.

`quotes` chooses by the format that a node names, verifies, and holds what was verified
against the service's tables; `virtual`, `simulated`, `snp` and `sgx` say how for each
platform.
"""

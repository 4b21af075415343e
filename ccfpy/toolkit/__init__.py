"""Enclaves that are no ledger node: their interfaces, and both sides of them.

``interfaces`` says what an enclave and its host may call on each other, ``enclave`` is
what the trusted process is made with, ``host`` starts and serves it. No node uses any.
"""

"""ccfpy: a confidential consortium ledger that anyone can install."""

if not __debug__:
    raise ImportError("ccfpy relies on its assertions: run Python without -O")

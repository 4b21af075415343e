"""ccfpy: a confidential consortium ledger that anyone can install."""

"""What auditors do with a ledger's files, at any size."""

"""The ledger as nodes keep it together: order, signatures, consensus, commit."""

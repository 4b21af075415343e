"""PUBLIC client library: requests, commit waits, signed governance, receipts.

``connection`` speaks HTTPS to the nodes of a service, trusts nothing but the service's
certificate, and goes on when a node fails; ``governance`` signs members' requests;
``receipts`` fetches proofs and checks them; ``opening`` takes a new service from its
members' first word to its users' first write. ``blocking`` offers the same without
``async``. Keys lie in files named as CCF's tools name them (``keys``); ``signers`` use
keys that live elsewhere.
"""

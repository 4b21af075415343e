"""The public client: requests, redirects, waiting for commit, signed governance.

Untrusted with a node's secrets, it holds only its own user's keys. Imports gov and
everything below, never host or enclave.
"""

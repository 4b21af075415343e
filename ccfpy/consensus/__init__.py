"""Which transactions are final, in what order: a state machine on opaque entries.

It knows seqnos, views and whether an entry is *committable* (a signature), and nothing
of what entries hold. Imports base only.
"""

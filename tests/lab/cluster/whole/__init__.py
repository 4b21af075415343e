"""Whole nodes in one thread: real ledgers, snapshots, keys and channels, from one seed.

Only sockets, disks and clocks are replaced. Clients speak plain HTTP, above TLS;
what nodes ask of each other over HTTPS (to join, to fetch a snapshot) goes through
their own TLS. A run is a list of acts, each a line of text: a failure is the few
lines that cause it.
"""

"""Fault runs on real processes: a service is broken on purpose, and kept to its word.

``python -m tests.lab.faults`` starts a network of nodes, lets clients write and
read, kills, stops, cuts off and starves nodes by a seed, heals, and holds what clients
saw and what the nodes' files say against what the service promises.
"""

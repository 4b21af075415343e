"""Fault runs on real processes: a service is broken on purpose and then checked.

``python -m tests.lab.faults`` starts a network of nodes and clients that write and
read. It kills, stops, isolates and starves nodes by a seed, heals them, and checks what
clients saw, and what the nodes' files say, against what the service promises.
"""

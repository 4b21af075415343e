"""A service of several nodes on this machine, each with its real processes and files.

``configuration`` writes a node's configuration file. ``node`` is one node's process
from start to end. ``network`` is a service of several nodes: it starts and joins nodes,
opens the service by its members' votes, recovers a lost service, and replaces nodes.
``simulated_vendor`` makes simulated machines.
"""

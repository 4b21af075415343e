"""A service of several nodes on this machine, each with its real processes and files.

``configuration`` writes a node's configuration file, ``node`` is one node's process
from its start to its end, ``network`` makes a service of several: starts and joins
them, opens it by its members' votes, replaces nodes. ``ports`` finds free ones for what
has to be told where to listen.
"""

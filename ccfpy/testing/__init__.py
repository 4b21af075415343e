"""The public test kit: what lets people test their apps and services without a network.

May import everything but the command line. It is empty until the first kit is: a
simulated cluster with its network, disks and clock.
"""

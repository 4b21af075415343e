"""The public test kit: what lets people test their apps and services without a network.

May import everything but the command line. `scenario` runs stories about consensus.
"""

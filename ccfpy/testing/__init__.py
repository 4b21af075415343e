"""The public test kit: what lets people test their apps and services without a network.

``node`` is a service of one node in the test's own thread; ``scenario`` runs stories
about consensus; ``consistency`` checks what clients saw. May import everything but the
command line.
"""

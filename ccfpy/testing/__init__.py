"""The public test kit: tests of apps and services without a network.

``apps`` is a service for tests of an app, ``plugin`` its pytest fixtures, ``node`` a
service of one node in the test's own thread, and ``network`` several such nodes.
"""

"""A service whose nodes are of C++ CCF and of ccfpy, and move from one to the other.

``python -m tests.lab.moving`` replaces the nodes of a service one by one while clients
write, and checks that no write is lost. It needs a build of C++ CCF.
"""

"""The service's own tables: names, keys and records, and the rules between them.

``tables`` names every built-in map with CCF's exact names and JSON. The other modules
are functions over a transaction that keep several tables consistent: who is a member,
which node is trusted, which moves the service may make. Callers decide whether to call
them.
"""

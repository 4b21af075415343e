"""What a platform says of a node's code, and whether the service's policy takes it.

Evidence is bytes that somebody else gathered; verifying it is pure. Imports kv, crypto
and base. So far ccfpy runs on the virtual platform alone, whose evidence proves nothing
and is made where nodes describe themselves; verifiers of hardware evidence go here.
"""

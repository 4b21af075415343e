"""What a platform says of a node's code, and whether the service's policy takes it.

Evidence is bytes that somebody else gathered; verifying it is pure. Imports kv, crypto
and base. Each platform has files of its own: virtual and simulated ones, whose evidence
proves nothing to who controls the machine, and AMD's and Intel's processors.
"""

"""The trusted process: it holds the keys, and has one way out, its channel to the host.

It is started as ``python -m ccfpy.enclave``, loads the application, closes itself and
steps the node. In plain Python this is isolation between processes, not memory
encryption: the machine's owner can read the process's memory.
"""

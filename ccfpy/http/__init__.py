"""Bytes to requests and back, without I/O: messages, parsers, TLS sessions, errors.

The only package that imports httptools and pyOpenSSL, and of a node the only one that
speaks by ``ssl``. It knows nothing of endpoints. It keeps no state but that of one
connection, and of one interface's header cache.
"""

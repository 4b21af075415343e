"""Bytes to requests and back, without I/O: messages, parsers, TLS sessions, errors.

The only package that imports httptools and pyOpenSSL. It knows nothing of endpoints. It
keeps no state but that of one connection, and of one interface's header cache.
"""

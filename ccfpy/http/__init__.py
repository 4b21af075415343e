"""Bytes to requests and back, without I/O: messages, parsers, TLS sessions, errors.

The only package that imports httptools, pyOpenSSL and ``ssl``. It knows nothing of
endpoints and keeps no state but that of one connection.
"""

"""The three calls a TLS session makes for every request, straight to the library.

pyOpenSSL's own methods do the same and allocate a buffer a call; here one buffer serves
all sessions of the process, which has one thread. They stay the plain path: whatever is
not the ordinary case is left to them, and a test holds the two against each other.

This file, with the settings that pyOpenSSL has no method for, is where its private
handles are used.
"""

from typing import Any, Final

from OpenSSL import SSL

library: Final[Any] = SSL._lib  # type: ignore[attr-defined]  # noqa: SLF001 - as said above
_ffi: Final[Any] = SSL._ffi  # type: ignore[attr-defined]  # noqa: SLF001 - as said above

BUFFER_BYTES: Final = 17 * 1024
"""A full record and its overhead: most answers leave in one read."""

_buffer: Final = _ffi.new("char[]", BUFFER_BYTES)
_ssl_read: Final = library.SSL_read
_ssl_write: Final = library.SSL_write
_bio_read: Final = library.BIO_read
_bio_write: Final = library.BIO_write
_unpack: Final = _ffi.unpack


def give_ciphertext(connection: SSL.Connection, data: bytes) -> None:
    """Hand the library bytes from the peer."""
    written = _bio_write(connection._into_ssl, data, len(data))  # noqa: SLF001 - as said above
    assert written == len(data), "a memory BIO takes everything"


def take_plaintext(connection: SSL.Connection) -> bytes:
    """Decrypt what is there, a record at most.

    Raises:
        SSL.Error: as ``Connection.recv``.
    """
    handle = connection._ssl  # noqa: SLF001 - as said above
    count = _ssl_read(handle, _buffer, BUFFER_BYTES)
    if count <= 0:
        connection._raise_ssl_error(handle, count)  # noqa: SLF001 - as said above
    plaintext: bytes = _unpack(_buffer, count)
    return plaintext


def give_plaintext(connection: SSL.Connection, data: bytes) -> None:
    """Encrypt; what does not fit one record is left to the plain path.

    Raises:
        SSL.Error: as ``Connection.sendall``.
    """
    handle = connection._ssl  # noqa: SLF001 - as said above
    count = _ssl_write(handle, data, len(data))
    if count <= 0:
        connection._raise_ssl_error(handle, count)  # noqa: SLF001 - as said above
    elif count < len(data):
        connection.sendall(data[count:])


def take_ciphertext(connection: SSL.Connection) -> bytes:
    """Give bytes for the peer, one buffer full at most; none if none are left."""
    count = _bio_read(connection._from_ssl, _buffer, BUFFER_BYTES)  # noqa: SLF001 - as said above
    if count <= 0:
        return b""
    ciphertext: bytes = _unpack(_buffer, count)
    return ciphertext

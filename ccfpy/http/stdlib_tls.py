"""TLS by the standard library's ``ssl``: contexts to the profile, and connections.

Its memory buffers and its objects do no I/O, which is why this file may import it. What
it has no method for is set by `stdlib_openssl`: it would load keys from files alone.
"""

import _ssl
import re
import ssl
from collections.abc import Sequence
from typing import ClassVar, Final

from ccfpy.base.errors import Malformed
from ccfpy.http.openssl import NO_PAIR, TlsIdentity, der_of
from ccfpy.http.stdlib_openssl import InterpretersOpenSsl, NativeContext, Unsuitable
from ccfpy.http.tls_engine import (
    GROUPS,
    SESSION_ID_CONTEXT,
    TLS12_SUITES,
    TLS13_SUITES,
)

VERSION_FLOOR: Final = (3, 0)
"""Of OpenSSL; older ones get no corrections any more."""

_OPTIONS: Final = (
    ssl.OP_CIPHER_SERVER_PREFERENCE
    | ssl.OP_NO_COMPRESSION
    | ssl.OP_NO_RENEGOTIATION
    | ssl.OP_NO_TICKET
    | ssl.OP_ENABLE_MIDDLEBOX_COMPAT
)
"""These and no others, whatever a file of settings for the whole machine says."""

_MESSAGE = re.compile(r"(?:\[[^\]]*\] )?(.*?)(?: \(_ssl\.c:\d+\))?", re.DOTALL)
"""How ``ssl`` wraps OpenSSL's words."""


class StdlibConnection:
    """One end of a connection, driven through ``ssl``."""

    __slots__ = ("_tls", "give", "read", "take", "write")

    wants_more: ClassVar[type[Exception]] = ssl.SSLWantReadError
    closed: ClassVar[type[Exception]] = ssl.SSLZeroReturnError
    broken: ClassVar[type[Exception]] = ssl.SSLError

    def __init__(self, context: ssl.SSLContext) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        self._tls = tls
        # Its own methods of these names call this one's, and do nothing else.
        inner = getattr(tls, "_sslobj", tls)
        self.give = incoming.write
        self.read = inner.read
        self.write = inner.write
        self.take = outgoing.read

    def shake_hands(self) -> None:
        """Go on with the handshake."""
        self._tls.do_handshake()

    def shut_down(self) -> None:
        """Send the alert that ends the session; what the peer says is not awaited."""
        self._tls.unwrap()

    def peer_certificate(self) -> bytes | None:
        """Give the peer's certificate in DER."""
        return self._tls.getpeercert(binary_form=True)

    def protocol(self) -> bytes:
        """Give what ALPN settled on."""
        return (self._tls.selected_alpn_protocol() or "").encode()

    def reasons(self, error: Exception) -> list[str]:
        """Give the words of the one error that ``ssl`` tells of."""
        match = _MESSAGE.fullmatch(str(error.args[-1]) if error.args else "")
        assert match is not None, "it fits every text"
        return [match[1]] if match[1] else []


class StdlibServer:
    """A server's identity and terms."""

    __slots__ = ("_context", "_native")

    def __init__(self, identity: TlsIdentity, protocols: Sequence[bytes]) -> None:
        assert LIBRARY is not None, "nobody chose what is not to be had"
        context, native = _new_context(LIBRARY)
        context.set_alpn_protocols([protocol.decode() for protocol in protocols])
        if not native.present(
            [der_of(certificate) for certificate in identity.chain],
            identity.key_pem.encode(),
        ):
            raise Malformed(NO_PAIR)
        self._context = context
        self._native = native

    def connect(self) -> StdlibConnection:
        """Make the server's end of a connection."""
        return StdlibConnection(self._context)


def _new_context(library: InterpretersOpenSsl) -> tuple[ssl.SSLContext, NativeContext]:
    """Make a context to the profile that takes any certificate that is not dear."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options = _OPTIONS
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.set_ciphers(TLS12_SUITES)
    context.num_tickets = 0
    context.verify_mode = ssl.CERT_OPTIONAL
    native = library.context_of(context, options=context.options)
    native.set_terms(suites=TLS13_SUITES, groups=GROUPS, session_id=SESSION_ID_CONTEXT)
    native.take_any_certificate()
    return context, native


def find() -> InterpretersOpenSsl | str:
    """Give the interpreter's OpenSSL, or say what about it is not as it is known."""
    path = getattr(_ssl, "__file__", None)
    if path is None:
        return "this interpreter has its OpenSSL built in"
    if (
        not ssl.OPENSSL_VERSION.startswith("OpenSSL ")
        or ssl.OPENSSL_VERSION_INFO < VERSION_FLOOR
    ):
        return f"{ssl.OPENSSL_VERSION} is not known, or too old"
    try:
        library = InterpretersOpenSsl(path)
        if library.version != ssl.OPENSSL_VERSION:
            return "two libraries of OpenSSL answer for the interpreter's"
        _new_context(library)
    except (Unsuitable, ssl.SSLError) as error:
        return str(error)
    return library


_found = find()
LIBRARY: Final = None if isinstance(_found, str) else _found
OBSTACLE: Final = _found if isinstance(_found, str) else None
"""Why this engine is not to be had here, if it is not."""

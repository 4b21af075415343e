"""What the engines under a TLS session have in common: the profile, and their calls.

OpenSSL does the work, through one of two bindings (ADR 16); a session can't tell which.
"""

from collections.abc import Callable
from enum import Enum, StrEnum, auto
from typing import ClassVar, Final, Protocol

from ccfpy.base.limits import DSA_BITS_MAX, RSA_BITS_MAX, RSA_EXPONENT_BITS_MAX

TLS12_SUITES: Final = (
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=2"
)
"""With OpenSSL's own level of security, so that no file of settings has another."""
TLS13_SUITES: Final = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"
GROUPS: Final = "P-521:P-384:P-256"
SESSION_ID_CONTEXT: Final = b"ccfpy"

RECORD_BYTES_MAX: Final = 16 * 1024
"""Of plaintext in one record (RFC 8446, 5.1)."""


def is_dear_key(kind: "KeyKind", *, bits: int, exponent_bits: int = 0) -> bool:
    """Return whether checking a signature by a client's key takes too long.

    OpenSSL checks the signature by which a client proves its key, whatever key it is.

    Args:
        kind: of the key.
        bits: of its modulus.
        exponent_bits: of an RSA key's public exponent.
    """
    if kind is KeyKind.RSA:
        return bits > RSA_BITS_MAX or exponent_bits > RSA_EXPONENT_BITS_MAX
    return kind is KeyKind.DSA and bits > DSA_BITS_MAX


class KeyKind(Enum):
    """What a key is of, as far as its cost is concerned."""

    RSA = auto()
    DSA = auto()
    OTHER = auto()
    """Of a size that its standard fixes: TLS takes no curve that it has not named."""


class TlsEngine(StrEnum):
    """By which binding a server's sessions reach OpenSSL."""

    PYOPENSSL = "pyopenssl"
    """pyOpenSSL, and the OpenSSL that comes with ``cryptography``."""
    SSL = "ssl"
    """The standard library's, and the OpenSSL that the interpreter was built for."""


class TlsConnection(Protocol):
    """One end of a connection: OpenSSL between two buffers.

    The four calls of every request are attributes, so that an engine that has them in C
    gives those.

    Attributes:
        wants_more: what ``shake_hands`` and ``read`` raise when all is read.
        closed: what ``read`` may raise when the peer said that no more will come.
        broken: what all raise when the protocol was broken, or the peer is not trusted;
            the others may be kinds of it.
    """

    wants_more: ClassVar[type[Exception]]
    closed: ClassVar[type[Exception]]
    broken: ClassVar[type[Exception]]

    @property
    def give(self) -> Callable[[bytes], object]:
        """Take ciphertext from the peer."""
        ...

    @property
    def read(self) -> Callable[[int], bytes]:
        """Decrypt some bytes, of one record at most; none when the peer closed.

        The argument is how many there may be; an engine may give more.
        """
        ...

    @property
    def write(self) -> Callable[[bytes | memoryview], object]:
        """Encrypt all of these bytes."""
        ...

    @property
    def take(self) -> Callable[[], bytes]:
        """Give all ciphertext for the peer, once."""
        ...

    def shake_hands(self) -> None:
        """Go on with the handshake; return when it has ended."""
        ...

    def shut_down(self) -> None:
        """Tell the peer that no more will come; may raise ``broken``."""
        ...

    def peer_certificate(self) -> bytes | None:
        """Give the peer's certificate in DER, once hands are shaken."""
        ...

    def protocol(self) -> bytes:
        """Give what ALPN settled on, or nothing."""
        ...

    def reasons(self, error: Exception) -> list[str]:
        """Give OpenSSL's words for what is ``broken``, the first cause first."""
        ...


class ServingContext(Protocol):
    """A server's identity and terms, as one engine keeps them."""

    def connect(self) -> TlsConnection:
        """Make the server's end of a connection."""
        ...

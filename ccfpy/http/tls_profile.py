"""The TLS profile: suites, groups, and which clients' keys cost too much to check.

The profile is CCF's (``src/tls/context.h``), with one more group.
"""

from enum import Enum, auto
from typing import Final

from ccfpy.base.limits import DSA_BITS_MAX, RSA_BITS_MAX, RSA_EXPONENT_BITS_MAX

TLS12_SUITES: Final = (
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=2"
)
"""With OpenSSL's own level of security, so that no file of settings has another."""
TLS13_SUITES: Final = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"
GROUPS: Final = "X25519:P-256:P-384:P-521"
"""The cheapest first. Most clients begin with X25519: a server without it asks for a
second hello, which costs a round trip, and P-521 costs a third of a handshake."""
SESSION_ID_CONTEXT: Final = b"ccfpy"

RECORD_BYTES_MAX: Final = 16 * 1024
"""Of plaintext in one record (RFC 8446, 5.1)."""


def is_costly_key(kind: "KeyKind", *, bits: int, exponent_bits: int = 0) -> bool:
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

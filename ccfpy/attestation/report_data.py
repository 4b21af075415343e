"""What evidence is bound to: 32 bytes, of a node's own or of its application's choice.

The two can never be the same: a node's are the digest of a key in DER, whose first byte
is that of a sequence, an application's the digest of what begins with a label.
"""

from ccfpy.crypto.hashing import sha256

REPORT_DATA_BYTES = 32
_APP_LABEL = b"ccfpy app report data\0"


def node_report_data(public_key_der: bytes) -> bytes:
    """Return the report data of a node's own evidence: its public key's digest."""
    return sha256(public_key_der)


def app_report_data(data: bytes) -> bytes:
    """Return the report data of evidence that an app requested with ``data``."""
    return sha256(_APP_LABEL + data)

"""The signature at the end of a certificate or of a list: whole bytes.

It is a bit string, which begins by saying how many bits of its last byte do not count.
The library takes any such number if those bits are zero: the same certificate or list
in other bytes.
"""

from ccfpy.base.errors import VerificationFailed

_ALL_COUNT = b"\0"


def check_whole(der: bytes, signature: bytes, *, of: object) -> None:
    """Check that all bits of the signature at the end of ``der`` count.

    Args:
        der: the signed bytes, with the signature.
        signature: as the library reads it.
        of: the name of the signed object, for the message.

    Raises:
        VerificationFailed: some do not.
    """
    if not der.endswith(_ALL_COUNT + signature):
        raise VerificationFailed(f"{of} has a signature of odd length")

"""What stands beside an SGX quote as Open Enclave gathers it: nine elements.

A header of version, kind, size and count, the elements' offsets, then: the version,
what Intel says of the processor's security versions (*TCB info*) with its signer's
certificates, the lists of revoked certificates of processors and of Intel's root, the
certificates of the first list's issuer, what Intel says of its quoting enclave with its
signer's certificates, and when all this was gathered. What Intel says is JSON whose
exact bytes it signs.
"""

import re
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from ccfpy.attestation.sgx_quote import Cursor
from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.json import JsonObject
from ccfpy.base.limits import MIB
from ccfpy.crypto.certs import Certificate, parse_bundle, parse_time
from ccfpy.crypto.crl import RevocationList

COLLATERAL_BYTES_MAX = MIB
VERSION = 1
SGX_ECDSA = 2
ELEMENTS = 9

_SIGNED = re.compile(
    rb'\{"(tcbInfo|enclaveIdentity)":(\{.*\}),"signature":"([0-9a-fA-F]{128})"\}',
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedJson:
    """What Intel says, and its signature.

    Attributes:
        signed: the bytes that the signature covers.
        content: the same as JSON.
        signature: as ``r || s``.
        signers: the signer's certificates, its own first.
    """

    signed: bytes
    content: JsonObject
    signature: bytes
    signers: list[Certificate]

    @classmethod
    def parse(cls, text: bytes, signers: bytes) -> Self:
        """Read it.

        Raises:
            Malformed: it is none.
        """
        match = _SIGNED.fullmatch(text.strip())
        if match is None:
            raise Malformed("SGX collateral that is not what Intel signs")
        return cls(
            signed=match[2],
            content=json.loads_object(match[2]),
            signature=bytes.fromhex(match[3].decode()),
            signers=parse_bundle(signers),
        )

    @property
    def not_before(self) -> datetime:
        """When Intel said it."""
        return self._moment("issueDate")

    @property
    def not_after(self) -> datetime:
        """Until when it is good without asking again."""
        return self._moment("nextUpdate")

    def _moment(self, name: str) -> datetime:
        value = self.content.get(name)
        if not isinstance(value, str):
            raise Malformed(f"SGX collateral without {name}")
        return parse_time(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class SgxCollateral:
    """All of it, parsed; nothing is verified.

    Attributes:
        created: when the collateral was gathered, as the collector of the evidence
            says.
    """

    tcb_info: SignedJson
    qe_identity: SignedJson
    pck_list: RevocationList
    root_list: RevocationList
    list_signers: list[Certificate]
    created: datetime

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read Open Enclave's form.

        Raises:
            Malformed: it is none.
        """
        elements = [element.removesuffix(b"\0") for element in _elements(raw)]
        return cls(
            tcb_info=SignedJson.parse(elements[1], elements[2]),
            qe_identity=SignedJson.parse(elements[6], elements[7]),
            pck_list=RevocationList.from_bytes(elements[3]),
            root_list=RevocationList.from_bytes(elements[4]),
            list_signers=parse_bundle(elements[5]),
            created=_time(elements[8]),
        )


def _elements(raw: bytes) -> list[bytes]:
    if len(raw) > COLLATERAL_BYTES_MAX:
        raise Malformed(f"SGX collateral of {len(raw)} bytes is too long")
    cursor = Cursor(raw)
    version, kind, size, count = struct.unpack("<IIII", cursor.take(16))
    if (version, kind, count) != (VERSION, SGX_ECDSA, ELEMENTS):
        raise Malformed("endorsements that are not Open Enclave's for SGX")
    starts = struct.unpack(f"<{count}I", cursor.take(4 * count))
    data = cursor.rest()
    if size != 4 * count + len(data):
        raise Malformed(f"SGX collateral that is not of its size {size}")
    ends = (*starts[1:], len(data))
    if starts[0] != 0 or any(a > b for a, b in zip(starts, ends, strict=True)):
        raise Malformed("SGX collateral whose parts are out of order")
    return [data[a:b] for a, b in zip(starts, ends, strict=True)]


def _time(text: bytes) -> datetime:
    try:
        return parse_time(text.decode("ascii"))
    except UnicodeDecodeError as error:
        raise Malformed("SGX collateral of no date") from error

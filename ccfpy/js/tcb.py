"""Reads AMD's trusted computing base version: eight bytes whose layout is the chip's.

AMD SEV-SNP Firmware ABI, table 3. Both hex texts are written most significant byte
first, so they are the reverse of what lies in memory.
"""

from ccfpy.base import json
from ccfpy.base.errors import Malformed

_CPUID_BYTES = 4
_TCB_BYTES = 8

_MILAN_GENOA = {"microcode": 7, "snp": 6, "tee": 1, "boot_loader": 0}
_TURIN = {"microcode": 7, "snp": 3, "tee": 2, "boot_loader": 1, "fmc": 0}
_LAYOUTS = {
    (0x19, 0x01): _MILAN_GENOA,
    (0x19, 0x11): _MILAN_GENOA,
    (0x1A, 0x01): _TURIN,
}
"""Byte of each component, by processor family and model: Milan, Genoa, Turin."""


def tcb_policy(cpuid_hex: str, tcb_hex: str) -> str:
    """Split a TCB version into its components; give CCF's policy object as JSON.

    Raises:
        Malformed: not hex of the right length, or not a processor we know.
    """
    cpuid = int.from_bytes(_from_hex(cpuid_hex, _CPUID_BYTES, "CPUID"), "big")
    family = (cpuid >> 8 & 0xF) + (cpuid >> 20 & 0xFF)
    model = (cpuid >> 16 & 0xF) << 4 | (cpuid >> 4 & 0xF)
    layout = _LAYOUTS.get((family, model))
    if layout is None:
        raise Malformed(f"SEV-SNP: Unsupported CPUID family {family} model {model}")
    tcb = _from_hex(tcb_hex, _TCB_BYTES, "TCB version")
    in_memory = tcb[::-1]
    policy: json.JsonObject = {"hexstring": tcb.hex()}
    policy |= {name: in_memory[position] for name, position in layout.items()}
    return json.dumps(policy).decode()


def _from_hex(text: str, count: int, what: str) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise Malformed(f"{what} is not hex: {text!r}") from error
    if len(data) != count:
        raise Malformed(f"{what} has {len(data)} bytes, expected {count}")
    return data

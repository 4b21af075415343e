"""A kernel that lacks something, or a container that refuses it: a filter says so."""

import os
import struct

from ccfpy.enclave.isolation import kernel, seccomp
from ccfpy.enclave.isolation.seccomp import NEWEST, Numbers, assemble, encode

CALLS = {
    "seccomp": Numbers(317, 277),
    "landlock_create_ruleset": Numbers(444, 444),
    "landlock_restrict_self": Numbers(446, 446),
    "capset": Numbers(126, 91),
    "mlockall": Numbers(151, 230),
    "prlimit64": Numbers(302, 261),
}
_ERROR = 0x00050000


def take_away(name: str, error: int) -> None:
    """Make a call fail from now on; new privileges must have been renounced."""
    processor = os.uname().machine
    program = assemble(
        {getattr(CALLS[name], processor): _ERROR | error},
        otherwise=seccomp.ALLOW,
        beyond=(NEWEST, seccomp.ALLOW),
    )
    code = kernel.Buffer(encode(program))
    handed = kernel.Buffer(struct.pack("@HP", len(program), code.address))
    kernel.call(getattr(CALLS["seccomp"], processor), 1, 0, handed.address)

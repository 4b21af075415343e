"""What the trusted process gives up, so that a flaw in it has nowhere to go.

First, before anything else: to leave a core dump, to be read or traced by others of the
same user, to outlive its host (``isolate``). Then, once everything is read that will
ever be, all of the outside but one socket (``confine``). Each layer is tried by itself;
what a kernel or a container does not allow is reported, not fatal. Only Linux has most
of them.
"""

from ccfpy.enclave.isolation.confinement import (
    OFF,
    SWITCH,
    confine,
    is_turned_off,
    isolate,
)

__all__ = ("OFF", "SWITCH", "confine", "is_turned_off", "isolate")

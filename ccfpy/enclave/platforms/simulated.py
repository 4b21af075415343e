"""The simulated machine, in a file, as the platform of one enclave.

The key that signs the machine's evidence lies in the file, and its secrets lie there
too: a person who can read the file has all of them. Everything else works as on real
hardware.
"""

from collections.abc import Mapping
from pathlib import Path

from ccfpy.attestation.identity import EnclaveIdentity
from ccfpy.attestation.simulated_machine import SimulatedMachine
from ccfpy.base.errors import CcfpyError, ConfigurationRefused
from ccfpy.base.ports import Attestation
from ccfpy.enclave.isolation import OFF, SWITCH, is_turned_off

PLACE = "CCFPY_SIMULATED_PLATFORM"
"""The environment variable that names the machine's file, if it is not the usual."""
USUAL_PLACE = ".local/state/ccfpy/simulated-platform.json"
"""In the home folder of who runs the enclave."""
_LEDGER_SECRETS = b"ledger secrets"


class SimulatedPlatform:
    """A machine beneath one enclave.

    Args:
        machine: it.
        identity: the enclave, as it was measured and signed.
    """

    def __init__(self, machine: SimulatedMachine, identity: EnclaveIdentity) -> None:
        self.machine = machine
        self.identity = identity

    @classmethod
    def usual(
        cls, environment: Mapping[str, str], identity: EnclaveIdentity
    ) -> "SimulatedPlatform":
        """Return this user's machine, or the named one, for an enclave that may use it.

        Evidence says whether an enclave may be looked into; one whose process is left
        open, whatever was signed, may be.

        Raises:
            ConfigurationRefused: there is none, or the process is to be left open.
        """
        if is_turned_off(environment) and not identity.debug:
            raise ConfigurationRefused(
                f"{SWITCH} is {OFF}, and this enclave was not signed for that; leave "
                "it out, or sign the enclave with ccfpy enclave sign --debug"
            )
        return cls(read_machine(usual_place(environment)), identity)

    def attest(self, report_data: bytes, *, host_data: bytes) -> Attestation:
        """Make a quote of this enclave, with what the vendor says of the machine."""
        return self.machine.attest(
            self.identity, report_data=report_data, host_data=host_data
        )

    @property
    def tcb_version(self) -> bytes:
        """The machine's security version."""
        return self.machine.tcb_version

    def derived_key(self, tcb_version: bytes, *, host_data: bytes) -> bytes:
        """Return the key that seals ledger secrets; only this very code has it.

        Raises:
            VerificationFailed: a part of the machine is older than that.
        """
        return self.machine.derive(
            _LEDGER_SECRETS,
            self.identity.unique_id,
            bytes([self.identity.debug]),
            host_data,
            tcb_version=tcb_version,
        )


def usual_place(environment: Mapping[str, str]) -> Path:
    """Return the place of this user's machine, or of the one the environment names."""
    named = environment.get(PLACE)
    return Path(named) if named else Path.home() / USUAL_PLACE


def read_machine(place: Path) -> SimulatedMachine:
    """Read a machine's file.

    Raises:
        ConfigurationRefused: there is none, or it cannot be used.
    """
    try:
        return SimulatedMachine.parse(place.read_bytes())
    except (OSError, CcfpyError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigurationRefused(
            f"cannot use the simulated platform {place}: {reason}; make one with "
            f"ccfpy enclave platform new, or name another in {PLACE}"
        ) from error

"""The services of the machine beneath an enclave: evidence, local reports, sealing.

The machine is simulated, and all its evidence says so. Sealing hides a secret from
everybody who cannot read the machine's file, and protects sealed data from changes.
Sealing does not stop a host from passing *earlier* sealed data: an enclave alone cannot
tell yesterday's state from today's. Where that matters, the state belongs in a ledger.
"""

import hmac

from ccfpy.attestation.identity import EnclaveIdentity
from ccfpy.attestation.report_data import app_report_data
from ccfpy.attestation.simulated import HOST_DATA_BYTES
from ccfpy.base import json
from ccfpy.base.errors import VerificationFailed
from ccfpy.base.ports import Attestation, Entropy
from ccfpy.enclave.loop import Defect
from ccfpy.enclave.platforms.simulated import SimulatedPlatform
from ccfpy.toolkit.enclave.local_reports import read_report, report_for
from ccfpy.toolkit.enclave.sealing import SealPolicy, seal, unseal



class EnclavePlatform:
    """The machine as one enclave may use it.

    An enclave that does not say that it needs a platform has none: to use it all the
    same is a defect.

    Args:
        beneath: the machine with the enclave; nothing where there is none.
        entropy: what sealing has its salts from.
    """

    def __init__(self, beneath: SimulatedPlatform | None, entropy: Entropy) -> None:
        self._beneath = beneath
        self._entropy = entropy

    @property
    def identity(self) -> EnclaveIdentity:
        """Who this enclave is, as the machine tells others."""
        return self._own.identity

    def attest(self, data: bytes) -> Attestation:
        """Make evidence of this enclave for anybody, bound to data of its choice.

        The report data is ``attestation.report_data.app_report_data`` of it.
        """
        report_data = app_report_data(data)
        return self._own.attest(report_data, host_data=_NO_HOST_DATA)

    def report_for(self, target: EnclaveIdentity, data: bytes) -> bytes:
        """Report this enclave to one other on the same machine, bound to data."""
        return report_for(
            target,
            self._own.machine,
            self._own.identity,
            report_data=app_report_data(data),
        )

    def read_report(self, report: bytes, data: bytes) -> EnclaveIdentity:
        """Return the identity of another enclave on this machine from its report.

        Who may be trusted with what is for the caller to decide, by the signer, the
        product and the security version.

        Raises:
            Malformed: it is no report.
            VerificationFailed: it is for another enclave, of another machine, bound to
                other data, or of an enclave that may be looked into while this may not.
        """
        read = read_report(report, self._own.machine, self._own.identity)
        if not hmac.compare_digest(read.report_data, app_report_data(data)):
            raise VerificationFailed("a local report that is bound to other data")
        if read.identity.debug and not self._own.identity.debug:
            raise VerificationFailed("a local report of a debug enclave")
        return read.identity

    def seal(self, plaintext: bytes, *, policy: SealPolicy, aad: bytes = b"") -> bytes:
        """Seal a text for a later run.

        Args:
            plaintext: the text.
            policy: for whom it is to open.
            aad: what goes with it openly; opening needs the same.
        """
        return seal(
            plaintext,
            policy=policy,
            aad=aad,
            machine=self._own.machine,
            identity=self._own.identity,
            entropy=self._entropy,
        )

    def unseal(self, sealed: bytes, *, aad: bytes = b"") -> bytes:
        """Open a sealed text; it may be an old one.

        Raises:
            Malformed: it is none.
            VerificationFailed: it is not for this enclave on this machine, was sealed
                by a newer one, or was changed.
        """
        own = self._own
        return unseal(sealed, aad=aad, machine=own.machine, identity=own.identity)

    @property
    def _own(self) -> SimulatedPlatform:
        if self._beneath is None:
            raise Defect("its Enclave does not say needs_platform=True")
        return self._beneath


def identity_text(identity: EnclaveIdentity) -> bytes:
    """Write an identity down, to be handed to another enclave."""
    return json.dumps(identity.fields())


def read_identity(text: bytes) -> EnclaveIdentity:
    """Read an identity that somebody wrote down: a claim, which proves nothing.

    Raises:
        Malformed: it is none.
    """
    return EnclaveIdentity.read(json.loads_object(text))

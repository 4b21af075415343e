"""Enclaves made with the toolkit, in the test's own process: nothing signed, no files.

The dispatcher, the interface and the host's side are the code that ships. Isolation and
the system's limits, which a process of its own has, are missing.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ccfpy.attestation.identity import EnclaveIdentity
from ccfpy.crypto.hashing import sha256
from ccfpy.enclave.in_process import InProcess
from ccfpy.enclave.platforms.simulated import SimulatedPlatform
from ccfpy.local.simulated_vendor import SimulatedVendor
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.toolkit.enclave import Enclave, EnclavePlatform
from ccfpy.toolkit.enclave.dispatcher import Dispatcher
from ccfpy.toolkit.enclave.process import protocol_of
from ccfpy.toolkit.enclave.program import NoTimer
from ccfpy.toolkit.host import HostedEnclave

ISOLATION = "Isolation: none, it runs within a test"
MADE_AT_S = 1_700_000_000
"""When a bench's vendor and machine were made, in seconds since 1970."""

Trusted = TypeVar("Trusted")
Untrusted = TypeVar("Untrusted")


def _identity() -> EnclaveIdentity:
    return EnclaveIdentity(
        unique_id=sha256(b"code"),
        signer_id=sha256(b"signer"),
        product_id=1,
        security_version=1,
        debug=False,
    )


@dataclass
class Bench:
    """A machine that enclaves run on, and the identity that they run under.

    Attributes:
        seed: every key and every random byte follows from it.
        identity: of each enclave that is started from now on; a test may change it.
    """

    seed: int = 1
    identity: EnclaveIdentity = field(default_factory=_identity)

    def __post_init__(self) -> None:
        self._entropy = SeededEntropy(self.seed)
        self.vendor = SimulatedVendor.make(self._entropy, unix_time_s=MADE_AT_S)
        self.machine = self.vendor.make_machine(self._entropy, unix_time_s=MADE_AT_S)

    def become(self, *, code: bytes = b"code", signer: bytes = b"signer") -> None:
        """Change the code, or the signer, of enclaves made from now on."""
        self.identity = replace(
            self.identity, unique_id=sha256(code), signer_id=sha256(signer)
        )

    @contextlib.asynccontextmanager
    async def running(
        self, enclave: Enclave[Trusted, Untrusted], services: Untrusted
    ) -> AsyncIterator[HostedEnclave[Trusted, Untrusted]]:
        """Run an enclave until the end of the block.

        Args:
            enclave: the enclave's definition.
            services: the functions that the enclave may call.
        """
        link = InProcess(protocol_of(enclave), lambda: self._dispatcher(enclave))
        running = HostedEnclave(enclave.interface, services, link)
        try:
            await running.initialize()
            running.run()
            yield running
        finally:
            running.destroy()

    def _dispatcher(self, enclave: Enclave[Trusted, Untrusted]) -> Dispatcher:
        beneath = None
        if enclave.needs_platform:
            beneath = SimulatedPlatform(self.machine, self.identity)
        return Dispatcher(
            enclave,
            entropy=self._entropy,
            timer=NoTimer(),
            platform=EnclavePlatform(beneath, self._entropy),
            isolation=ISOLATION,
        )

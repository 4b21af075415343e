"""An enclave that keeps a word, and can be told from others; it is to be signed."""

from ccfpy.base.errors import CcfpyError
from ccfpy.toolkit.enclave import (
    Enclave,
    SealPolicy,
    Surroundings,
    identity_text,
    read_identity,
)
from ccfpy.toolkit.interfaces import Refusal
from tests.unit.toolkit.enclave.vault import INTERFACE, Host

DATA = b"a vault"


class Vault:
    """Does with the platform what it is asked to."""

    def __init__(self, around: Surroundings[Host]) -> None:
        self._platform = around.platform

    async def keep(self, word: str) -> bytes:
        return self._platform.seal(word.encode(), policy=SealPolicy.SIGNER)

    async def tell(self, sealed: bytes) -> str:
        try:
            return self._platform.unseal(sealed).decode()
        except CcfpyError:
            raise Refusal("foreign") from None

    async def identity(self) -> bytes:
        return identity_text(self._platform.identity)

    async def attest(self, nonce: bytes) -> tuple[bytes, bytes]:
        attested = self._platform.attest(DATA + nonce)
        return attested.quote, attested.endorsements

    async def report(self, to: bytes) -> bytes:
        return self._platform.report_for(read_identity(to), DATA)

    async def read(self, report: bytes) -> bytes:
        try:
            return identity_text(self._platform.read_report(report, DATA))
        except CcfpyError:
            raise Refusal("foreign") from None


enclave = Enclave(interface=INTERFACE, code=Vault, needs_platform=True)

"""The interface of an enclave that keeps a word, and can be told from others."""

from typing import Annotated, Protocol

from ccfpy.toolkit.interfaces import AtMost, Interface, refuses

Word = Annotated[str, AtMost(64)]
Sealed = Annotated[bytes, AtMost(4096)]
Identity = Annotated[bytes, AtMost(1024)]


class Trusted(Protocol):
    """What the host may ask."""

    async def keep(self, word: Word) -> Sealed: ...

    @refuses("foreign")
    async def tell(self, sealed: Sealed) -> Word: ...

    async def identity(self) -> Identity: ...

    async def attest(self, nonce: Sealed) -> tuple[Sealed, Sealed]: ...

    async def report(self, to: Identity) -> Sealed: ...

    @refuses("foreign")
    async def read(self, report: Sealed) -> Identity: ...


class Host(Protocol):
    """What the enclave may ask."""


INTERFACE: Interface[Trusted, Host] = Interface(
    "vault", trusted=Trusted, untrusted=Host, call_bytes_max=16_384
)

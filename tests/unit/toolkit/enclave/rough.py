"""The interface of an enclave that does whatever an enclave should not."""

from typing import Annotated, Protocol

from ccfpy.toolkit.interfaces import AtMost, Interface

How = Annotated[str, AtMost(32)]


class Trusted(Protocol):
    """What the host may ask."""

    async def answer(self) -> int: ...

    async def overdo(self, how: How) -> int: ...

    async def try_to(self, how: How) -> Annotated[str, AtMost(256)]: ...


class Host(Protocol):
    """What the enclave may ask."""

    async def wait(self) -> None: ...


INTERFACE: Interface[Trusted, Host] = Interface(
    "rough", trusted=Trusted, untrusted=Host
)

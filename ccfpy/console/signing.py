"""What the console signs or sends, after the person at the terminal has agreed.

A page can ask for a signature, or for a request that writes, so the page alone must not
be enough: the terminal shows what would be signed or sent, and asks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from ccfpy.base.errors import CcfpyError
from ccfpy.client.keys import Identity, ShareDecrypter, Signer

Confirm = Callable[[Sequence[str]], Awaitable[bool]]
"""Asks a person whether to sign or send, shown these lines; returns the answer."""


class NotSigned(CcfpyError):
    """Nothing was signed or sent, and why."""


async def nobody(_: Sequence[str]) -> bool:
    """Refuse, where there is no terminal at which a person could be asked.

    Raises:
        NotSigned: always.
    """
    raise NotSigned(
        "nobody is here to be asked before a request that may write: start the console "
        "in a terminal, or with --no-confirm in a sandbox"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pen:
    """A member's or a user's key, and the person who allows each use of the key.

    Attributes:
        name: the member's, as people know it here.
        confirm: asks that person; nothing if every use is allowed.
        opener: opens the member's recovery share; nothing if its key is not here.
        identity: the files of the key and its certificate, for requests as a user;
            nothing if the key is not in a file.
    """

    name: str
    signer: Signer
    confirm: Confirm | None
    opener: ShareDecrypter | None = None
    identity: Identity | None = None


@dataclass(slots=True, kw_only=True)
class Roles:
    """What the service says of the key of this machine.

    Attributes:
        is_user: whether users have it.
        is_member: whether members have it; so it is taken until the service is asked.
    """

    is_user: bool = False
    is_member: bool = True

    @property
    def only_calls(self) -> bool:
        """Whether the key is a user's and no member's, so that it signs no vote."""
        return self.is_user and not self.is_member


class Desk:
    """One pen, or none, and one terminal, which asks about one thing at a time.

    Args:
        pen: whose key is here.
        confirm: asks the person where there is no pen; nothing if all may be sent.
        roles: whose key the pen has.
    """

    def __init__(
        self,
        pen: Pen | None,
        confirm: Confirm | None = nobody,
        roles: Roles | None = None,
    ) -> None:
        self.pen = pen
        self._roles = roles or Roles()
        self._confirm = confirm if pen is None else pen.confirm
        self._busy = asyncio.Lock()

    @property
    def may_ask(self) -> bool:
        """Whether a person is asked before something is signed or sent."""
        return self._confirm is not None

    async def allowed(self, lines: Sequence[str]) -> Pen:
        """Return the pen if the person at the terminal agrees.

        Args:
            lines: what is to be signed, in words.

        Raises:
            NotSigned: there is no member's key here, the person said no, or the
                terminal asks about something else already.
        """
        if self.pen is None:
            raise NotSigned("this console only reads: start it with --as MEMBER")
        if self._roles.only_calls:
            raise NotSigned(f"{self.pen.name} is a user, and no member who could sign")
        await self.agreed([f"{self.pen.name} is to sign:", *lines])
        return self.pen

    async def agreed(self, lines: Sequence[str]) -> None:
        """Return once the person at the terminal agrees.

        Args:
            lines: to what, in words.

        Raises:
            NotSigned: the person said no, there is nobody, or the terminal asks about
                something else already.
        """
        if self._confirm is None:
            return
        if self._busy.locked():
            raise NotSigned("the terminal asks about another signature: answer that")
        async with self._busy:
            if not await self._confirm(lines):
                raise NotSigned("the person at the terminal said no")

"""Votes that the console signs, after the person at the terminal has agreed.

A page can ask for a signature, so the page alone must not be enough: the terminal shows
what would be signed, and asks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from ccfpy.base.errors import CcfpyError
from ccfpy.client.signer import ShareDecrypter, Signer

Confirm = Callable[[Sequence[str]], Awaitable[bool]]
"""Asks a person whether to sign, shown these lines; returns the answer."""


class NotSigned(CcfpyError):
    """Nothing was signed, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pen:
    """A member's key, and the person who allows each use of the key.

    Attributes:
        name: the member's, as people know it here.
        confirm: asks that person; nothing if every use is allowed.
        opener: opens the member's recovery share; nothing if its key is not here.
    """

    name: str
    signer: Signer
    confirm: Confirm | None
    opener: ShareDecrypter | None = None


class Desk:
    """One pen, used for one thing at a time."""

    def __init__(self, pen: Pen | None) -> None:
        self.pen = pen
        self._busy = asyncio.Lock()

    async def allowed(self, lines: Sequence[str]) -> Pen:
        """Return the pen if the person at the terminal agrees.

        Args:
            lines: what is to be signed, in words.

        Raises:
            NotSigned: there is no key here, the person said no, or the terminal asks
                about something else already.
        """
        if self.pen is None:
            raise NotSigned("this console only reads: start it with --as MEMBER")
        if self.pen.confirm is None:
            return self.pen
        if self._busy.locked():
            raise NotSigned("the terminal asks about another signature: answer that")
        async with self._busy:
            if not await self.pen.confirm([f"{self.pen.name} is to sign:", *lines]):
                raise NotSigned("the person at the terminal said no")
        return self.pen

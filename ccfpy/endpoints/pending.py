"""A response that comes later: when another node has answered, or a commit is known.

A step never waits. A request that cannot be answered within the step gets an `Awaited`
in place of a response. The part of the node that will know the answer keeps the
`Awaited` and settles it in a later step. Meanwhile the connection serves no other
request, so that answers keep the order of requests.
"""

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from ccfpy.http.messages import Response

if TYPE_CHECKING:
    from collections.abc import Callable


class Awaited:
    """A place where a response will be put, once.

    Attributes:
        response: the response, once it is settled.
        is_abandoned: the client has gone; the answer is not needed any more.
    """

    __slots__ = ("_deliver", "_observe", "is_abandoned", "response")

    def __init__(self) -> None:
        self.response: Response | None = None
        self.is_abandoned = False
        self._deliver: Callable[[Response], None] | None = None
        self._observe: Callable[[Response], None] | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the response is there."""
        return self.response is not None

    def settle(self, response: "Response") -> None:
        """Set the response; of several that race, the first counts."""
        if self.response is not None:
            return
        self.response = response
        if self._observe is not None:
            self._observe(response)
        if self._deliver is not None:
            self._deliver(response)

    def then(self, deliver: "Callable[[Response], None]") -> None:
        """Deliver the response: at once if it is there, or when it comes."""
        assert self._deliver is None, "a response is delivered once"
        self._deliver = deliver
        if self.response is not None:
            deliver(self.response)

    def observe(self, observe: "Callable[[Response], None]") -> None:
        """Call a function with the response when it comes."""
        earlier = self._observe
        if earlier is None:
            self._observe = observe
        else:
            self._observe = partial(_both, earlier, observe)
        if self.response is not None:
            observe(self.response)

    def abandon(self) -> None:
        """Deliver nothing: nobody waits any more."""
        self.is_abandoned = True
        self._deliver = _to_nobody


Answer: TypeAlias = Response | Awaited
"""What a handler gives: the response, or the place where it will be."""


def _both(
    first: "Callable[[Response], None]",
    second: "Callable[[Response], None]",
    response: "Response",
) -> None:
    first(response)
    second(response)


def _to_nobody(_: "Response") -> None:
    """Drop a response that nobody waits for."""

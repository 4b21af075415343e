"""JSON that does not fit a type: the place in the document, and what was expected."""

from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json

_SHOWN_MAX = 200


class Mismatch(Malformed):
    """JSON that does not fit; says where in the document, and what was expected.

    Attributes:
        problem: what was expected.
        path: names and numbers of the parts that lead to it, the innermost first.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path: list[str] = []

    @property
    def pointer(self) -> str:
        """The place as a JSON pointer (RFC 6901, without escapes)."""
        return f"#/{'/'.join(reversed(self.path))}"

    def __str__(self) -> str:
        """Return the place as a JSON pointer, then the problem."""
        return f"At {self.pointer}: {self.problem}"

    def within(self, part: str) -> "Mismatch":
        """Return the mismatch, as one in a part of the document."""
        self.path.append(part)
        return self


def found(value: Json) -> str:
    """Return a value as it was found, cut to what a message may hold."""
    text = json.dumps(value).decode()
    return text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + "..."

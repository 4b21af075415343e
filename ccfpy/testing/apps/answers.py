"""What a service answered, printed so that a failed assertion explains itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, loads
from ccfpy.client.requests import EXCERPT_CHARACTERS, Reply


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Answer(Reply):
    """An answer and its request.

    Attributes:
        asked: the verb, the path, and who asked.
        logged: what the application and its scripts logged during the request.
    """

    asked: str
    logged: Sequence[str] = ()

    def __repr__(self) -> str:
        """Return the request, the status, and what an error says or a body begins with.

        This is what pytest shows of an answer in an assertion that fails.
        """
        told = f"<{self.asked}: {self.status}"
        excerpt = self._excerpt()
        if excerpt:
            told += f" {excerpt}"
        if self.is_error and self.logged:
            told += f"; logged: {' | '.join(self.logged)}"
        return f"{told}>"

    @property
    def error(self) -> str:
        """The code of a refusal, such as ``ResourceNotFound``; empty if it has none."""
        return self._error("code")

    @property
    def message(self) -> str:
        """What a refusal says; empty if it says nothing."""
        return self._error("message")

    def _error(self, name: str) -> str:
        error: Json = None
        try:
            value = loads(self.body)
        except Malformed:
            return ""
        if isinstance(value, dict):
            error = value.get("error")
        if not isinstance(error, dict):
            return ""
        text = error.get(name)
        return text if isinstance(text, str) else ""

    def _excerpt(self) -> str:
        if self.error:
            return f"{self.error}: {self.message}"
        text = self.text
        if len(text) > EXCERPT_CHARACTERS:
            return f"{text[:EXCERPT_CHARACTERS]}… ({len(self.body)} bytes)"
        return text

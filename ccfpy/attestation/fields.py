"""Fields of a record that somebody else wrote: each as it must be, and no others."""

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.crypto.hashing import DIGEST_BYTES


class Fields:
    """Reads a record strictly: hex in lower case, numbers in bounds, nothing unread.

    Args:
        fields: the record.
        what: names it in messages.
    """

    def __init__(self, fields: JsonObject, what: str) -> None:
        self._fields = fields
        self._unread = set(fields)
        self._what = what

    def text(self, name: str) -> str:
        """Read text.

        Raises:
            Malformed: it is none, or not there; so do all the others.
        """
        value = self._take(name)
        if not isinstance(value, str):
            raise self._wrong(name, "text")
        return value

    def hexadecimal(self, name: str, size: int = DIGEST_BYTES) -> bytes:
        """Read so many bytes as lower-case hex."""
        text = self.text(name)
        try:
            value = bytes.fromhex(text)
        except ValueError:
            value = b""
        if len(value) != size or value.hex() != text:
            raise self._wrong(name, f"{size} bytes in lower-case hex")
        return value

    def number(self, name: str, maximum: int) -> int:
        """Read a number from 0 to a maximum."""
        value = self._take(name)
        if type(value) is not int or not 0 <= value <= maximum:
            raise self._wrong(name, f"a number from 0 to {maximum}")
        return value

    def flag(self, name: str) -> bool:
        """Read true or false."""
        value = self._take(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def object(self, name: str) -> JsonObject:
        """Read an object."""
        value = self._take(name)
        if not isinstance(value, dict):
            raise self._wrong(name, "an object")
        return value

    def array(self, name: str) -> list[Json]:
        """Read an array."""
        value = self._take(name)
        if not isinstance(value, list):
            raise self._wrong(name, "an array")
        return value

    def end(self) -> None:
        """Check that everything was read.

        Raises:
            Malformed: there are fields that nobody knows.
        """
        if self._unread:
            raise Malformed(f"{self._what}: unknown {', '.join(sorted(self._unread))}")

    def _take(self, name: str) -> Json:
        if name not in self._unread:
            raise Malformed(f"{self._what} lacks {name}")
        self._unread.discard(name)
        return self._fields[name]

    def _wrong(self, name: str, expected: str) -> Malformed:
        return Malformed(f"{self._what}: {name} is not {expected}")

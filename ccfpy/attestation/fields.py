"""Records that somebody else wrote: each field as it must be, and no others."""

from typing import Annotated, TypeAlias, TypeVar

from ccfpy.base.annotations import Converted
from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.mismatch import Mismatch
from ccfpy.base.schema import fields_of, schema_of
from ccfpy.crypto.hashing import DIGEST_BYTES

T = TypeVar("T")


def hexadecimal(size: int) -> Converted:
    """Return how so many bytes are read from hex, and written."""

    def read(value: Json) -> bytes:
        try:
            data = bytes.fromhex(value) if isinstance(value, str) else b""
        except ValueError:
            data = b""
        if len(data) != size:
            raise Mismatch(f"expected {size} bytes in hex")
        return data

    return Converted(read, bytes.hex)


Digest: TypeAlias = Annotated[bytes, hexadecimal(DIGEST_BYTES)]


def read_exactly(kind: type[T], record: JsonObject, what: str, *inlined: str) -> T:
    """Read a record that is written as we write it: there is one way.

    So hex is in lower case, and there are no fields that nobody knows.

    Args:
        kind: a dataclass.
        record: what was written.
        what: names the record in messages.
        inlined: fields of the dataclass whose own fields stand beside the others.

    Raises:
        Malformed: the record is not of the kind, or written another way.
    """
    whole = record | dict.fromkeys(inlined, record)
    for name in kind.__annotations__:
        if name not in whole:  # said here: the record may hold secrets
            raise Malformed(f"{what} lacks {name}")
    try:
        found: T = schema_of(kind).read(whole)
    except Mismatch as error:
        raise Malformed(f"{what}: {error}") from error
    if inlined_fields(found, *inlined) != record:
        raise Malformed(f"{what}: unknown fields, or not written the one way")
    return found


def inlined_fields(value: object, *inlined: str) -> JsonObject:
    """Return the fields of a record, those of some of its parts beside the others."""
    fields = fields_of(value)
    for name in inlined:
        part = fields.pop(name)
        assert isinstance(part, dict), "a part is a record"
        fields |= part
    return fields

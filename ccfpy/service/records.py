"""How a record of the service's tables becomes JSON and back: by its type.

A record is a dataclass. The types of its fields say how each is written and read, and
how the documents of the interfaces describe it (`ccfpy.base.schema`).

The error for a write that would break a rule of the service's tables.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar

from ccfpy.base import json
from ccfpy.base.annotations import TextFormat
from ccfpy.base.errors import CcfpyError
from ccfpy.base.json import Json
from ccfpy.base.schema import schema_of
from ccfpy.kv.maps import STRING, Codec

T = TypeVar("T")
K = TypeVar("K", bound=str)

JSON: Final[Codec[Json]] = Codec(encode=json.dumps, decode=json.loads)
"""JSON as CCF's C++ writes it: compact, keys sorted."""
PemText: TypeAlias = Annotated[str, TextFormat("Pem")]


class Form(Generic[T]):
    """The JSON form of one kind of value.

    Attributes:
        write: returns the JSON.
        read: returns the value, or raises ``Malformed``.
    """

    __slots__ = ("read", "write")

    def __init__(self, write: Callable[[T], Json], read: Callable[[Json], T]) -> None:
        self.write = write
        self.read = read


def _same(value: Any) -> Any:  # noqa: ANN401 - a value that is JSON itself
    return value


def form_of(kind: type[T]) -> Form[T]:
    """Return the form of a type.

    Raises:
        TypeError: JSON has no form for it.
    """
    schema = schema_of(kind)
    return Form(schema.write or _same, schema.read)


def codec_of(kind: type[T]) -> Codec[T]:
    """How a table holds values of this type: compact JSON with sorted keys."""
    return codec_of_form(form_of(kind))


def codec_of_form(form: Form[T]) -> Codec[T]:
    """How a table holds values of this form."""
    read, write = form.read, form.write

    def encode(value: T) -> bytes:
        return json.dumps(write(value))

    def decode(text: bytes) -> T:
        return read(json.loads(text))

    # A value that is JSON itself needs no call to become JSON.
    return Codec(encode=json.dumps if write is _same else encode, decode=decode)


def text_key(kind: Callable[[str], K]) -> Codec[K]:
    """How a table is keyed by ids: their text."""
    return Codec(
        encode=str.encode, decode=lambda text: kind(STRING.decode(text)), orders=True
    )


class Refused(CcfpyError):
    """A write would break a rule, and was not made; the text names the rule."""

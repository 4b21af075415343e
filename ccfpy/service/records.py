"""How a record of the service's tables becomes JSON and back: by its type.

A record is a dataclass. The types of its fields say how each is written and read, and
how the documents of the interfaces describe it (`ccfpy.base.schema`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

from ccfpy.base import json
from ccfpy.base.annotations import TextFormat
from ccfpy.base.json import Json
from ccfpy.base.schema import schema_of
from ccfpy.kv.maps import STRING, Codec

T = TypeVar("T")
K = TypeVar("K", bound=str)

PemText: TypeAlias = Annotated[str, TextFormat("Pem")]


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """The JSON form of one kind of value.

    Attributes:
        write: returns the JSON.
        read: returns the value, or raises ``Malformed``.
    """

    write: Callable[[T], Json]
    read: Callable[[Json], T]


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
    return Codec(
        encode=lambda value: json.dumps(write(value)),
        decode=lambda text: read(json.loads(text)),
    )


def text_key(kind: Callable[[str], K]) -> Codec[K]:
    """How a table is keyed by ids: their text."""
    return Codec(encode=str.encode, decode=lambda text: kind(STRING.decode(text)))

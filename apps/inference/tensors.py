"""Named tensors as bytes: what is sealed in requests and answers.

A length (four bytes, least first), as much JSON, then the elements of each tensor that
the JSON lists under ``tensors``, in that order, least byte first, the last dimension
running fastest. Whatever else the JSON says is the message's own. Nothing of it can
stand for code, and no length is believed before it is checked.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from apps.inference.limits import (
    ELEMENTS_MAX,
    HEADER_BYTES_MAX,
    NAME_CHARS_MAX,
    RANK_MAX,
    TENSORS_MAX,
)
from ccfpy.app import Json, JsonObject, Malformed, json_codec, parse_json

Tensor: TypeAlias = NDArray[Any]

TYPES = (
    "bool",
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64"),
)
"""What elements may be, by the names that numpy has for them."""
LISTED = "tensors"
_LENGTH_BYTES = 4
_HEADER = json_codec(dict)
_DTYPES = {name: np.dtype(name).newbyteorder("<") for name in TYPES}


@dataclass(frozen=True, slots=True)
class Message:
    """Tensors, and what is said besides.

    Attributes:
        tensors: by name, in order.
        said: the rest of the JSON.
    """

    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    said: JsonObject = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the bytes.

        Raises:
            Malformed: there are too many tensors, or their elements have a type that
                cannot travel.
        """
        listed: list[Json] = []
        parts: list[bytes] = []
        for name, tensor in self.tensors.items():
            kind = tensor.dtype.name
            if kind not in _DTYPES:
                raise Malformed(f"'{name}' has elements of type {kind}: {_known()}")
            shape: list[Json] = list(tensor.shape)
            listed.append({"name": name, "type": kind, "shape": shape})
            parts.append(tensor.astype(_DTYPES[kind], order="C", copy=False).tobytes())
        header = _HEADER.encode({**self.said, LISTED: listed})
        encoded = len(header).to_bytes(_LENGTH_BYTES, "little") + header
        read = _read_header(encoded)
        _layout(read)
        return encoded + b"".join(parts)

    @classmethod
    def decode(cls, data: bytes) -> "Message":
        """Read the bytes.

        Raises:
            Malformed: they have not the form, or exceed a limit.
        """
        header = _read_header(data)
        at = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
        tensors: dict[str, Tensor] = {}
        for name, kind, shape in _layout(header):
            dtype = _DTYPES[kind]
            count = math.prod(shape)
            end = at + count * dtype.itemsize
            if end > len(data):
                raise Malformed(f"the elements of '{name}' are not all there")
            flat = (
                np.frombuffer(data, dtype, count, at) if count else np.empty(0, dtype)
            )
            tensors[name] = _checked(name, flat).reshape(shape)
            at = end
        if at != len(data):
            raise Malformed(f"{len(data) - at} bytes follow the last tensor")
        del header[LISTED]
        return cls(tensors, header)


def _read_header(data: bytes) -> JsonObject:
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if length > HEADER_BYTES_MAX:
        raise Malformed(f"a header of {length} bytes; {HEADER_BYTES_MAX} are the most")
    text = data[_LENGTH_BYTES : _LENGTH_BYTES + length]
    if len(text) < length or len(data) < _LENGTH_BYTES:
        raise Malformed("the header is not all there")
    header = parse_json(text)
    if not isinstance(header, dict):
        raise Malformed("the header is no JSON object")
    return header


def _layout(header: JsonObject) -> Sequence[tuple[str, str, tuple[int, ...]]]:
    """Return name, type and shape of each tensor that a header lists."""
    listed = header.get(LISTED)
    if not isinstance(listed, list):
        raise Malformed(f"the header has no list '{LISTED}'")
    if len(listed) > TENSORS_MAX:
        raise Malformed(f"{len(listed)} tensors; {TENSORS_MAX} are the most")
    found = [_entry(entry) for entry in listed]
    names = {name for name, _, _ in found}
    if len(names) < len(found):
        raise Malformed("two tensors have one name")
    elements = sum(math.prod(shape) for _, _, shape in found)
    if elements > ELEMENTS_MAX:
        raise Malformed(f"{elements} elements; {ELEMENTS_MAX} are the most")
    return found


def _entry(entry: Json) -> tuple[str, str, tuple[int, ...]]:
    fields = entry if isinstance(entry, dict) else {}
    name, kind, shape = fields.get("name"), fields.get("type"), fields.get("shape")
    if not isinstance(name, str) or not 0 < len(name) <= NAME_CHARS_MAX:
        raise Malformed(f"a tensor's name is 1 to {NAME_CHARS_MAX} characters")
    if not isinstance(kind, str) or kind not in _DTYPES:
        raise Malformed(f"'{name}' has elements of no known type: {_known()}")
    if not isinstance(shape, list) or len(shape) > RANK_MAX:
        raise Malformed(f"the shape of '{name}' is no list of up to {RANK_MAX} numbers")
    sizes = tuple(size for size in shape if _is_size(size))
    if len(sizes) < len(shape):
        raise Malformed(f"the shape of '{name}' has no size from 0 to {ELEMENTS_MAX}")
    return name, kind, sizes  # type: ignore[return-value] # each was checked


def _is_size(value: Json) -> bool:
    return type(value) is int and 0 <= value <= ELEMENTS_MAX


def _checked(name: str, flat: Tensor) -> Tensor:
    """Return an aligned copy of the elements in this machine's own form."""
    if flat.dtype == np.bool_ and (flat.view(np.uint8) > 1).any():
        raise Malformed(f"'{name}' has elements that are neither false nor true")
    return flat.astype(flat.dtype.newbyteorder("="), copy=True)


def _known() -> str:
    return f"there are {', '.join(TYPES)}"

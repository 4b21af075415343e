"""The tables of governance, each whole, under ``/gov/kv``.

A map is an object by its keys, a set is an array. A single value is itself; without a
value the response is empty (204). Fields of records that the service does not know are
left out. Bytes are base64.
"""

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ccfpy.base import json
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.replies import empty_reply, json_reply
from ccfpy.kv.maps import RAW, STRING, Codec, Map, Set, Value
from ccfpy.service.served_tables import Table

if TYPE_CHECKING:
    from ccfpy.base.json import Json, JsonObject
    from ccfpy.endpoints.declaration import Handler
    from ccfpy.http.messages import Response


def reader_of(table: Table) -> "Handler":
    """Return the handler that returns a table."""
    if isinstance(table, Map):
        read = _whole_map(table)
    elif isinstance(table, Set):
        read = _whole_set(table)
    else:
        read = _value(table)
    read.__doc__ = f"Return the table ``{table.name}``."
    return read


def _whole_map(table: Map[Any, Any]) -> "Handler":
    write_key = _key_writer(table.key_codec)
    write_value = _writer(table.value_codec)

    def read(context: Context) -> "Response":
        found: JsonObject = {
            write_key(key): write_value(value)
            for key, value in table.of(context.tx).items()
        }
        return json_reply(found)

    return read


def _whole_set(table: Set[Any]) -> "Handler":
    write = _key_writer(table.key_codec)

    def read(context: Context) -> "Response":
        return json_reply(sorted(map(write, table.of(context.tx).keys())))

    return read


def _value(table: Value[Any]) -> "Handler":
    write = _writer(table.codec)

    def read(context: Context) -> "Response":
        value = table.of(context.tx).get()
        return empty_reply() if value is None else json_reply(write(value))

    return read


def _key_writer(codec: Codec[Any]) -> Callable[[Any], str]:
    return lambda key: codec.encode(key).decode()


def _writer(codec: Codec[Any]) -> "Callable[[Any], Json]":
    """Return how a table's values become JSON, which most are already."""
    if codec is STRING:
        return str
    if codec is RAW:
        return lambda data: base64.b64encode(data).decode()
    return lambda value: json.loads(codec.encode(value))

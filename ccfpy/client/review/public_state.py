"""A service's public tables of governance, read into a store on this machine.

``/gov/kv`` serves each table whole. The tables are read one after another, so a change
that commits in between may be in some of them alone.
"""

import base64
import binascii
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ccfpy.base.json import Json, dumps
from ccfpy.client.connection import Connection
from ccfpy.client.errors import UnexpectedReply
from ccfpy.gov.classic.table_endpoints import Table, path_of, served_tables
from ccfpy.kv.maps import RAW, STRING, UNIT, Codec, Map, Set
from ccfpy.kv.store import Store

if TYPE_CHECKING:
    from ccfpy.kv.changes import Writes

NO_CONTENT = 204


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicState:
    """What a service's public tables hold.

    Attributes:
        store: the tables, as a node has them.
        not_served: names of tables that the service did not give.
    """

    store: Store
    not_served: tuple[str, ...]


async def read_public_state(
    connection: Connection, *, only: Collection[Table] | None = None
) -> PublicState:
    """Read the tables that the service serves.

    Args:
        connection: to the service.
        only: these tables alone.

    Raises:
        UnexpectedReply: a table has another form than the service says.
    """
    writes: dict[str, Writes] = {}
    not_served = []
    wanted = [table for table, _ in served_tables()] if only is None else only
    for table in wanted:
        reply = await connection.request("GET", f"/gov{path_of(table)}")
        if reply.is_error:
            not_served.append(table.name)
        elif reply.status != NO_CONTENT:
            try:
                writes[table.name] = dict(_rows(table, reply.json()))
            except (TypeError, AttributeError, binascii.Error) as error:
                raise UnexpectedReply(f"{table.name} has another form") from error
    store = Store()
    store.apply(1, writes)
    return PublicState(store=store, not_served=tuple(not_served))


def _rows(table: Table, served: Any) -> Iterator[tuple[bytes, bytes]]:  # noqa: ANN401  # JSON
    """Yield a table's rows as they are stored, from the JSON that the table became."""
    if isinstance(table, Map):
        for key, value in served.items():
            yield key.encode(), _stored(table.value_codec, value)
    elif isinstance(table, Set):
        for key in served:
            yield key.encode(), UNIT
    else:
        yield UNIT, _stored(table.codec, served)


def _stored(codec: Codec[Any], value: Json) -> bytes:
    if codec is STRING or codec is RAW:
        if not isinstance(value, str):
            raise TypeError(value)
        return value.encode() if codec is STRING else base64.b64decode(value)
    return dumps(value)

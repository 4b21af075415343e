"""A service's public tables of governance, read into a store on this machine.

``/gov/kv`` serves each table whole. The tables are read one after another, so a change
in between may be in some of them alone. Each answer names the state that it is of. If
the answers name several, all tables are read once more: what is the same both times was
so in between, and is one state.

A node of CCF 7 does not serve ``/gov/kv``. There the tables are made of what the
interface for members tells (`interface`), as far as it does.
"""

import base64
import binascii
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from ccfpy.base.ids import TxId
from ccfpy.base.json import Json, dumps
from ccfpy.client.connection import Connection
from ccfpy.client.errors import UnexpectedReply
from ccfpy.client.review.interface import read_interface
from ccfpy.kv.maps import RAW, STRING, UNIT, Codec, Map, Set
from ccfpy.kv.store import Store
from ccfpy.service.served_tables import Table, path_of, served_tables

if TYPE_CHECKING:
    from ccfpy.kv.changes import Writes

NO_CONTENT = 204
NOT_FOUND = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicState:
    """What a service's public tables hold.

    Attributes:
        store: the tables, as a node has them.
        not_served: names of tables that the service did not give, in any form.
        has_moved: the tables changed while they were read, and again.
    """

    store: Store
    not_served: tuple[str, ...]
    has_moved: bool = False

    def rows(self) -> "dict[str, Writes]":
        """Return the tables as a store takes them, by their names."""
        return {
            table.name: {key: node[1] for key, node in table.chains.items()}
            for table in self.store.freeze(self.store.version, public=True)
        }

    @classmethod
    def of(
        cls,
        rows: "dict[str, Writes]",
        *,
        not_served: tuple[str, ...] = (),
        has_moved: bool = False,
    ) -> Self:
        """Make the state that has these rows."""
        store = Store()
        store.apply(1, rows)
        return cls(store=store, not_served=not_served, has_moved=has_moved)


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
    wanted = [table for table, _ in served_tables()] if only is None else only
    read = await _read(connection, wanted)
    has_moved = False
    if len(read.states) > 1:
        again = await _read(connection, wanted)
        has_moved = len(again.states) > 1 and again.writes != read.writes
        read = again
    if read.is_unknown:
        told, names = await read_interface(connection, wanted)
        read.writes = dict(told)
        read.not_served = [name for name in read.not_served if name not in names]
    return PublicState.of(
        read.writes, not_served=tuple(read.not_served), has_moved=has_moved
    )


@dataclass(slots=True)
class _Reading:
    """The tables, read once.

    Attributes:
        states: the states that the answers are of.
        is_unknown: the service knows none of the paths.
    """

    writes: "dict[str, Writes]" = field(default_factory=dict)
    not_served: list[str] = field(default_factory=list)
    states: set[TxId] = field(default_factory=set)
    is_unknown: bool = True


async def _read(connection: Connection, wanted: Collection[Table]) -> _Reading:
    read = _Reading()
    for table in wanted:
        reply = await connection.request("GET", f"/gov{path_of(table)}")
        read.is_unknown &= reply.status == NOT_FOUND
        if reply.is_error:
            read.not_served.append(table.name)
            continue
        if reply.txid is not None:
            read.states.add(reply.txid)
        if reply.status != NO_CONTENT:
            try:
                read.writes[table.name] = dict(_rows(table, reply.json()))
            except (TypeError, AttributeError, binascii.Error) as error:
                raise UnexpectedReply(f"{table.name} has another form") from error
    return read


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

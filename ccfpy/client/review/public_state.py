"""A service's public tables of governance, read into a store on this machine.

``/gov/kv`` serves each table whole. The tables are read one after another, so a change
in between may be in some of them alone. Each answer names the state that it is of. If
the answers name several, all tables are read once more: what is the same both times was
so in between, and is one state.

A node of CCF 7 does not serve ``/gov/kv``. Its interface for members tells what most
of the tables hold, in other words, and the tables are made of that. What it does not
tell stays unknown: nodes, issuers of tokens, who may join, and the order of proposals.
"""

import base64
import binascii
from collections.abc import Callable, Collection, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId, ProposalId, TxId, UserId
from ccfpy.base.json import Json, JsonObject, dumps
from ccfpy.base.vocabulary import RecoveryRole, ServiceStatus
from ccfpy.client.connection import Connection
from ccfpy.client.errors import UnexpectedReply
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.maps import RAW, STRING, UNIT, Codec, Map, Set
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.service.served_tables import Table, path_of, served_tables
from ccfpy.service.tables import js, members, proposals, service, users
from ccfpy.service.tables.members import MemberInfo, MemberStatus
from ccfpy.service.tables.proposals import ProposalInfo, ProposalState

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


VERSION: Final = "api-version=2024-07-01"
_NOT_FOUND: Final = 404
_PROPOSALS: Final = "/gov/members/proposals"
_SERVICE: Final = "/gov/service"

_Reader = Callable[[Connection, Tx], Coroutine[Any, Any, None]]


async def read_interface(
    connection: Connection, wanted: Collection[Table]
) -> tuple[WriteSet, frozenset[str]]:
    """Read the tables that the interface tells of.

    Args:
        connection: to the service.
        wanted: the tables that are needed.

    Returns:
        What they hold, and the names of those that were read.

    Raises:
        ServiceError: the service refused.
        UnexpectedReply: an answer has another form.
    """
    names = {table.name for table in wanted}
    store = Store()
    tx = store.begin()
    told: set[str] = set()
    for tables, read in _READERS:
        found = names & {table.name for table in tables}
        if found:
            try:
                await read(connection, tx)
            except (KeyError, TypeError, ValueError, Malformed) as error:
                raise UnexpectedReply(
                    f"the service tells of {', '.join(sorted(found))} in another form"
                ) from error
            told |= found
    return {name: tx.writes[name] for name in told if name in tx.writes}, frozenset(
        told
    )


async def _read_constitution(connection: Connection, tx: Tx) -> None:
    path = f"{_SERVICE}/constitution?{VERSION}"
    reply = (await connection.request("GET", path)).raise_for_error()
    service.CONSTITUTION.of(tx).put(reply.text)


async def _read_members(connection: Connection, tx: Tx) -> None:
    for told in await _listed(connection, f"{_SERVICE}/members"):
        member_id = MemberId(_text(told["memberId"]))
        role = told.get("recoveryRole")
        info = MemberInfo(
            status=MemberStatus(_text(told["status"])),
            member_data=told.get("memberData"),
            # The table has a role only if it does not follow from the key.
            recovery_role=None
            if role in (None, _usual_role(told))
            else RecoveryRole(_text(role)),
        )
        members.INFO.of(tx).put(member_id, info)
        for table, name in (
            (members.CERTS, "certificate"),
            (members.ENCRYPTION_PUBLIC_KEYS, "publicEncryptionKey"),
        ):
            if (value := told.get(name)) is not None:
                table.of(tx).put(member_id, _text(value))


def _usual_role(told: JsonObject) -> RecoveryRole:
    has_key = told.get("publicEncryptionKey") is not None
    return RecoveryRole.PARTICIPANT if has_key else RecoveryRole.NON_PARTICIPANT


async def _read_users(connection: Connection, tx: Tx) -> None:
    for told in await _listed(connection, f"{_SERVICE}/users"):
        user_id = UserId(_text(told["userId"]))
        users.CERTS.of(tx).put(user_id, _text(told["certificate"]))
        if (data := told.get("userData")) is not None:
            users.INFO.of(tx).put(user_id, users.UserInfo(user_data=data))


async def _read_service(connection: Connection, tx: Tx) -> None:
    told = await _object_at(connection, f"{_SERVICE}/info")
    count = told.get("recoveryCount")
    service.INFO.of(tx).put(
        service.ServiceInfo(
            cert=_text(told["certificate"]),
            status=ServiceStatus(_text(told["status"])),
            recovery_count=count if isinstance(count, int) else None,
            service_data=told.get("serviceData"),
        )
    )
    said = told.get("configuration")
    if isinstance(said, dict):
        service.CONFIGURATION.of(tx).put(_configuration(said))


def _configuration(said: JsonObject) -> service.ServiceConfiguration:
    return service.ServiceConfiguration(
        recovery_threshold=_number(said.get("recoveryThreshold")) or 0,
        maximum_node_certificate_validity_days=_number(
            said.get("maximumNodeCertificateValidityDays")
        ),
        maximum_service_certificate_validity_days=_number(
            said.get("maximumServiceCertificateValidityDays")
        ),
        recent_cose_proposals_window_size=_number(
            said.get("recentCoseProposalsWindowSize")
        ),
    )


async def _read_app(connection: Connection, tx: Tx) -> None:
    for told in await _listed(connection, f"{_SERVICE}/javascript-modules"):
        name = _text(told["moduleName"])
        # The slashes belong to the name.
        path = f"{_SERVICE}/javascript-modules/{quote(name, safe='')}?{VERSION}"
        reply = (await connection.request("GET", path)).raise_for_error()
        js.MODULES.of(tx).put(name, reply.text)
    path = f"{_SERVICE}/javascript-app"
    app = await _object_at(connection, path, f"{VERSION}&case=original")
    raw, encode = tx.raw(js.ENDPOINTS.name), js.ENDPOINTS.key_codec.encode
    for key, properties in _endpoints(app):
        raw.put(encode(key), dumps(properties))


def _endpoints(app: JsonObject) -> Iterator[tuple[js.EndpointKey, Json]]:
    paths = app["endpoints"]
    for path, verbs in (paths if isinstance(paths, dict) else {}).items():
        for verb, properties in (verbs if isinstance(verbs, dict) else {}).items():
            yield js.EndpointKey(verb, path), properties


async def _read_proposals(connection: Connection, tx: Tx) -> None:
    """Read proposals, and the ballots of those that are open."""
    voters: list[MemberId] | None = None
    for told in await _listed(connection, _PROPOSALS):
        proposal_id = ProposalId(_text(told["proposalId"]))
        path = f"{_PROPOSALS}/{proposal_id}"
        body = await connection.request("GET", f"{path}/actions?{VERSION}")
        if body.status == _NOT_FOUND:
            continue  # it was dropped meanwhile
        proposals.PROPOSALS.of(tx).put(proposal_id, body.raise_for_error().body)
        final = told.get("finalVotes")
        votes = {
            MemberId(member): vote is True
            for member, vote in (final if isinstance(final, dict) else {}).items()
        }
        ballots = dict.fromkeys(votes, "")
        state = ProposalState(_text(told["proposalState"]))
        if state is ProposalState.OPEN and told.get("ballotCount") != 0:
            if voters is None:
                listed = await _listed(connection, f"{_SERVICE}/members")
                voters = [MemberId(_text(each["memberId"])) for each in listed]
            ballots = await _ballots(connection, path, voters)
        proposals.INFO.of(tx).put(
            proposal_id,
            ProposalInfo(
                proposer_id=MemberId(_text(told["proposerId"])),
                state=state,
                ballots=ballots,
                final_votes=votes or None,
            ),
        )


async def _ballots(
    connection: Connection, path: str, voters: Collection[MemberId]
) -> dict[MemberId, str]:
    found: dict[MemberId, str] = {}
    for member_id in voters:
        reply = await connection.request("GET", f"{path}/ballots/{member_id}?{VERSION}")
        if reply.status != _NOT_FOUND:  # the member has not voted
            found[member_id] = reply.raise_for_error().text
    return found


_READERS: Final[tuple[tuple[tuple[Table, ...], _Reader], ...]] = (
    ((service.CONSTITUTION,), _read_constitution),
    ((members.INFO, members.CERTS, members.ENCRYPTION_PUBLIC_KEYS), _read_members),
    ((users.INFO, users.CERTS), _read_users),
    ((service.INFO, service.CONFIGURATION), _read_service),
    ((js.MODULES, js.ENDPOINTS), _read_app),
    ((proposals.PROPOSALS, proposals.INFO), _read_proposals),
)


async def _object_at(
    connection: Connection, path: str, query: str = VERSION
) -> JsonObject:
    reply = await connection.request("GET", f"{path}?{query}")
    return reply.raise_for_error().object()


async def _listed(connection: Connection, path: str) -> list[JsonObject]:
    value = (await _object_at(connection, path))["value"]
    if not isinstance(value, list):
        raise TypeError(value)
    return [each for each in value if isinstance(each, dict)]


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _number(value: Json) -> int | None:
    return value if isinstance(value, int) else None

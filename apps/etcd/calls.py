"""The calls that the app serves: what each answers, and where it must be answered."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, Protocol

from apps.etcd.limits import (
    LEASE_TTL_S_MAX,
    LEASE_TTL_S_MIN,
    LEASED_BYTES_LISTED_MAX,
    LEASED_KEYS_LISTED_MAX,
)
from apps.etcd.messages import (
    AlarmAction,
    AlarmRequest,
    AlarmResponse,
    AuthEnableRequest,
    AuthenticateRequest,
    AuthRoleListRequest,
    AuthRoleListResponse,
    AuthStatusRequest,
    AuthStatusResponse,
    AuthUserListRequest,
    AuthUserListResponse,
    CompactionRequest,
    CompactionResponse,
    DeleteRangeRequest,
    DeleteRangeResponse,
    LeaseGrantRequest,
    LeaseGrantResponse,
    LeaseKeepAliveRequest,
    LeaseKeepAliveResponse,
    LeaseLeasesRequest,
    LeaseLeasesResponse,
    LeaseRevokeRequest,
    LeaseRevokeResponse,
    LeaseStatus,
    LeaseTimeToLiveRequest,
    LeaseTimeToLiveResponse,
    MemberListRequest,
    MemberListResponse,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    StatusRequest,
    StatusResponse,
    TxnRequest,
    TxnResponse,
)
from apps.etcd.ranges import (
    check_delete,
    check_put,
    check_range,
    run_delete,
    run_put,
    run_range,
)
from apps.etcd.refusals import Code, Refusal, Refused, refused
from apps.etcd.service import API_VERSION, leader_of, members, unserved
from apps.etcd.store import Store
from apps.etcd.transactions import check_txn, run_txn
from ccfpy.app import Context

_MS: Final = 1000
_US_PER_MS: Final = 1000
_LEASE_ID_BYTES: Final = 8
_LEASE_ID_MASK: Final = (1 << 63) - 1
_FIRST_AUTH_REVISION: Final = 1
NO_LEASE_TTL: Final = -1
"""How long a lease lasts that does not exist."""


class Place(Enum):
    """Where a call is answered."""

    PRIMARY = auto()
    """By the primary, once the answer is final."""
    AS_ASKED = auto()
    """By the primary, or by any node if the request says that this is enough."""
    ANY_NODE = auto()
    """By the node that is asked, which the answer is about."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call is given beside its request.

    Attributes:
        ctx: of the request.
        store: the keys.
        now_ms: the host's clock.
    """

    ctx: Context
    store: Store
    now_ms: int


class Clocked(Protocol):
    """A node, as far as its clock is concerned."""

    @property
    def unix_time_us(self) -> int:
        """The host's clock, in microseconds since 1970."""
        ...


def now_ms(node: Clocked) -> int:
    """Return the host's clock, in milliseconds since 1970."""
    return node.unix_time_us // _US_PER_MS


# Keys


def range_keys(asked: Asked, request: RangeRequest) -> RangeResponse:
    """Read keys, now or as an earlier revision left them."""
    check_range(request)
    return run_range(asked.store, request)


def put(asked: Asked, request: PutRequest) -> PutResponse:
    """Set a key."""
    check_put(request)
    return run_put(asked.store, request)


def delete_range(asked: Asked, request: DeleteRangeRequest) -> DeleteRangeResponse:
    """Delete keys."""
    check_delete(request)
    return run_delete(asked.store, request)


def txn(asked: Asked, request: TxnRequest) -> TxnResponse:
    """Run one of two lists of requests, as comparisons choose."""
    check_txn(request)
    return run_txn(asked.store, request)


def compact(asked: Asked, request: CompactionRequest) -> CompactionResponse:
    """Forget the revisions before one; the ledger forgets nothing."""
    asked.store.compact(request.revision)
    return CompactionResponse()


# Leases


def lease_grant(asked: Asked, request: LeaseGrantRequest) -> LeaseGrantResponse:
    """Begin a lease."""
    if request.ttl > LEASE_TTL_S_MAX:
        raise refused(Refusal.LEASE_TTL_TOO_LARGE)
    ttl_s = max(request.ttl, LEASE_TTL_S_MIN)
    lease_id = request.lease_id or _new_lease_id(asked)
    asked.store.grant(lease_id, ttl_s, asked.now_ms)
    return LeaseGrantResponse(lease_id=lease_id, ttl=ttl_s)


def _new_lease_id(asked: Asked) -> int:
    drawn = asked.ctx.node.entropy.random_bytes(_LEASE_ID_BYTES)
    return int.from_bytes(drawn, "big") & _LEASE_ID_MASK or 1


def lease_revoke(asked: Asked, request: LeaseRevokeRequest) -> LeaseRevokeResponse:
    """End a lease, and delete its keys."""
    asked.store.revoke(request.lease_id)
    return LeaseRevokeResponse()


def lease_keep_alive(
    asked: Asked, request: LeaseKeepAliveRequest
) -> LeaseKeepAliveResponse:
    """Renew a lease."""
    ttl_s = asked.store.keep_alive(request.lease_id, asked.now_ms)
    return LeaseKeepAliveResponse(lease_id=request.lease_id, ttl=ttl_s)


def lease_time_to_live(
    asked: Asked, request: LeaseTimeToLiveRequest
) -> LeaseTimeToLiveResponse:
    """Read how long a lease lasts, and the lease's keys."""
    lease = asked.store.lease(request.lease_id, asked.now_ms)
    if lease is None:
        return LeaseTimeToLiveResponse(lease_id=request.lease_id, ttl=NO_LEASE_TTL)
    keys = _listed_keys(asked.store, request.lease_id) if request.keys else ()
    return LeaseTimeToLiveResponse(
        lease_id=request.lease_id,
        ttl=(lease.ends_ms - asked.now_ms) // _MS,
        granted_ttl=lease.ttl_s,
        keys=tuple(keys),
    )


def _listed_keys(store: Store, lease_id: int) -> list[bytes]:
    """List the keys of a lease.

    Raises:
        Refused: there are too many, or they are too long.
    """
    keys = store.first_keys_of(lease_id, LEASED_KEYS_LISTED_MAX + 1)
    if len(keys) > LEASED_KEYS_LISTED_MAX:
        text = f"the lease has more than {LEASED_KEYS_LISTED_MAX} keys"
        raise Refused(Code.RESOURCE_EXHAUSTED, f"etcdserver: {text}")
    if sum(map(len, keys)) > LEASED_BYTES_LISTED_MAX:
        text = f"the lease's keys are longer than {LEASED_BYTES_LISTED_MAX} bytes"
        raise Refused(Code.RESOURCE_EXHAUSTED, f"etcdserver: {text}")
    return keys


def lease_leases(asked: Asked, _: LeaseLeasesRequest) -> LeaseLeasesResponse:
    """List the leases."""
    leases = (LeaseStatus(lease_id=each) for each in asked.store.leases())
    return LeaseLeasesResponse(leases=tuple(leases))


# The service


def status(asked: Asked, _: StatusRequest) -> StatusResponse:
    """Read how the node is that is asked."""
    ctx = asked.ctx
    committed = ctx.node.committed_tx_id()
    seqno = 0 if committed is None else committed.seqno
    return StatusResponse(
        version=API_VERSION,
        leader=leader_of(ctx),
        raft_index=seqno,
        raft_term=ctx.node.view,
        raft_applied_index=seqno,
    )


def alarm(_: Asked, request: AlarmRequest) -> AlarmResponse:
    """List the alarms, of which there are none."""
    if request.action != AlarmAction.GET:
        raise unserved("changes of alarms")
    return AlarmResponse()


def member_list(asked: Asked, _: MemberListRequest) -> MemberListResponse:
    """List the nodes."""
    return MemberListResponse(members=members(asked.ctx))


# Users and roles: a caller is known by a certificate, and etcd's users are none


def auth_status(_: Asked, __: AuthStatusRequest) -> AuthStatusResponse:
    """Say that users and roles are not in use."""
    return AuthStatusResponse(auth_revision=_FIRST_AUTH_REVISION)


def auth_enable(_: Asked, __: AuthEnableRequest) -> AuthStatusResponse:
    """Refuse to use users and roles."""
    raise refused(Refusal.NO_ROOT_USER)


def authenticate(_: Asked, __: AuthenticateRequest) -> AuthStatusResponse:
    """Refuse a token: clients then go on without one."""
    raise refused(Refusal.AUTH_NOT_ENABLED)


def user_list(_: Asked, __: AuthUserListRequest) -> AuthUserListResponse:
    """List the users, of which there are none."""
    return AuthUserListResponse()


def role_list(_: Asked, __: AuthRoleListRequest) -> AuthRoleListResponse:
    """List the roles, of which there are none."""
    return AuthRoleListResponse()


# All of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of etcd's interface.

    Attributes:
        service: of gRPC, with its package.
        name: of the call.
        request: the class of its requests.
        run: answers a request. The answer's header is filled in later.
        place: where the call is answered.
        paths: of the JSON gateway.
    """

    service: str
    name: str
    request: type[Any]
    run: Callable[[Asked, Any], Any]
    place: Place
    paths: tuple[str, ...]


KV: Final = "etcdserverpb.KV"
LEASE: Final = "etcdserverpb.Lease"
MAINTENANCE: Final = "etcdserverpb.Maintenance"
CLUSTER: Final = "etcdserverpb.Cluster"
AUTH: Final = "etcdserverpb.Auth"
WATCH: Final = "etcdserverpb.Watch"


def _call(  # a row of the table below
    service: str,
    name: str,
    request: type[Any],
    run: Callable[[Asked, Any], Any],
    *paths: str,
    place: Place = Place.PRIMARY,
) -> Call:
    return Call(
        service=service, name=name, request=request, run=run, place=place, paths=paths
    )


CALLS: Final = (
    _call(KV, "Range", RangeRequest, range_keys, "/v3/kv/range", place=Place.AS_ASKED),
    _call(KV, "Put", PutRequest, put, "/v3/kv/put"),
    _call(KV, "DeleteRange", DeleteRangeRequest, delete_range, "/v3/kv/deleterange"),
    _call(KV, "Txn", TxnRequest, txn, "/v3/kv/txn"),
    _call(KV, "Compact", CompactionRequest, compact, "/v3/kv/compaction"),
    _call(LEASE, "LeaseGrant", LeaseGrantRequest, lease_grant, "/v3/lease/grant"),
    _call(
        *(LEASE, "LeaseRevoke", LeaseRevokeRequest, lease_revoke),
        *("/v3/lease/revoke", "/v3/kv/lease/revoke"),
    ),
    _call(
        *(LEASE, "LeaseTimeToLive", LeaseTimeToLiveRequest, lease_time_to_live),
        *("/v3/lease/timetolive", "/v3/kv/lease/timetolive"),
    ),
    _call(
        *(LEASE, "LeaseLeases", LeaseLeasesRequest, lease_leases),
        *("/v3/lease/leases", "/v3/kv/lease/leases"),
    ),
    _call(
        *(MAINTENANCE, "Status", StatusRequest, status, "/v3/maintenance/status"),
        place=Place.ANY_NODE,
    ),
    _call(MAINTENANCE, "Alarm", AlarmRequest, alarm, "/v3/maintenance/alarm"),
    _call(
        *(CLUSTER, "MemberList", MemberListRequest, member_list),
        "/v3/cluster/member/list",
        place=Place.ANY_NODE,
    ),
    *(
        _call(AUTH, name, request, run, f"/v3/auth/{path}", place=Place.ANY_NODE)
        for name, request, run, path in (
            ("AuthStatus", AuthStatusRequest, auth_status, "status"),
            ("AuthEnable", AuthEnableRequest, auth_enable, "enable"),
            ("Authenticate", AuthenticateRequest, authenticate, "authenticate"),
            ("UserList", AuthUserListRequest, user_list, "user/list"),
            ("RoleList", AuthRoleListRequest, role_list, "role/list"),
        )
    ),
)
"""Calls with one request and one answer."""
KEEP_ALIVE: Final = _call(
    *(LEASE, "LeaseKeepAlive", LeaseKeepAliveRequest, lease_keep_alive),
    "/v3/lease/keepalive",
)
"""A stream over gRPC; the gateway answers one request."""

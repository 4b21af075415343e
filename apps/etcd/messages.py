"""The messages of etcd's interface, version 3, as far as the app serves them.

Names and numbers are those of etcd's `rpc.proto` and `kv.proto`. Fields that no call
here reads or answers are left out; the codecs skip fields that they do not know.
"""

from enum import IntEnum

from apps.etcd.fields import (
    boolean,
    choice_data,
    choice_int64,
    data,
    int64,
    message,
    nested,
    one_of,
    several,
    several_data,
    several_of,
    text,
    texts,
    uint64,
)

# Values


class SortOrder(IntEnum):
    """The order in which a range is sorted."""

    NONE = 0
    ASCEND = 1
    DESCEND = 2


class SortTarget(IntEnum):
    """What a range is sorted by."""

    KEY = 0
    VERSION = 1
    CREATE = 2
    MOD = 3
    VALUE = 4


class CompareResult(IntEnum):
    """How a comparison must turn out."""

    EQUAL = 0
    GREATER = 1
    LESS = 2
    NOT_EQUAL = 3


class CompareTarget(IntEnum):
    """What of a key is compared."""

    VERSION = 0
    CREATE = 1
    MOD = 2
    VALUE = 3
    LEASE = 4


class EventType(IntEnum):
    """What happened to a key."""

    PUT = 0
    DELETE = 1


class AlarmAction(IntEnum):
    """What is asked about alarms."""

    GET = 0
    ACTIVATE = 1
    DEACTIVATE = 2


class AlarmType(IntEnum):
    """Kinds of alarms."""

    NONE = 0
    NOSPACE = 1
    CORRUPT = 2


# Keys


@message
class KeyValue:
    """A key as one revision left it."""

    key: bytes = data(1)
    create_revision: int = int64(2)
    mod_revision: int = int64(3)
    version: int = int64(4)
    value: bytes = data(5)
    lease: int = int64(6)


@message
class Event:
    """What one revision did to a key."""

    type: int = one_of(1, EventType)
    kv: KeyValue | None = nested(2, lambda: KeyValue)
    prev_kv: KeyValue | None = nested(3, lambda: KeyValue)


@message
class ResponseHeader:
    """What every answer begins with."""

    cluster_id: int = uint64(1)
    member_id: int = uint64(2)
    revision: int = int64(3)
    raft_term: int = uint64(4)


@message
class RangeRequest:
    """Asks for keys."""

    key: bytes = data(1)
    range_end: bytes = data(2)
    limit: int = int64(3)
    revision: int = int64(4)
    sort_order: int = one_of(5, SortOrder)
    sort_target: int = one_of(6, SortTarget)
    serializable: bool = boolean(7)
    keys_only: bool = boolean(8)
    count_only: bool = boolean(9)
    min_mod_revision: int = int64(10)
    max_mod_revision: int = int64(11)
    min_create_revision: int = int64(12)
    max_create_revision: int = int64(13)


@message
class RangeResponse:
    """Keys that were asked for."""

    header: ResponseHeader | None = nested(1, lambda: ResponseHeader)
    kvs: tuple[KeyValue, ...] = several(2, lambda: KeyValue)
    more: bool = boolean(3)
    count: int = int64(4)


@message
class PutRequest:
    """Sets a key."""

    key: bytes = data(1)
    value: bytes = data(2)
    lease: int = int64(3)
    prev_kv: bool = boolean(4)
    ignore_value: bool = boolean(5)
    ignore_lease: bool = boolean(6)


@message
class PutResponse:
    """Answers that a key was set."""

    header: ResponseHeader | None = nested(1, lambda: ResponseHeader)
    prev_kv: KeyValue | None = nested(2, lambda: KeyValue)


@message
class DeleteRangeRequest:
    """Deletes keys."""

    key: bytes = data(1)
    range_end: bytes = data(2)
    prev_kv: bool = boolean(3)


@message
class DeleteRangeResponse:
    """Answers how many keys were deleted."""

    header: ResponseHeader | None = nested(1, lambda: ResponseHeader)
    deleted: int = int64(2)
    prev_kvs: tuple[KeyValue, ...] = several(3, lambda: KeyValue)


@message
class Compare:
    """A condition of a transaction."""

    result: int = one_of(1, CompareResult)
    target: int = one_of(2, CompareTarget)
    key: bytes = data(3)
    version: int | None = choice_int64(4, "target_union")
    create_revision: int | None = choice_int64(5, "target_union")
    mod_revision: int | None = choice_int64(6, "target_union")
    value: bytes | None = choice_data(7, "target_union")
    lease: int | None = choice_int64(8, "target_union")
    range_end: bytes = data(64)


@message
class RequestOp:
    """One request of a transaction."""

    request_range: RangeRequest | None = nested(
        1, lambda: RangeRequest, oneof="request"
    )
    request_put: PutRequest | None = nested(2, lambda: PutRequest, oneof="request")
    request_delete_range: DeleteRangeRequest | None = nested(
        3, lambda: DeleteRangeRequest, oneof="request"
    )
    request_txn: "TxnRequest | None" = nested(4, lambda: TxnRequest, oneof="request")


@message
class ResponseOp:
    """The answer to one request of a transaction."""

    response_range: RangeResponse | None = nested(
        1, lambda: RangeResponse, oneof="response"
    )
    response_put: PutResponse | None = nested(2, lambda: PutResponse, oneof="response")
    response_delete_range: DeleteRangeResponse | None = nested(
        3, lambda: DeleteRangeResponse, oneof="response"
    )
    response_txn: "TxnResponse | None" = nested(
        4, lambda: TxnResponse, oneof="response"
    )


@message
class TxnRequest:
    """Runs one of two lists of requests."""

    compare: tuple[Compare, ...] = several(1, lambda: Compare)
    success: tuple[RequestOp, ...] = several(2, lambda: RequestOp)
    failure: tuple[RequestOp, ...] = several(3, lambda: RequestOp)


@message
class TxnResponse:
    """Answers which list ran, and each of its requests."""

    header: ResponseHeader | None = nested(1, lambda: ResponseHeader)
    succeeded: bool = boolean(2)
    responses: tuple[ResponseOp, ...] = several(3, lambda: ResponseOp)


@message
class CompactionRequest:
    """Forgets the revisions before one."""

    revision: int = int64(1)
    physical: bool = boolean(2)


@message
class CompactionResponse:
    """Answers that older revisions are forgotten."""

    header: ResponseHeader | None = nested(1, lambda: ResponseHeader)


# Leases


@message
class LeaseGrantRequest:
    """Asks for a lease."""

    ttl: int = int64(1, "TTL")
    lease_id: int = int64(2, "ID")


@message
class LeaseGrantResponse:
    """A lease that was granted."""

    header: ResponseHeader | None = nested(1, lambda: ResponseHeader)
    lease_id: int = int64(2, "ID")
    ttl: int = int64(3, "TTL")
    error: str = text(4)


@message
class LeaseRevokeRequest:
    """Ends a lease."""

    lease_id: int = int64(1, "ID")


@message
class LeaseRevokeResponse:
    """Answers that a lease has ended."""

    header: ResponseHeader | None = nested(1, lambda: ResponseHeader)


@message
class LeaseKeepAliveRequest:
    """Renews a lease."""

    lease_id: int = int64(1, "ID")


@message
class LeaseKeepAliveResponse:
    """Answers how long a lease lasts now; 0 if there is none."""

    header: ResponseHeader | None = nested(1, lambda: ResponseHeader)
    lease_id: int = int64(2, "ID")
    ttl: int = int64(3, "TTL")


@message
class LeaseTimeToLiveRequest:
    """Asks how long a lease lasts."""

    lease_id: int = int64(1, "ID")
    keys: bool = boolean(2)


@message
class LeaseTimeToLiveResponse:
    """Answers how long a lease lasts; -1 if there is none."""

    header: ResponseHeader | None = nested(1, lambda: ResponseHeader)
    lease_id: int = int64(2, "ID")
    ttl: int = int64(3, "TTL")
    granted_ttl: int = int64(4, "grantedTTL")
    keys: tuple[bytes, ...] = several_data(5)


@message
class LeaseLeasesRequest:
    """Asks for all leases."""


@message
class LeaseStatus:
    """A lease in a list."""

    lease_id: int = int64(1, "ID")


@message
class LeaseLeasesResponse:
    """All leases."""

    header: ResponseHeader | None = nested(1, lambda: ResponseHeader)
    leases: tuple[LeaseStatus, ...] = several(2, lambda: LeaseStatus)


# The service


@message
class StatusRequest:
    """Asks how a node is."""


@message
class StatusResponse:
    """How a node is."""

    header: ResponseHeader | None = nested(1, lambda: ResponseHeader)
    version: str = text(2)
    db_size: int = int64(3, "dbSize")
    leader: int = uint64(4)
    raft_index: int = uint64(5, "raftIndex")
    raft_term: int = uint64(6, "raftTerm")
    raft_applied_index: int = uint64(7, "raftAppliedIndex")
    errors: tuple[str, ...] = texts(8, "errors")
    db_size_in_use: int = int64(9, "dbSizeInUse")
    is_learner: bool = boolean(10, "isLearner")


@message
class AlarmRequest:
    """Asks for alarms, or changes one."""

    action: int = one_of(1, AlarmAction)
    member_id: int = uint64(2, "memberID")
    alarm: int = one_of(3, AlarmType)


@message
class AlarmMember:
    """An alarm of a node."""

    member_id: int = uint64(1, "memberID")
    alarm: int = one_of(2, AlarmType)


@message
class AlarmResponse:
    """The alarms of all nodes."""

    header: ResponseHeader | None = nested(1, lambda: ResponseHeader)
    alarms: tuple[AlarmMember, ...] = several(2, lambda: AlarmMember)


@message
class MemberListRequest:
    """Asks for all nodes."""

    linearizable: bool = boolean(1)


@message
class Member:
    """A node."""

    member_id: int = uint64(1, "ID")
    name: str = text(2)
    peer_urls: tuple[str, ...] = texts(3, "peerURLs")
    client_urls: tuple[str, ...] = texts(4, "clientURLs")
    is_learner: bool = boolean(5, "isLearner")


@message
class MemberListResponse:
    """All nodes."""

    header: ResponseHeader | None = nested(1, lambda: ResponseHeader)
    members: tuple[Member, ...] = several(2, lambda: Member)


# Users and roles, of which there are none


@message
class AuthStatusRequest:
    """Asks whether users and roles are in use."""


@message
class AuthStatusResponse:
    """Whether users and roles are in use."""

    header: ResponseHeader | None = nested(1, lambda: ResponseHeader)
    enabled: bool = boolean(2)
    auth_revision: int = uint64(3, "authRevision")


@message
class AuthEnableRequest:
    """Asks to use users and roles."""


@message
class AuthenticateRequest:
    """Asks for a token."""

    name: str = text(1)
    password: str = text(2)


@message
class AuthUserListRequest:
    """Asks for all users."""


@message
class AuthUserListResponse:
    """All users."""

    header: ResponseHeader | None = nested(1, lambda: ResponseHeader)
    users: tuple[str, ...] = texts(2, "users")


@message
class AuthRoleListRequest:
    """Asks for all roles."""


@message
class AuthRoleListResponse:
    """All roles."""

    header: ResponseHeader | None = nested(1, lambda: ResponseHeader)
    roles: tuple[str, ...] = texts(2, "roles")


# Watches


class FilterType(IntEnum):
    """Events that a watch leaves out."""

    NOPUT = 0
    NODELETE = 1


@message
class WatchCreateRequest:
    """Asks for the events of keys."""

    key: bytes = data(1)
    range_end: bytes = data(2)
    start_revision: int = int64(3)
    progress_notify: bool = boolean(4)
    filters: tuple[int, ...] = several_of(5, FilterType)
    prev_kv: bool = boolean(6)
    watch_id: int = int64(7)
    fragment: bool = boolean(8)


@message
class WatchCancelRequest:
    """Ends a watch."""

    watch_id: int = int64(1)


@message
class WatchProgressRequest:
    """Asks up to which revision all events were sent."""


@message
class WatchRequest:
    """What a client sends on a stream of watches."""

    create_request: WatchCreateRequest | None = nested(
        1, lambda: WatchCreateRequest, oneof="request_union"
    )
    cancel_request: WatchCancelRequest | None = nested(
        2, lambda: WatchCancelRequest, oneof="request_union"
    )
    progress_request: WatchProgressRequest | None = nested(
        3, lambda: WatchProgressRequest, oneof="request_union"
    )


@message
class WatchResponse:
    """What a client is sent of a watch."""

    header: ResponseHeader | None = nested(1, lambda: ResponseHeader)
    watch_id: int = int64(2)
    created: bool = boolean(3)
    canceled: bool = boolean(4)
    compact_revision: int = int64(5)
    cancel_reason: str = text(6)
    fragment: bool = boolean(7)
    events: tuple[Event, ...] = several(11, lambda: Event)

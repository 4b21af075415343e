"""Why a call is refused: codes of gRPC, and the texts that etcd's clients compare."""

from enum import Enum, IntEnum


class Code(IntEnum):
    """Codes of gRPC that the app answers with."""

    OK = 0
    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14


class Refusal(Enum):
    """Refusals of etcd, each with its code and its text."""

    EMPTY_KEY = (Code.INVALID_ARGUMENT, "etcdserver: key is not provided")
    KEY_NOT_FOUND = (Code.INVALID_ARGUMENT, "etcdserver: key not found")
    VALUE_PROVIDED = (Code.INVALID_ARGUMENT, "etcdserver: value is provided")
    LEASE_PROVIDED = (Code.INVALID_ARGUMENT, "etcdserver: lease is provided")
    TOO_MANY_OPS = (
        Code.INVALID_ARGUMENT,
        "etcdserver: too many operations in txn request",
    )
    DUPLICATE_KEY = (
        Code.INVALID_ARGUMENT,
        "etcdserver: duplicate key given in txn request",
    )
    INVALID_SORT_OPTION = (
        Code.INVALID_ARGUMENT,
        "etcdserver: invalid sort option",
    )
    REQUEST_TOO_LARGE = (Code.INVALID_ARGUMENT, "etcdserver: request is too large")
    COMPACTED = (
        Code.OUT_OF_RANGE,
        "etcdserver: mvcc: required revision has been compacted",
    )
    FUTURE_REVISION = (
        Code.OUT_OF_RANGE,
        "etcdserver: mvcc: required revision is a future revision",
    )
    LEASE_NOT_FOUND = (Code.NOT_FOUND, "etcdserver: requested lease not found")
    LEASE_EXISTS = (Code.FAILED_PRECONDITION, "etcdserver: lease already exists")
    LEASE_TTL_TOO_LARGE = (Code.OUT_OF_RANGE, "etcdserver: too large lease TTL")
    TOO_MANY_REQUESTS = (Code.RESOURCE_EXHAUSTED, "etcdserver: too many requests")
    AUTH_NOT_ENABLED = (
        Code.FAILED_PRECONDITION,
        "etcdserver: authentication is not enabled",
    )
    NO_ROOT_USER = (
        Code.FAILED_PRECONDITION,
        "etcdserver: root user does not exist",
    )
    NOT_LEADER = (Code.FAILED_PRECONDITION, "etcdserver: not leader")
    NO_LEADER = (Code.UNAVAILABLE, "etcdserver: no leader")
    LEADER_CHANGED = (Code.UNAVAILABLE, "etcdserver: leader changed")
    TIMEOUT = (Code.UNAVAILABLE, "etcdserver: request timed out")


class Refused(Exception):
    """Raised anywhere below a call to refuse the call; nothing is written.

    Attributes:
        code: of gRPC.
        text: for the caller.
    """

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def refused(refusal: Refusal) -> Refused:
    """Return the exception of a refusal."""
    code, text = refusal.value
    return Refused(code, text)

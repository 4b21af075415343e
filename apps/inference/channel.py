"""The keys to which requests are sealed, and the opening of requests.

Keys are in the ledger's private state, so every node opens what was sealed to any
node's word. A new key can be made once the last is old; the one before it opens
requests until then, so nobody's request is lost to a rollover.
"""

from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache

from apps.inference.limits import KEY_LIFETIME_S, REQUESTS_REMEMBERED_MAX
from apps.inference.messages import Header, Purpose, split
from apps.inference.tables import KEY_LIFETIME, KEYS, RECORDS, KeyRecord, Keys
from ccfpy.app import (
    ApiError,
    Blobs,
    Context,
    HpkeKey,
    JsonObject,
    Malformed,
    OpenedRequest,
    Seqno,
    Strategy,
    TxId,
    VerificationFailed,
    WriteSet,
)

KEYS_KEPT_READY = 8
_MICROSECONDS = 1_000_000


class Remembered(Strategy):
    """The requests that one node has opened lately, so that it opens none twice.

    It is an index because a node has its own and loses it with itself; it wants to be
    told of no transaction.
    """

    def __init__(self) -> None:
        self.name = "Requests opened by this node"
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    @property
    def next_requested(self) -> Seqno | None:
        """Nothing."""
        return None

    def take(self, tx_id: TxId, writes: WriteSet) -> None:
        """Be told of nothing."""
        raise AssertionError(f"{tx_id} was not asked for, nor {len(writes)} tables")

    def describe(self) -> JsonObject:
        """Return the number of keys, as metrics show it."""
        return {"requests": len(self._digests)}

    def is_new(self, digest: bytes) -> bool:
        """Remember a request, and tell whether it was not yet remembered."""
        if digest in self._digests:
            return False
        self._digests[digest] = None
        if len(self._digests) > REQUESTS_REMEMBERED_MAX:
            self._digests.popitem(last=False)
        return True


def make_remembered(_: Blobs) -> Remembered:
    """Make a node's memory of requests."""
    return Remembered()


@lru_cache(maxsize=KEYS_KEPT_READY)
def _ready(private: str) -> HpkeKey:
    return HpkeKey(bytes.fromhex(private))


def key_of(record: KeyRecord) -> HpkeKey:
    """Return the key."""
    return _ready(record.private)


def current_key(ctx: Context) -> KeyRecord:
    """Return the key in force.

    Raises:
        ApiError: 503, there is none before the first model is there.
    """
    keys = KEYS.of(ctx.tx).get()
    if keys is None:
        raise ApiError(503, "KeyNotMade", "There is no key yet: no model is installed.")
    return keys.current


def lifetime_left_s(ctx: Context, record: KeyRecord) -> int:
    """Return how long a key is still used, by a clock that proves nothing."""
    lifetime_s = KEY_LIFETIME.of(ctx.tx).get() or KEY_LIFETIME_S
    age_s = _now_s(ctx) - record.made_at_s
    return min(max(lifetime_s - age_s, 0), lifetime_s)


def make_first_key(ctx: Context) -> None:
    """Make a key if there is none."""
    if not KEYS.of(ctx.tx).has():
        KEYS.of(ctx.tx).put(Keys(current=_new(ctx, version=1)))


def roll_key(ctx: Context) -> KeyRecord:
    """Make the next key; the one before the last is gone, and so are its records."""
    keys = KEYS.of(ctx.tx).get()
    if keys is None:
        raise ApiError(503, "KeyNotMade", "There is no key yet: no model is installed.")
    if keys.previous is not None:
        records = RECORDS.of(ctx.tx)
        gone = keys.previous.version
        for key, _ in list(
            records.range(_record_prefix(gone), _record_prefix(gone + 1))
        ):
            records.remove(key)
    made = _new(ctx, version=keys.current.version + 1)
    KEYS.of(ctx.tx).put(Keys(current=made, previous=keys.current))
    return made


def _new(ctx: Context, *, version: int) -> KeyRecord:
    key = HpkeKey.generate(ctx.node.entropy)
    return KeyRecord(version=version, private=key.raw.hex(), made_at_s=_now_s(ctx))


def _now_s(ctx: Context) -> int:
    return ctx.node.unix_time_us // _MICROSECONDS


def _record_prefix(key_version: int) -> str:
    return f"{key_version:020d}/"


@dataclass(frozen=True, slots=True)
class Opened:
    """A request that was opened.

    Attributes:
        is_key_outdated: whether the sender should ask for the key in force.
    """

    header: Header
    request: OpenedRequest
    is_key_outdated: bool

    @property
    def record_key(self) -> str:
        """Under which it is recorded."""
        return _record_prefix(self.header.key_version) + self.request.digest.hex()


def open_request(ctx: Context, *, purpose: Purpose, model: str) -> Opened:
    """Open the request's body.

    Args:
        ctx: of the request.
        purpose: what the endpoint is for.
        model: the digest of the model that the path names, in hex.

    Raises:
        ApiError: 400, it has not the form, is for something else or does not open; 409,
            its key or model is not the one that the service has.
    """
    try:
        header, context, sealed = split(ctx.request.body)
    except Malformed as error:
        raise ApiError(400, "SealedRequestRefused", f"{error}.") from error
    if header.purpose is not purpose:
        raise ApiError(
            400,
            "SealedRequestRefused",
            f"The request was sealed for another purpose: {header.purpose.name}.",
        )
    if header.model.hex() != model:
        raise ApiError(
            409, "ModelMismatch", "The request was sealed for another model."
        )
    keys = KEYS.of(ctx.tx).get()
    record = _chosen(keys, header.key_version)
    try:
        request = OpenedRequest.open(key_of(record), sealed, context=context)
    except (Malformed, VerificationFailed) as error:
        raise ApiError(400, "SealedRequestRefused", f"{error}.") from error
    is_outdated = keys is not None and record is not keys.current
    return Opened(header, request, is_outdated)


def _chosen(keys: Keys | None, version: int) -> KeyRecord:
    for record in (keys.current, keys.previous) if keys is not None else ():
        if record is not None and record.version == version:
            return record
    raise ApiError(
        409, "KeyVersionUnknown", f"There is no key of version {version} any more."
    )

"""The bounds of what callers send, each by its name."""

MESSAGE_BYTES_MAX = (3 << 20) // 2
"""Of one request in protobuf: etcd's own bound, 1.5 MiB."""
STREAM_MESSAGE_BYTES_MAX = 1 << 15
"""Of one message on a stream: the part that has come is kept until the rest comes, for
as long as the stream lives."""
JSON_BYTES_MAX = 2 * MESSAGE_BYTES_MAX
"""Of one request in JSON, where bytes are a third longer."""
MESSAGE_DEPTH_MAX = 32
"""How deep messages stand within messages; each nested transaction takes two."""
TXN_OPS_MAX = 128
"""Of a transaction: comparisons, or requests of one branch; etcd's own bound."""
LEASE_TTL_S_MIN = 2
"""A shorter lease gets this many seconds, as in etcd."""
LEASE_TTL_S_MAX = 9_000_000_000
"""Etcd's own bound."""
LEASES_MAX = 100_000
"""How many leases there may be at once."""
WATCHES_MAX = 1000
"""How many watches one stream may have."""
WATCHES_PER_CALLER_MAX = 2000
"""The same of all streams of one user on a node: each commit is looked at for each."""
WATCHED_KEYS_BYTES_MAX = 1 << 18
"""How long the ends of the ranges are, of all watches of one stream."""
WATCH_EVENTS_MAX = 10_000
"""How many events of the past a watch may begin with."""
WATCH_PAST_BYTES_MAX = 32 << 20
"""How long these are."""
WATCH_PAST_BYTES_PER_CALLER_MAX = 2 * WATCH_PAST_BYTES_MAX
"""The same of all watches of one user that were not told of them yet."""
WATCH_BATCH_REVISIONS_MAX = 1000
"""How many revisions of the past one answer has, as in etcd."""
WATCH_STEP_BYTES = 1 << 18
"""Sent on a stream until its client must have taken it; what is begun is sent whole."""
WATCH_FRAGMENT_BYTES = (3 << 20) // 2
"""Of an answer, beyond which the events of a revision are divided where the client asks
for that; etcd's own bound."""
WATCH_RESPONSE_BYTES_MAX = 16 << 20
"""Of an answer that may not be divided: beyond it the watch is cancelled."""
COMMITS_SHARED_MAX = 64
"""How many of the last commits are kept as streams are told of them."""
COMMITS_SHARED_BYTES_MAX = 8 << 20
"""How long their events are; they are kept once more as bytes."""
KEEP_ALIVES_MAX = 1000
"""How many leases one stream may renew."""
LEASES_ENDED_MAX = 1000
"""How many leases are ended at once."""
LEASED_KEYS_ENDED_MAX = 1000
"""How many keys end with their leases at once."""
LEASED_BYTES_ENDED_MAX = 2 << 20
"""How long these keys and their values are, before another one ends: the ledger keeps
each value again, in the same entry as what the caller writes."""
LEASED_KEYS_LISTED_MAX = 10_000
"""How many keys of a lease one answer lists: its message has no way to say that there
are more."""
LEASED_BYTES_LISTED_MAX = 8 << 20
"""How long these keys are: JSON needs a third more, within an answer's 32 MiB."""
LEASES_CHECKED_MS = 1000
"""How often the primary looks for leases that have ended."""
CALL_MS_MAX = 5000
"""How long a call may take, which one transaction carries out whole."""
RECEIPT_WAIT_MS = 2000
"""How long a caller waits until a transaction is read from the ledger."""

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
WATCHED_KEYS_BYTES_MAX = 1 << 18
"""How long the ends of the ranges are, of all watches of one stream."""
WATCH_EVENTS_MAX = 10_000
"""How many events of the past a watch may begin with, all of its stream's at once."""
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

"""Every bound of this application, each with its unit in its name."""

KIB = 1024
MIB = 1024 * KIB

CHUNK_BYTES = 512 * KIB
"""Of a model, sent at once: half of what an interface takes by default."""
MODEL_BYTES_MAX = 64 * MIB
"""A node keeps a model twice: as it is in the ledger, and ready to run."""
SESSIONS_MAX = 4
"""Models that a node keeps ready to run; another is loaded when it is asked for."""
ROWS_KEPT_READ = 256
"""Of each table that every request looks into, decoded."""

TENSORS_MAX = 64
"""In one message."""
NAME_CHARS_MAX = 256
"""Of a tensor's name."""
RANK_MAX = 8
ELEMENTS_MAX = 4 * MIB
"""In all tensors of one request or of one answer, whatever members allow."""
HEADER_BYTES_MAX = 64 * KIB
"""What says which tensors follow."""
REQUEST_BYTES_MAX = 4 * ELEMENTS_MAX + 2 * HEADER_BYTES_MAX
"""Of a request's body, where an interface has no ``max_body_size``: as many elements as
may be, of four bytes each, what says which tensors follow, and the seal."""

KEY_LIFETIME_S = 24 * 60 * 60
"""After which anybody may have a new key made, unless members decide otherwise."""
REQUESTS_REMEMBERED_MAX = 65_536
"""By one node, so that each is answered once; the oldest are forgotten first."""

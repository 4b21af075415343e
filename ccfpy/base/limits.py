"""Every bound in one place, each with its unit in its name and its reason beside it.

A bound that can be configured has its default here and its value in the node's
configuration. Exceeding each is a tested path. What is `Final` stands in compiled code
itself, as most of what every write meets does; tests may change the others.
"""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# KV
MAP_NAMES_CACHED_MAX: int = 1024
"""Map names whose classification and encoding are kept ready; others take longer."""
TX_ATTEMPTS_MAX: Final = 30
"""Optimistic-concurrency retries before 503 (``src/node/rpc/frontend.h``)."""
RETRY_AFTER_S: int = 3
"""What a client is told to wait after such a 503, and while history is fetched."""
RETRY_SOON_S: int = 1
"""What a client is told to wait while a node lacks room or knows no primary."""

# HTTP; defaults of an interface's ``http_configuration``
HTTP_BODY_BYTES_MAX: int = 1 * MIB
HTTP_HEADER_BYTES_MAX: int = 16 * KIB
HTTP_HEADERS_MAX: int = 256
HTTP_HEAD_BYTES_MAX: int = 128 * KIB
"""Of one message's headers together, or four of the greatest size if that is more: 256
of the greatest would be 8 MiB. In HTTP/2 a few bytes can stand for many headers."""
SESSIONS_UNFINISHED_BYTES_MAX: int = 128 * MIB
"""Of the requests of all connections that have begun and not ended; beyond it the
connection with the largest is ended."""

API_PAGE_BYTES_MAX: int = 2 * MIB
"""Of the page of a service's OpenAPI documents, all of them together. A node writes a
page in a step: 0.2 MB take 15 ms. The documents of a large app are 0.3 MB as a page."""

ACCEPT_RANGES_MAX: int = 100
"""Media ranges of an ``Accept`` header; browsers send ten. The greatest header may have
4000, which take 6 ms to put in order, and anybody may send them."""
HEADER_CACHE_ENTRIES_MAX: int = 256
"""Header lines in one interface's header cache, and starts of request lines in it."""
HEADER_CACHE_ENTRY_BYTES_MAX: int = 1 * KIB
"""Of one of these; what is longer is not cached."""
HEADER_CACHE_MISSES_MAX: int = 32
"""Requests of a connection, one after the other, whose heads are not in the cache. The
connection's later requests are not looked up."""

# HTTP/2; the first three are defaults of an interface's ``http_configuration``
HTTP2_STREAMS_MAX: int = 100
"""Requests of one connection that are not answered yet."""
HTTP2_WINDOW_BYTES: int = 64 * KIB
"""Of a body, sent before we say that we have read it."""
HTTP2_FRAME_BYTES_MAX: int = 16 * KIB
HTTP2_STREAMS_CEILING: int = (1 << 31) - 1
HTTP2_WINDOW_BYTES_CEILING: int = (1 << 31) - 1
HTTP2_FRAME_BYTES_FLOOR: int = 16 * KIB
HTTP2_FRAME_BYTES_CEILING: int = (1 << 24) - 1
"""What the protocol can express, whatever an interface says (RFC 9113, 6.5.2)."""
HTTP2_HELD_BYTES_MAX: int = 4 * MIB
"""Of a connection's requests that have begun and are not served, beside one body of the
greatest size; beyond it the stream that sends on is refused."""
HTTP2_UNSENT_BYTES_MAX: int = 4 * MIB
"""Of answers that a client's windows keep back, beyond which no other is begun."""
HTTP2_BURST_BYTES_MAX: int = 4 * MIB
"""Sent before the client must have shown that it reads."""
HTTP2_SPARE_FRAMES_MAX: int = 1000
"""Frames without a request, a body or an answer in them, beyond which a connection
ends; a client's answered requests earn it some."""
HTTP2_FRAMES_PER_TURN: Final = 64
"""Frames of a connection that one turn reads; each takes 20 to 150 µs."""
HTTP2_FRAMES_PER_ANSWER: int = 16
HTTP2_FRAMES_PER_DATA: int = 4
"""Earned by a frame of ours, which the client may answer with two new windows."""
HTTP2_FRAMES_PER_RESET: int = 10
"""What a withdrawn request counts for: it may have been worked on."""
HTTP2_SMALL_DATA_BYTES: int = 128
"""A piece of a body below it counts as a frame with nothing in it."""
HTTP2_STREAMS_REMEMBERED_MAX: int = 1024
"""Streams that have ended of which it is known how."""
HTTP2_CALL_WINDOW_BYTES: int = 1 * MIB
"""The same as the first, in calls that we make."""
STREAM_PIECE_BYTES_MAX: int = 64 * KIB
"""Given to an application at once, of the data that came on a live stream."""
STREAMS_PER_SESSION_MAX: int = 64
"""Live streams of one connection; those of its other requests have room beside them."""
STREAMS_MAX: int = 1000
"""Live streams of a node."""
STREAMS_PER_CALLER_MAX: int = STREAMS_MAX // 2
"""The same of one caller, and of all together whom no policy has named. Of these, one
address may have another stream only while more than it has are free."""
STREAM_UNSENT_BYTES_MAX: int = 1 * MIB
"""Sent on a live stream and not yet read by its client. A stream that sends on beyond
this bound is cancelled."""
STREAM_DRAINED_BYTES_MAX: int = 64 * KIB
"""The same, at which a stream that has paused goes on."""
STREAMS_UNSENT_BYTES_MAX: int = 128 * MIB
"""The same of all live streams of a node together: beyond it a stream is cancelled that
sends on while its connection holds more than its equal part."""
STREAMS_UNSENT_BYTES_PER_CALLER_MAX: int = STREAMS_UNSENT_BYTES_MAX // 2
"""The same of one caller; whom no policy has named is known by an address. A stream is
cancelled that sends on with something unread while its caller's connections hold
more."""
STREAM_NEWS_MAX: int = 256
"""Committed transactions that wait for a live stream; it is told of more when it has
taken them."""
STREAM_NEWS_BYTES_MAX: int = 1 * MIB
"""Of their keys and values, beyond which no other waits beside them."""
SESSION_KEEPALIVE_S: int = 60
"""After which the host's system asks a silent client with a live stream whether it is
there, and in quarters of which it asks again."""
STREAM_FRAMES_PER_S: int = 1
"""Frames that ask for nothing, such as a PING, that a client with a live stream earns
by waiting."""
GRPC_BEGUN_BYTES_MAX: int = 64 * KIB
"""Of one message that comes in parts, unless an app allows more: a node may have a
thousand streams, each of which keeps the beginning of a message."""
GRPC_MESSAGE_BYTES_MAX: int = 1 * KIB
"""Of an error's text as gRPC's clients read it; encoding may make it three times as
long, and many clients accept 8 KiB of headers."""

# Authentication
CERTIFICATES_CACHED_MAX: int = 500
"""Callers whose parsed certificate or validity period is kept ready."""
CERTIFICATE_CACHED_BYTES_MAX: int = 4 * KIB
"""Of a certificate that is kept: a usual one has half a KiB."""
JWT_KEYS_CACHED_MAX: int = 10
"""Token signing keys kept parsed (``src/endpoints/authentication/jwt_auth.cpp``)."""
JWT_REFRESHES_MAX: int = 16
"""Issuers of tokens whose keys are fetched at once; others wait for their turn."""
JWT_RESPONSE_BYTES_MAX: int = 1 * MIB
"""Of what an issuer publishes of itself or of its keys."""
JWT_URL_CHARS_MAX: int = 2048
"""Of where it does."""

# TLS: what a client may have us do before it has proven anything
CLIENT_HANDSHAKE_BYTES_MAX: int = 32 * KIB
"""Of a client's whole handshake. Most of it is its chain of certificates, and to read
as many small ones as fit takes 20 ms; four large ones take 8 KiB."""
CLIENT_CHAIN_CERTIFICATES_MAX: int = 10
"""In a client's chain, its own among them. None but its own is looked at."""
SERVER_HANDSHAKE_BYTES_MAX: int = 256 * KIB
"""Of a server's that we call: twice what OpenSSL reads of its certificates."""
RSA_BITS_MAX: int = 8192
"""Of an RSA key whose signatures are checked: to check one takes 1 ms at most."""
RSA_EXPONENT_BITS_MAX: int = 64
"""Of such a key's public exponent, which is 17 bits long almost everywhere. A check
squares once for each bit: one of 3072 bits takes 10 ms."""
DSA_BITS_MAX: int = 3072
"""Of a DSA key: the most that its standard has (FIPS 186-4)."""

# Sessions; defaults of an interface
SESSIONS_SOFT_MAX: int = 1000
"""Beyond it TLS completes and every request is answered 503."""
SESSIONS_HARD_MAX: int = 1010
"""Beyond it the connection is closed at once."""

# Signatures
SIGNATURE_TX_COUNT: int = 5000
SIGNATURE_DELAY_MS: int = 1000
EARLY_SIGNATURE_MS: int = 5
"""Between signatures made early while few entries wait: the two signatures over a root
cost about a millisecond to make, and more than that on each backup to verify."""
EARLY_SIGNATURE_BUSY_MS: int = 100
"""The same, at most, while many keep coming."""
EARLY_SIGNATURE_FEW_TX: int = 4
"""How many entries since the last signature are few."""
EARLY_SIGNATURE_FEW_EVENTS: int = 16
"""How many events that came while a node was at work are few: more, and it is busy."""

SIGNERS_CACHED_MAX: int = 64
"""Certificates of nodes and services whose keys are kept ready to check signatures."""

RECEIPT_WINDOW_TX: int = 20_000
"""Entries whose receipts are answered from memory; older ones are read back."""

# Governance
RECENT_COSE_PROPOSALS: int = 100
CREATED_AT_MAX_S: int = 9_999_999_999
"""``created_at`` is stored as ten digits, so that text order is time order."""
CREATED_AT_AHEAD_MS: int = 600_000
"""How far ``created_at`` may be ahead of the node's clock, unless configured."""
RECENT_PER_SECOND_MAX: int = 1000
"""Signed requests of one second and one author; a second is forgotten whole."""

# JavaScript, defaults of ``set_js_runtime_options``; governance never goes below them
JS_HEAP_BYTES_MAX: int = 100 * MIB
JS_STACK_BYTES_MAX: int = 1 * MIB
JS_EXECUTION_MS_MAX: int = 5000
JS_HEAP_BYTES_CEILING: int = 2048 * MIB
"""Whatever the options say: addresses in the engine's memory have 32 bits."""
JS_STACK_BYTES_CEILING: int = 4 * MIB
"""Whatever the options say: the engine's memory has 8 MB for its stack."""
JS_NATIVE_STACK_BYTES_MAX: int = 5 * MIB
"""Of the process's own stack, which has 8 MB, for the engine's compiled code."""
JS_TICK_MS: int = 50
"""Between looks at scripts in whose loops the engine looks at no clock."""
JS_IMAGE_BYTES_MAX: int = 32 * MIB
"""Of the memory of a script's context before its first call; a larger context is made
anew for each call."""
JS_IMAGES_BYTES_MAX: int = 128 * MIB
"""Of all such contexts in a process."""

# Applications in Python, defaults of ``set_python_runtime_options``
APP_EXECUTION_MS_MAX: int = 1000
"""One call of an application's code, unless its endpoint says otherwise."""
APP_MEMORY_BYTES_MAX: int = 512 * MIB
"""By which the process may grow during one call."""
APP_RESPONSE_BYTES_MAX: int = 32 * MIB
"""The body of an answer."""
APP_RESPONSE_BYTES_CEILING: int = 64 * MIB
"""Whatever the options say: the host holds no more for a client."""
BODY_PROBLEMS_MAX: Final = 100
"""What a refusal lists of all that is wrong with a body."""
STRUCT_DEPTH_MAX: Final = 8
"""How deep a refused body is looked into for more mistakes than the first, where each
level is read again."""
DECIMAL_DIGITS_MAX: Final = 64
"""Of a decimal number as text."""
JSON_BYTES_MAX: Final = 32 * MIB
"""Of any JSON that is written; escapes, which may take six times as much, are not
counted. Its writer may end the process beyond 512 MiB."""
JSON_DEPTH_MAX: Final = 254
"""How deep JSON that is written may be nested, which is what its writer allows."""
PROPOSAL_DEPTH_MAX: Final = 200
"""How deep JSON of a proposal may be nested that is shown to those who vote."""
SLOW_CALL_MS: int = 10
"""How long a call of an application's code may hold the node."""
SLOW_CALL_HURRY_MS: int = 1
"""How long it may while others are away: many slow calls that begin at once hold the
node one after the other."""
SLOW_CALLS_MAX: int = 16
"""Calls that may be away at once while the node goes on, unless the configuration
(``worker_threads``) says otherwise; more are refused."""
SLOW_CALLS_CEILING: int = 100
"""The most that a configuration may allow. Each has a thread, and as many that begin at
once hold the node for some 2 ms each."""
SLOW_CALL_TURN_MS: int = 10
"""How long a slow call runs before another has a turn. One in Python runs at a time,
and so many scripts as there are processors but one."""
HUNG_CALLS_MAX: int = 16
"""Calls that were given up and never came back, before Python calls are refused."""
SLOW_CALL_GIVEN_UP_MS: int = 250
"""Beyond its limit, after which a call is not waited for any more."""
WATCHDOG_TICK_MS: int = 10
"""Between looks at calls of an application's code: how exact their limits are."""
WATCHDOG_GROWTH_TICKS: int = 10
"""Looks between readings of memory while no call is slow."""
WATCHDOG_HURRY_MS: int = 1
"""Between looks at one that is over its limit."""
WATCHDOG_GRACE_MS: int = 100
"""What a call that is being ended may take to clean up."""
WATCHDOG_ATTEMPTS_MAX: int = 1000
"""How often a call is ended again that goes on; then the enclave ends instead."""
LAST_WORD_WAIT_MS: int = 1000
"""How long an enclave that ends waits to say why, while a thread of it writes."""
WATCHDOG_IDLE_TICKS: int = 100
"""Looks at nothing, after which there are none until the next call."""
JOBS_MAX: int = 16
"""Functions of an application that nodes call by themselves."""
JOB_INTERVAL_MS_MIN: int = 1000
JOB_INTERVAL_MS_MAX: int = 7 * 24 * 3600 * 1000
"""Between two runs of a job. A node looks at its jobs whenever time passes."""
JOB_WRITES_BYTES_MAX: int = 8 * MIB
"""What one run of a job may write, or half of the largest entry if that is less."""
FAILURE_PLACES_MAX: int = 16
"""Calls that the log names of an exception, the innermost first."""
FAILURE_LINKS_MAX: int = 4
"""Exceptions that it names of those that led to one another."""
OPENAPI_DEPTH_MAX: int = 64
"""How deep metadata of an application's endpoint may go to be put in the document."""
OPENAPI_PATTERN_CHARS_MAX: int = 1000
"""Of a regular expression in such metadata."""
JS_LOG_LINES_MAX: int = 1000
JS_LOG_CHARS_MAX: int = 1 * MIB
"""What one call may log: lines wait in memory until the step ends, and must fit a frame
of the boundary."""
JS_CONSTITUTION_CHARS_MAX: int = 1 * MIB
"""Of a constitution that a script asks about: it is compiled outside the script's own
limits, and its bytecode is kept."""
JS_REASON_CHARS_MAX: int = 64 * KIB
"""Of a script's exception: it may be stored in the ledger and sent to clients."""
JS_VISITS_MAX: int = 64
"""``forEach`` visits of tables open at once: each holds a list of its table."""
JS_TABLES_KNOWN_MAX: int = 1024
"""Tables whose rights an interpreter remembers; a script may ask for any name."""
JS_INTERPRETERS_KEPT_CEILING: int = 100
"""Interpreters kept between calls, whatever ``max_cached_interpreters`` says."""
RECENT_ACTIONS: int = 100
"""Signed changes of an application that are remembered, so that none is made twice."""
JS_STATES_MAX: int = 10_000
"""Past states that a script gets at once."""
JS_RESPONSE_HEADERS_MAX: int = 128
"""In an endpoint's response."""
DID_CHAIN_CERTIFICATES_MAX: int = 8
"""Certificates in a message that is signed by a ``did:x509``."""
GUEST_RSA_BITS_MIN: int = 1024
GUEST_RSA_BITS_MAX: int = 4096
"""Of RSA keys that scripts make or bring: nothing interrupts an operation with one."""
JS_CHAIN_CERTIFICATES_MAX: int = 32
"""Certificates in a chain that a script asks about: their pairs are tried."""

# Tools of those who write apps
SOURCE_MAP_BYTES_MAX: int = 32 * MIB
SOURCE_MAP_LINES_MAX: int = 1_000_000
DEV_BODY_BYTES_MAX: int = 256 * KIB
"""Of a request's or an answer's body, kept to replay it; two fit a line of the log."""
DEV_REQUESTS_KEPT_MAX: int = 10_000
"""Requests that one run of a development service keeps."""

# Boundary
FRAME_BYTES_MAX: int = 64 * MIB
"""One batch of messages between host and enclave."""
BATCH_MESSAGES_MAX: Final = 1 << 20
"""Items in any one list of a frame, so that a small frame cannot grow large."""
SEND_BYTES_MAX: Final = 1 * MIB
"""The largest ``SendData``; a longer answer is several."""
REPLIES_BYTES_MAX: int = 16 * MIB
"""Answers that HTTP/2's windows keep back, beyond which an awaited one is given up."""
STEP_REPLIES_BYTES_MAX: Final = 1 * MIB
"""Answers of one step beyond which no other waiting connection has a turn in it."""
STEP_TURNS_MAX: Final = 64
"""Connections that have a turn within one step. Others wait for the next step."""
STEP_REQUESTS_MAX: Final = 64
"""Requests answered within one step, shared evenly among the connections with a turn,
and at least one each: about 10 ms of small requests, then the node hears the host."""
STEP_HANDSHAKES_MAX: Final = 8
"""Connections without TLS that have a turn within one step: each takes half a
millisecond, and a handshake has two turns. The answers of the step leave after them, so
a request waits for those of two steps at most."""
SESSION_TURN_BYTES_MAX: Final = 18 * KIB
"""Bytes of a connection that one turn decrypts: one TLS record of the largest size, and
a small one."""
SESSION_PARSE_BYTES_MAX: Final = 2 * KIB
"""Bytes that are parsed at once where they may be many requests: about a hundred of the
smallest."""
SESSION_PARSE_REQUESTS_MAX: Final = 16
"""Requests in more bytes than that which are parsed at once all the same."""
SESSION_WINDOW_BYTES: Final = 32 * KIB
"""Bytes of a client that the host passes on before the node has come to them. Beyond
them the host does not read from that client."""
SESSION_READ_BYTES_MAX: Final = 32 * KIB
"""Bytes that the host reads from one client at once."""
SESSION_GRANT_BYTES: Final = SESSION_WINDOW_BYTES // 2
"""Bytes that a node has come to before it lets the host read as many more."""
SESSION_UNREAD_BYTES_MAX: Final = 256 * KIB
"""Answers that the host has not got rid of, beyond which a connection has no turn."""
SESSION_WRITTEN_BYTES: Final = 64 * KIB
"""Answers that the host gets rid of before it tells the node so."""
HELD_BYTES_MAX: int = 4 * MIB
"""Bytes of a connection that wait for its turn; beyond it the connection ends. A host
that keeps to ``SESSION_WINDOW_BYTES`` never passes on so many."""
LOG_MESSAGE_CHARS_MAX: int = 1 * MIB
"""Of one log line, which may quote what a client sent or a script gave."""
APPEND_BYTES_MAX: Final = 8 * MIB
"""Entries in one ``AppendEntries``, unless the first alone is larger."""
ENTRY_BYTES_MAX: int = FRAME_BYTES_MAX - 2 * KIB
"""The largest ledger entry that fits a frame to the host, or to another node with its
header, whatever ``memory.max_msg_size`` says."""
LINK_BACKLOG_BYTES_MAX: int = 8 * MIB
"""Bytes waiting for the enclave beyond which the host stops reading from clients."""
SESSION_BACKLOG_BYTES_MAX: int = 64 * MIB
"""Bytes waiting for a client that does not read; beyond it the session is dropped."""
COMMIT_WAIT_MS_MAX: int = 30_000
"""The longest a caller may have its answer wait for commit; an idle connection lives on
for twice as long by default."""
COMMIT_WAITS_MAX: int = 10_000
"""Answers that wait for commit; beyond it a request that would wait is refused."""
MEMORY_RETURNED_BYTES_MIN: int = 128 * KIB
"""Blocks of at least so many bytes the enclave gives back to the system when it frees
them, as glibc does until it has freed the first."""
MEMORY_KEPT_BYTES_MAX: int = 1 * MIB
"""Free memory at the end of the C library's heap that the enclave keeps: as much as the
messages of another node take for a moment, time and again. With a tenth of it a backup
has every other page that it writes an entry to given to it anew."""
SESSION_UNFINISHED_MS_MAX: int = 30_000
"""For which a client may leave unfinished what it has begun: a handshake, a record, a
request, or the reading of an answer."""
SESSION_BYTES_PER_S_MIN: int = 1 * KIB
"""At which a client that sends more may take longer."""
SESSIONS_LOOK_MS: int = 1000
"""Between looks at clients that have begun something."""
SESSION_LEAVING_S_MAX: int = 2
"""Seconds that a client has to read a last answer and end its side."""
SESSION_LEAVING_BYTES_MAX: int = 16 * MIB
"""What a client may still send meanwhile; it is thrown away."""
SESSIONS_HARD_MARGIN: int = 16
"""Connections beyond an interface's hard cap, accepted for the node to refuse."""
LISTEN_BACKLOG: int = 1024
REST_AFTER_MS: int = 1000
"""Silence after which a node without others and without calls looks at the clock less
often."""
REST_TICK_MS: int = 100
"""How often it does so then."""
LOG_WAIT_MS: int = 50
"""How long a node waits for the reader of its log, before it drops lines."""

# Ledger files
LEDGER_CHUNK_BYTES: int = 5 * MIB
"""A chunk is closed at the first signature beyond this size."""
LEDGER_READ_BYTES_MAX: int = 8 * MIB
"""Entries given in one answer to a read, unless the first alone is larger."""
LEDGER_READS_MAX: int = 16
"""Reads of the ledger that the host has not answered yet."""
RECOVERY_ENTRIES_PER_READ: int = 100
"""Entries read at once while a ledger is recovered, so that heartbeats and requests
wait for milliseconds and not until a large ledger is read."""
LEDGER_RECENT_BYTES_MAX: int = 16 * MIB
"""The newest entries, kept in memory: replicating what is fresh reads no file."""
LEDGER_OPEN_FILES_MAX: int = 5
"""Files kept open for reading (``src/host/ledger.h``)."""

# Other nodes
PEER_FRAME_BYTES_MAX: int = FRAME_BYTES_MAX - KIB
"""The largest message between nodes: one that carries the largest entry."""
PEER_BACKLOG_BYTES_MAX: int = 64 * MIB
"""Bytes waiting for a node that does not read; what comes beyond is lost."""
CHANNEL_MESSAGES_MAX: int = 23_726_566
"""Messages under one pair of keys: RFC 8446, 5.5, as CCF has it by default. From half
of it on, new keys are agreed on."""
CHANNEL_RETRY_MS: int = 2000
"""The least time between two attempts at one key exchange (``src/node/channels.h``)."""
CHANNEL_IDLE_MS: int = 60_000
"""How long keys are kept unused, by default (``idle_connection_timeout``)."""
CHANNEL_FORWARDED_MAX: int = 10
"""Forwarded messages that wait for one channel's keys."""
CHANNEL_SIGNATURE_BYTES_MAX: int = 256
"""Of a signature in a key exchange; the largest that a curve of ours makes is 139."""
CHANNEL_CERTIFICATE_BYTES_MAX: int = 64 * KIB
"""Of a node's certificate in a key exchange; it names the node's every address."""
CHANNEL_EARLY_BYTES_MAX: int = CHANNEL_CERTIFICATE_BYTES_MAX + KIB
"""Of the one step of a key exchange that a node keeps while it waits to be trusted."""
CHANNELS_MAX: int = 1024
"""Nodes that a node knows to be of its service; beyond it the idle are forgotten."""
CHANNELS_CLOSED_MAX: int = 65_536
"""Retired nodes that a node remembers to refuse; beyond it the oldest are forgotten."""
FORWARDED_PENDING_MAX: int = 10_000
"""Requests sent to the primary and not answered yet, each with a client that waits. One
address may have another only while more than it has are free."""
FORWARDING_TIMEOUT_MS: int = 3000
"""The time the primary has to answer one, by default (``src/node/rpc/frontend.h``)."""
FORWARDED_BYTES_MAX: int = PEER_FRAME_BYTES_MAX - 64 * KIB
"""Of a forwarded message's plaintext; the rest of its frame names sender and kind."""
FORWARDED_CERTIFICATE_BYTES_MAX: int = 64 * KIB
"""Of the caller's certificate in one; a caller with a larger one counts as without:
`CERTIFICATES_CACHED_MAX` of them are kept."""
FORWARDED_HEADERS_MAX: int = 1024
"""Headers of a forwarded request, which its interface admitted, and of its response
(``include/ccf/http_configuration.h``)."""
PEERS_INCOMING_MAX: int = 256
"""Connections that others opened; a newer one takes the place of the most silent."""
PEERS_PARTIAL_BYTES_MAX: int = 256 * MIB
"""Of messages between nodes that have begun and not ended, on all connections."""
PEERS_CONGESTED_BYTES_MAX: int = 16 * MIB
"""Read from other nodes while the enclave does not keep up and clients already wait."""
PEER_RETRY_MS_MIN: int = 50
PEER_RETRY_MS_MAX: int = 1000
"""Between attempts to reach a node, doubled with each: an election must not wait."""
CALLS_MAX: int = 64
"""Connections to elsewhere that a node may have at once."""
CALL_DEADLINE_MS: int = 10_000
"""From the connection to the last byte of the response, unless the caller says."""

# The past
HISTORY_EXPIRY_S: int = 1800
"""How long states are kept that nobody asks for again, by default
(``src/node/historical_queries.h``)."""
HISTORY_SEQNOS_MAX: int = 100_000
"""States under one handle; a longer range is read in pages."""
HISTORY_REQUESTS_MAX: int = 10_000
"""Handles in use; beyond it the one that was not asked about for longest goes."""
HISTORY_BYTES_PER_ENTRY_BYTE: int = 5
"""What a state takes in memory for each byte of its entry, by CCF's estimate."""
HISTORY_ENTRIES_PER_READ: int = 100
"""Entries read at once, so that heartbeats wait for milliseconds and not for a long
range; also the most that one request takes from memory within a step."""
HISTORY_ENTRIES_PER_SEARCH: int = 1000
"""The same where a signature is sought, and the entries before it are not opened."""
HISTORY_READS_MAX: int = 4
"""Reads under way at once."""
HISTORY_GAP_ENTRIES_MAX: int = 16
"""Entries nobody asked for that are read rather than ask the host twice."""
HISTORY_SIGNATURES_MAX: int = 64
"""Verified signatures kept with their trees; others are verified again when needed."""
HISTORY_SIGNERS_MAX: int = 64
"""Certificates of nodes that signed, kept with who issued them."""
RECENT_ENTRIES_BYTES_MAX: Final = 16 * MIB
"""The newest entries, kept in memory: what was just committed is read without the
host."""
SIGNATURES_KNOWN_MAX: int = 1 << 20
"""Signatures of this run whose places are known, eight bytes each."""
SIGNATURES_FOUND_MAX: int = 100_000
"""Signatures of earlier runs whose places were found out."""
HISTORY_WAIT_MS_MAX: int = 10_000
"""The longest a caller may have the service wait for past states."""
HISTORY_WAITS_MAX: int = 1000
"""Requests that wait for past states; beyond it they are answered 202 at once."""

# Sealed ledger secrets
SEALED_SECRET_BYTES_MAX: int = 4 * KIB
"""Of a file; one takes about 250 bytes."""
SEALED_SECRETS_MAX: int = 1000
"""Files that a node is shown, the newest."""

# Nodes that ask to join, of whom nobody knows anything yet
PENDING_NODES_MAX: int = 50
"""Nodes that wait to be trusted; a newcomer replaces the one silent for longest."""
PENDING_REPLACED_MS: int = 10_000
"""Between two replacements. Each writes some 10 KiB, so 90 MiB a day at the most."""
PENDING_SILENT_S: int = 24 * 3600
"""After which a silent node loses its record; a node asks every second by default."""
PENDING_LOOK_MS: int = 60_000
"""Between looks for such nodes."""
PENDING_HEARD_MS: int = 10_000
"""How often a backup sends a node that waits on to the primary, so that it is heard."""
NODE_DATA_BYTES_MAX: int = 8 * KIB
"""Most bytes of an operator's data on a joining node; members can set more."""
NODE_NETWORK_BYTES_MAX: int = 16 * KIB
"""Of all that a node says of its interfaces."""
NODE_INTERFACES_MAX: int = 32
HOST_NAME_CHARS_MAX: int = 253
"""Of a host's name, as DNS has it."""
NODE_ADDRESS_CHARS_MAX: int = HOST_NAME_CHARS_MAX + len(":65535")
"""Of ``host:port``."""
NODE_REQUEST_CHARS_MAX: int = 8 * KIB
"""Of a certificate request, which names the node's every address."""
NODE_ENCRYPTION_KEY_CHARS_MAX: int = 1 * KIB
"""Of a public RSA key of 4096 bits as PEM, of which it takes 800."""
VIRTUAL_EVIDENCE_BYTES_MAX: int = 1 * KIB
"""Of each part of evidence that anybody can make; it takes about 200."""
ENDORSED_TCB_CHARS_MAX: int = 64

# Attestation
STATEMENT_BYTES_MAX: int = 256 * KIB
"""Of a signed statement: an enclave's manifest names each of its files."""

# Indexes
STRATEGIES_MAX: int = 64
"""Strategies that are told of what is committed."""
INDEX_ENTRIES_PER_STEP: int = 100
"""Entries that strategies are told of within one step, so that requests wait for
milliseconds while they catch up."""
INDEX_ENTRIES_PER_READ: int = 500
"""Past states asked for at once (``src/indexing/indexer.h``); as many more are on
their way meanwhile."""
STREAM_TURN_ENTRIES: int = 4 * INDEX_ENTRIES_PER_READ
"""Entries that a live stream which is behind is told of before another one is, so that
one at the beginning of a long ledger does not hold up the others."""
INDEX_UNSIGNED_MAX: int = 100_000
"""Entries read back that await the signature after them."""
INDEX_RETRY_MS_MIN: int = 1000
INDEX_RETRY_MS_MAX: int = 60_000
"""Between attempts to read what the host did not give, doubled with each."""
INDEX_SEQNOS_PER_BUCKET: int = 1000
INDEX_BUCKETS_MAX: int = 10
"""Of an index whose buckets the host keeps, unless it says otherwise
(``include/ccf/indexing/strategies/seqnos_by_key_bucketed.h``)."""
INDEX_BLOB_BYTES_MAX: int = 256 * KIB
"""Of a bucket in one blob; a fuller one is several. To sort one takes milliseconds."""
INDEX_PADDED_BYTES_MIN: int = 4 * KIB
"""Of a blob of a private table, the least; greater ones are powers of two."""
BLOB_READS_MAX: int = 64
"""Blobs that the host was asked for and has not given yet."""

# Snapshots
SNAPSHOT_READ_BYTES_MAX: int = 4 * MIB
"""Of a snapshot in one answer of the host, and in one range that a joiner asks for."""
SNAPSHOT_BYTES_MAX: int = 10 * 1024 * MIB
"""The largest that a joiner fetches (``command.join.fetch_snapshot_max_size``)."""
SNAPSHOT_WRITE_BYTES_MAX: int = 8 * MIB
"""Of a snapshot in one ``WriteSnapshot``; a larger one is several."""
SNAPSHOTS_PENDING_MAX: int = 5
"""Snapshots whose evidence awaits commit (``src/node/snapshotter.h``)."""
SNAPSHOT_KEYS_PER_STEP: int = 600
"""About how many keys are ordered for a snapshot within one step, so that heartbeats
and requests wait for milliseconds and not until a large state is written."""
SNAPSHOT_STEP_MS: int = 10
"""From one step of a snapshot to the next: a busy host tells the time more often, and
requests wait for each."""
SNAPSHOT_BYTES_PER_KEY: int = 4 * KIB
"""Bytes whose copying, encryption and hashing count as much as ordering a key."""
SNAPSHOT_ANSWER_BYTES_MAX: int = 16 * MIB
"""Of a snapshot in one answer to a client; 206 tells it where to go on."""
SNAPSHOT_READS_MAX: int = 16
"""Reads of snapshots that the host has not answered yet."""
SNAPSHOT_REDIRECTS_MAX: int = 20
"""Answers that a joiner follows in search of a snapshot (``src/snapshots/fetch.h``)."""

# Consensus
APPEND_ENTRIES_BYTES: Final = 192 * KIB
"""About what one AppendEntries carries, if no signature ends it sooner. A backup that
wakes finds little of its code and state in the processor's caches."""
APPEND_ENTRIES_FIRST: int = 180
"""Entries that one carries until a leader knows how large they are."""
APPEND_ENTRIES_IN_FLIGHT_MAX: int = 6
"""Messages' worth of entries sent to a peer that it has not acknowledged: a megabyte or
so, which keeps a link of 100 Mbit/s busy for a round trip of 80 ms. More would wait in
the host's queue, be dropped there, and be refused one by one."""
VIEWS_MAX: Final = 1 << 20
"""The last view that a node takes part in: where each view began is kept in memory and
written into snapshots. An election every minute takes two years to get there."""
MESSAGE_TIMEOUT_MS: int = 100
ELECTION_TIMEOUT_MS: int = 5000
UNCOMMITTED_TX_MAX: int = 10_000
"""Entries not yet committed beyond which requests are refused; 0 sets no bound."""

# Metrics
METRICS_REQUEST_BYTES_MAX: int = 4 * KIB
"""Of one request for metrics, whose body is never read."""
METRICS_CONNECTIONS_MAX: int = 8
"""Connections to the listener for metrics at once; further ones are closed."""
METRICS_CONNECTION_S_MAX: int = 10
"""How long such a connection may take for its one request and answer."""
METRICS_FRESH_MS: int = 1000
"""Between two collections; a scrape that comes sooner gets the last text."""
METRICS_ENCLAVE_MS_MAX: int = 2000
"""How long a scrape waits for the enclave; then the host's own metrics are served."""
ENDPOINTS_COUNTED_MAX: int = 100
"""Endpoints of a frontend whose requests are counted apart, if an app wants that."""
APP_ENDPOINTS_COUNTED_MAX: int = 1000
"""Endpoints whose calls a node counts for their application; others go uncounted."""
SIGNATURES_TIMED_MAX: int = 1000
"""Signatures that are not final and whose time is known; older ones are forgotten."""
METRICS_SERIES_MAX: int = 2000
"""Series that are served; what is beyond is left out, and logged once."""

# Traces
TRACESTATE_CHARS_MAX: int = 512
"""Of a ``tracestate`` that is handed on to another node; older members are left out."""
TRACES_WAITING_MAX: int = 2000
"""Traced requests that wait for a collector; further ones are dropped, and counted."""
TRACES_BATCH_MAX: int = 200
"""Traced requests that a collector gets at once."""
TRACES_GATHER_MS: int = 200
"""How long the first of a batch waits for others."""
TRACES_CLOSE_MS_MAX: int = 1000
"""How long a node that stops waits for its collector."""
TRACES_REASON_CHARS_MAX: int = 300
"""Of the reason, in the log, why a collector takes no traces."""

# Offline tools
DISCOVERED_FILES_MAX: int = 1_000_000
"""Files that a search for ledgers looks at; more are surely not all of ledgers."""

ENCLAVE_NUMBER_MAX = (1 << 16) - 1
"""The highest product id and security version of an enclave."""

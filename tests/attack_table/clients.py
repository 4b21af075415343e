"""The attacks of those who connect: users, strangers and issuers of tokens."""

from collections.abc import Mapping

PARTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "http": (
        "HTTP/1: requests that two readers might read differently",
        {
            "a body beyond the limit": (
                "The node answers 413 as soon as the body exceeds the limit, and "
                "ends the session."
            ),
            "requests made of the documents, valid and not, as every kind of caller": (
                "The OpenAPI document allows each answer. An error in the request "
                "is the caller's error, and never an error of the service."
            ),
            "a header beyond the limit": "The node answers 431, and ends the session.",
            "a header that asks for thousands of kinds": "The node answers 400.",
            "too many headers": "The node answers 431, and ends the session.",
            "headers that are large together": (
                "The node answers 431 beyond 128 KiB, and ends the session."
            ),
            "a head that never ends": (
                "The node refuses the head before it keeps more of it than the limit."
            ),
            "more sessions than an interface takes": (
                "The node answers 503 beyond the soft cap. The host closes the "
                "connection beyond the hard cap."
            ),
            "lenient parsing for clients": (
                "Clients' requests and forwarded ones have the same strict parser. "
                "A node writes a forwarded request anew."
            ),
            "a length and a coding": (
                "The node answers 400, and ends the session. A session ends after "
                "every 400 below, too."
            ),
            "a coding that does not end in chunked": "The node answers 400.",
            "a coding besides chunked": "The node answers 400.",
            "a coding in a version that has none": (
                "The node answers 400, because the reader of this version would see "
                "no end of the body."
            ),
            "two lengths": "The node answers 400, even if both lengths agree.",
            "a length with a sign, a prefix, blanks or too many digits": (
                "The node answers 400."
            ),
            "a bare carriage return": "The node answers 400.",
            "a bare line feed": "The node answers 400.",
            "a blank before the colon": "The node answers 400.",
            "a folded line": "The node answers 400.",
            "a NUL or another control character": "The node answers 400.",
            "a name that is no token": "The node answers 400.",
            "a chunk size that is none, or too large": "The node answers 400.",
            "a chunk extension with something in it": "The node answers 400.",
            "a chunk that ends elsewhere": "The node answers 400.",
            "trailers that smuggle": "The node checks trailers, and drops them.",
            "no Host": "The header may be missing, as in CCF: no answer depends on it.",
            "two Hosts": "The node answers 400.",
            "a target that names another host": "The node answers 400.",
            "a request behind an error": "The node never reads the request.",
            "a body behind an upgrade": (
                "The node answers 400, because it cannot know where the body ends."
            ),
            "a version that is not spoken": "The node answers 400.",
            "a line with other blanks": "The node answers 400.",
            "bytes that are no HTTP": (
                "The node answers 400 at the first byte that cannot be HTTP."
            ),
            "a request cut in any way": (
                "The request reads the same, however it is cut."
            ),
            "a request that another parser reads differently": (
                "An independent parser reads every accepted request in the same way."
            ),
            "a header that begins another line": "The node never writes such a header.",
        },
    ),
    "http2": (
        "HTTP/2",
        {
            "rapid reset": (
                "A cancelled request costs ten frames of the connection's "
                "allowance, which answers refill."
            ),
            "a flood of CONTINUATION": (
                "Headers are bounded before the node reads them."
            ),
            "an HPACK bomb": "All headers of a request together are bounded.",
            "a table as large as the peer likes": (
                "The node's own HPACK table is empty, whatever size the peer asks for."
            ),
            "a flood of SETTINGS": "The node counts frames that ask for nothing.",
            "a flood of PING": "The node counts frames that ask for nothing.",
            "a flood of empty frames": "The node counts frames that ask for nothing.",
            "a window that never opens": (
                "Answers that wait are bounded in size, and then in time."
            ),
            "a window that opens byte by byte": "The node counts frames.",
            "windows so large that the node would never wait": (
                "A client must show that it reads before the node sends more."
            ),
            "more streams than were allowed": "The node ends the connection.",
            "bodies that never end": "Each body, and all together, are bounded.",
            "a frame beyond the limit": "The node refuses it at the frame's header.",
            "a body of another length than its header says": (
                "The node ends the connection."
            ),
            "a connection header, or one in capitals": "The node ends the connection.",
            "streams without end": "A connection and a node have a bound of them.",
            "a stream that nobody reads": "The node cancels it when it sends on.",
            "a stream of a removed user": "Each step authenticates its caller.",
        },
    ),
    "slow": (
        "Clients that never end what they begin",
        {
            "a connection without a handshake": (
                "The handshake must end within 30 s, whatever bytes the client sends."
            ),
            "a handshake byte by byte": (
                "The handshake must end within 30 s, whatever bytes the client sends."
            ),
            "a record byte by byte": (
                "A record must be whole within 30 s, whatever bytes the client sends."
            ),
            "a head that goes on": "A head has 30 s, and one second more for each KiB.",
            "empty lines for ever": "Empty lines have the time of a head.",
            "a body byte by byte": "A body has 30 s, and one second more for each KiB.",
            "a body in tiny chunks": (
                "A body has 30 s, and one second more for each KiB."
            ),
            "an HTTP/2 preface, frame or headers byte by byte": (
                "Each has 30 s, and one second more for each KiB."
            ),
            "a stream byte by byte": (
                "A stream has 30 s, and one second more for each KiB."
            ),
            "an answer that is never read": (
                "A client must read an answer within 30 s, and one second more for "
                "each KiB. Beneath TLS, the host tells the enclave how much of the "
                "answer has left."
            ),
            "a connection that is idle": "The host ends the connection.",
            "more connections than the host has descriptors for": (
                "The host allows itself as many as the system does. When they are used "
                "up it accepts nobody for half a second, and then goes on."
            ),
            "requests that fill the disk under the log": (
                "The host drops and counts the lines that the system does not take."
            ),
        },
    ),
    "fairness": (
        "Clients that ask for more than their share",
        {
            "thousands of requests at once": (
                "A step answers 64 requests, shared among the connections that wait."
            ),
            "more connections than a step has turns": (
                "The connections without a turn have their turns in the next step."
            ),
            "a thousand handshakes at once": (
                "A step takes 8 handshakes, after all requests that came before. "
                "Requests on other connections wait for two such steps at most."
            ),
            "handshakes that go on and on": (
                "Half of the turns for handshakes begin new ones."
            ),
            "many streams at once": (
                "A connection with many streams has one turn in a step, as every "
                "connection has."
            ),
            "unfinished requests on many connections": (
                "All unfinished requests together may take 128 MiB. Beyond this "
                "size, the largest request ends with 503."
            ),
            "many connections from one address": (
                "Operators can limit connections from one address "
                "(`max_open_sessions_per_address`)."
            ),
            "large bodies, time and again": (
                "The node returns the memory of large bodies to the system, and "
                "keeps no pieces of it."
            ),
            "answers that nobody reads": (
                "If more than 256 KiB of answers wait, the node stops reading "
                "requests from the connection. After 30 s the node ends the "
                "connection, and logs the reason."
            ),
        },
    ),
    "tls": (
        "TLS",
        {
            "an older version": "The node speaks TLS 1.2 and 1.3 alone.",
            "a client's certificate without its key": (
                "Each handshake proves the key, whether or not a policy uses the "
                "certificate later."
            ),
            "a chain of certificates that are expensive to check": (
                "The node does not check a client's chain, because no authority "
                "vouches for clients. The chain's length is bounded."
            ),
            "a client's certificate of a key that is expensive to check": (
                "The sizes of the key's modulus and exponent are bounded."
            ),
            "a handshake that goes on and on": (
                "The number of bytes in a handshake is bounded."
            ),
            "a weak suite": (
                "The node offers AES-GCM with ECDHE alone. The test tries all of "
                "OpenSSL's suites."
            ),
            "another curve": "The node agrees on X25519, P-256, P-384 and P-521 alone.",
            "a client that prefers the weaker suite": (
                "The server's order of suites counts."
            ),
            "renegotiation": "The node refuses renegotiation.",
            "resumption": "The node resumes no session, and accepts no ticket.",
            "compression": "The node never agrees to compression.",
            "a heartbeat": "The node never agrees to heartbeats.",
            "a forced fallback to an older version": (
                "The node detects the fallback where a downgrade is possible."
            ),
            "a handshake message larger than any": (
                "The node refuses the message when it has read the message's header."
            ),
            "a flood of warnings": "The node ends the connection.",
            "a changed record": "The node ends the connection.",
            "a record again, or in another session": "The node ends the connection.",
            "bytes that are no TLS": "The node ends the connection with an alert.",
            "a server that is not the service's": (
                "Clients pin the service's certificate."
            ),
            "a client's certificate that is another's": (
                "The handshake proves the key, and a policy must know the certificate."
            ),
        },
    ),
    "jwt": (
        "Bearer tokens",
        {
            "no algorithm": "The node knows RS256 and ES256 alone.",
            "an HMAC under the public key": "The node knows RS256 and ES256 alone.",
            "an algorithm that is not the key's": "Each key has one algorithm.",
            "a key that is expensive to check": (
                "The sizes of the key's modulus and exponent are bounded."
            ),
            "a key that the token brings": (
                "The node uses only keys that governance has registered."
            ),
            "a place to fetch keys from": (
                "The node fetches nothing from an address that a token names."
            ),
            "a critical header": "The node refuses a token with `crit`.",
            "a member twice": (
                "The last one counts, for the node's checks and for applications."
            ),
            "another spelling of its base64": (
                "The node accepts canonical base64 alone."
            ),
            "too few or too many parts": "A token has three parts.",
            "a missing header or claim": (
                "A token must have `alg`, `kid`, `exp` and `iss`."
            ),
            "a signature in DER": "The node accepts P1363 alone, which has one length.",
            "a signature of zeros": "Both numbers must be in range.",
            "numbers outside their range": (
                "r and s must be less than the order, and not zero."
            ),
            "a token out of date": (
                "The node compares `nbf` and `exp` with the host's clock."
            ),
            "another issuer's key of the same id": (
                "The key that verifies the signature decides. Its constraint must "
                "allow the issuer."
            ),
            "an issuer that speaks for another": (
                "A constraint must name the issuer's domain or a parent of it."
            ),
            "another tenant": "Entra's `tid` must be the one in the issuer.",
            "a key that is no longer published": (
                "A refresh replaces all keys of an issuer."
            ),
            "a private key in a key set": (
                "The node refuses the key set, because any reader of it could sign "
                "tokens."
            ),
            "an oversized or tiny key": "RSA keys have 2048 to 16384 bits.",
            "a key of another kind": "The node uses no key of this kind for tokens.",
            "an issuer whose server is another's": (
                "The issuer's bundle of authorities must vouch for the server and "
                "the server's name."
            ),
            "an answer of an issuer without end": "The size of the answer is bounded.",
            "nesting without end": "The depth of JSON is bounded.",
        },
    ),
    "tools": (
        "Tools of operators and members",
        {
            "text that moves the cursor, hides or turns a line around": (
                "Tools write what others chose through one module, which marks each "
                "character that nobody sees by its code point."
            ),
            "text that styles a table, or ends it in a traceback": (
                "Tools take text for text. Only their own literals have styles."
            ),
        },
    ),
}

"""The attacks, part by part, each with the defence that stops it."""

from collections.abc import Mapping

PARTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "join": (
        "Joining a service",
        {
            "evidence of another node's key": (
                "The evidence must report the digest of the key that the TLS "
                "connection proved."
            ),
            "another node's whole request, sent again": (
                "The sender does not hold the key that the request's evidence reports."
            ),
            "a certificate request for another key": (
                "The key of the request is compared with the key that the "
                "connection proved."
            ),
            "stale evidence": (
                "Certificates and statements of manufacturers have periods of "
                "validity. The service's clock decides, not the joiner's."
            ),
            "a measurement that nobody allowed": (
                "Members list the code that may join. An empty list admits no node."
            ),
            "host data that nobody allowed": (
                "Members list host data, as they list code."
            ),
            "a processor or firmware that is out of date": (
                "Members set the lowest version, and the manufacturer signs the "
                "version that the processor has."
            ),
            "a revoked machine": (
                "The service keeps every statement of a manufacturer that it "
                "receives. A joiner cannot hide a later statement by bringing an "
                "earlier one."
            ),
            "an enclave that can be debugged": (
                "The service refuses it, unless members decide otherwise."
            ),
            "a manufacturer that nobody knows": (
                "A chain of certificates must end at a root that the service knows."
            ),
            "evidence with a bit changed": "The signature covers the whole evidence.",
            "evidence of two machines, mixed": (
                "The report must name the chip and the version that its certificate "
                "names."
            ),
            "a policy that is empty": "An empty policy admits no node.",
            "evidence of another platform": (
                "Each platform has its own lists and its own verifier."
            ),
            "evidence by keys that are expensive to check": (
                "The modulus and the exponent of a key are bounded wherever a chain "
                "is checked."
            ),
            "bytes that are no evidence": (
                "The service refuses them, and logs the reason."
            ),
            "one key twice": (
                "Both requests belong to one node. The second request writes "
                "nothing, and its answer says how the node stands."
            ),
            "the key of a retired node": (
                "The service refuses it: a retired node has given up its key."
            ),
            "the address of another node": (
                "Only one trusted node may have an address, and the service tells "
                "members when they trust a second node with it."
            ),
            "the address of a node that waits to be trusted": (
                "The address stays free until members trust a node with it."
            ),
            "a record as large as a request may be": (
                "Each field has its own bound. The service refuses a field beyond "
                "its bound."
            ),
            "more nodes than anybody could want": (
                "The number of nodes that wait is bounded. A newcomer replaces a "
                "silent node, at most once in 10 s."
            ),
            "all places taken, and asked for again and again": (
                "A node that a member's proposal names gets a place at once, and "
                "keeps this place."
            ),
            "asking a node that is not the primary": (
                "A backup adds no node. Its answer names the primary."
            ),
            "redirects without end": "A joiner follows a bounded number of redirects.",
            "an answer recorded for another node": (
                "The answer was encrypted for another connection. The joiner ends "
                "the call, and nothing else happens."
            ),
            "an answer after the join": (
                "The joiner has no open call to which the answer could belong."
            ),
            "secrets before members trust the node": (
                "A pending node receives its status and nothing else."
            ),
            "a new secret while the node is pending": (
                "A rekey encrypts the new secret to trusted nodes alone."
            ),
            "an answer whose parts do not fit together": (
                "A joiner checks keys and certificates against the certificate that "
                "it pinned."
            ),
            "another service in place of the one that was meant": (
                "A joiner pins the service's certificate, and sends nothing before "
                "the connection has proved it."
            ),
            "a host that reads what a joiner is given": (
                "The two nodes encrypt the answer between them. No effect holds it "
                "in plain text."
            ),
        },
    ),
    "channel": (
        "Channels between nodes",
        {
            "consensus with values that no honest node sends": (
                "The node checks every value of a peer. It refuses the message, and "
                "continues."
            ),
            "an entry that writes what a node cannot act upon": (
                "Before an entry becomes part of the state, the node checks the "
                "tables that the node itself acts upon. The log names the sender."
            ),
            "a message again": "A nonce must be greater than the last one.",
            "an older message after a newer one": (
                "A nonce must be greater than the last one."
            ),
            "a gap that stops a channel": (
                "Nonces may jump forward. A receiver never waits for a missing message."
            ),
            "a message sent back": "Each direction has its own key.",
            "a changed message": (
                "AES-GCM detects the change. A refused message changes no state."
            ),
            "a recorded init": (
                "The node answers with a fresh share, and the exchange establishes "
                "no keys."
            ),
            "a recorded response": (
                "A response must sign the share of the exchange under way."
            ),
            "a recorded final": (
                "A final must sign the share of the exchange under way."
            ),
            "a node's own init sent back": "A node makes no channel to itself.",
            "a message for a third node": (
                "The keys are bound to the ids of both nodes."
            ),
            "an exchange spliced to a third node": (
                "The nodes sign their shares, and the keys are bound to both ids. "
                "The two sides derive different keys."
            ),
            "another kind of message": (
                "The tag authenticates the kind of the message together with its "
                "length."
            ),
            "the certificate of a retired node": (
                "Nodes that know of the retirement ignore the retired node."
            ),
            "the certificate of another service": (
                "The service's key must have signed the certificate."
            ),
            "another node's name": (
                "A node's id is the digest of the key in its certificate."
            ),
            "a point that is not on the curve": (
                "The node refuses the point before it uses the point."
            ),
            "one key for more messages than it may seal": (
                "The nodes renew the keys from half of the limit on. At the limit, "
                "all messages wait for new keys."
            ),
            "new keys while messages flow": (
                "The old keys serve until both nodes have the new ones."
            ),
            "strangers who fill the memory": (
                "The number of channels that a node keeps is bounded."
            ),
        },
    ),
    "nonce": (
        "One nonce for two plaintexts",
        {
            "a transaction and a snapshot of one seqno": (
                "The IV contains the seqno, 31 bits of the view, and one bit for "
                "snapshots."
            ),
            "a view that does not fit": (
                "The node refuses the view, and never truncates it."
            ),
            "a view beyond the IV from another node": (
                "A consensus message with such a view is malformed."
            ),
            "entries taken back and written anew": (
                "After a rollback, entries have a greater view."
            ),
            "two primaries": "A view has one primary, and the IV contains the view.",
            "a snapshot taken twice": "Both snapshots have the same plaintext.",
            "a recovery": "A recovered service has a new secret, and skips views.",
            "a rekey": "The next entry after a rekey is encrypted with a new key.",
            "a hostile schedule": (
                "Simulations watch every encryption of every node, and fail if a "
                "key and an IV occur together twice."
            ),
            "a host that plays with a channel": (
                "Counters only grow, and each exchange has new keys."
            ),
            "two files of an index": (
                "A counter numbers the files, and the key belongs to this run of "
                "the node alone."
            ),
        },
    ),
    "ledger": (
        "The ledger and snapshots",
        {
            "an old snapshot with a newer ledger": (
                "The node continues to read the ledger from the snapshot, and "
                "recovers all entries to the ledger's end."
            ),
            "a snapshot older than what is there": (
                "The node refuses it, because entries between the snapshot and the "
                "ledger would be missing."
            ),
            "a snapshot whose tables a node cannot act upon": (
                "The node checks the tables of a snapshot as it checks those of "
                "entries, before it installs anything."
            ),
            "a snapshot of another service": (
                "The snapshot's signature must lead to the service that was pinned "
                "or recovered."
            ),
            "a snapshot without a receipt": "The node refuses the snapshot.",
            "a receipt of another seqno": (
                "The receipt's claims must be the digest of this very snapshot."
            ),
            "a damaged snapshot": (
                "The receipt's claims must be the digest of this very snapshot."
            ),
            "a ledger cut short, served to a joiner": (
                "A signature in the entries that a joiner receives also covers the "
                "entries that the joiner lacks. The joiner waits for these."
            ),
            "entries tampered with on their way to a backup": (
                "The tree's root differs from the signed root. The backup asks for "
                "the entries again."
            ),
            "a forked suffix in a recovery": (
                "Each signature covers the whole tree before it. A fork ends at its "
                "first signature, and all entries before the fork are recovered."
            ),
            "files in another order": "Each entry must have the next seqno.",
            "a file in place of another": "Each entry must have the next seqno.",
            "another service's file among ours": (
                "The node treats the file as missing, and says so."
            ),
            "a changed byte": (
                "AES-GCM detects the change at once, or the next signature does."
            ),
            "an end that is held back": (
                "Nobody could see this in one ledger alone. The node says where the "
                "ledger ends, so that operators can compare this seqno with other "
                "nodes'."
            ),
            "another service's ledger in a recovery": (
                "Members name the service that they lost. The proposal is refused."
            ),
            "another previous identity": (
                "Members name the service that they lost, and the proposal is "
                "refused. A snapshot of another service stops the node."
            ),
            "shares of an older secret": (
                "The key that the shares open must decrypt the ledger secrets. "
                "Members start over."
            ),
            "one share too few": "The service waits for one more share.",
            "one share twice": "The share counts once.",
            "a share for another member": (
                "The member whose share it is must sign the request."
            ),
            "a forged share": (
                "The key that the shares open must decrypt the ledger secrets."
            ),
            "an inner node of the tree, given as a leaf": (
                "A receipt proves a transaction by its commit evidence alone. "
                "`receipt verify` fails without commit evidence."
            ),
            "a receipt with the other form of a signature": (
                "The receipt proves the same transaction. Readers compare what "
                "receipts prove, never the bytes of receipts."
            ),
            "a receipt for a transaction that is not": (
                "A node returns receipts only for the view that wrote the transaction."
            ),
        },
    ),
    "gov": (
        "Governance",
        {
            "a proposal again": (
                "The service keeps the digests of the last hundred proposals, and "
                "refuses an older one."
            ),
            "a proposal again, with another signature that holds": (
                "The service remembers the signed content beside the signature. A "
                "second form of the signature, a second signature, or another "
                "unprotected header make no new proposal."
            ),
            "a proposal again, that a node of an earlier version took": (
                "The node of the earlier version remembered the signature. The "
                "service looks for both forms of it."
            ),
            "a proposal from outside the window": (
                "`created_at` is not earlier than in half of the member's last "
                "hundred proposals, and has ten digits at most. When the window "
                "forgets a request, the window forgets all requests of the same "
                "second."
            ),
            "a window that one member moves": (
                "Each member has a separate window. The times that one member signs "
                "do not affect how the service judges the proposals of another."
            ),
            "a proposal from the future": (
                "`created_at` may be ten minutes ahead of the node's clock "
                "(`created_at_tolerance`). A time in an old ledger that is further "
                "ahead does not count."
            ),
            "a proposal again, after the window was moved or the clock set back": (
                "While the window holds a time ahead of the clock, the service "
                "continues for each member from this member's last request in the "
                "ledger."
            ),
            "an action that a user signed, again": (
                "An app's log of actions also remembers the signed content."
            ),
            "an action that a user signed, from the future": (
                "The time of an action has the same bound as the time of a proposal."
            ),
            "an acknowledgement again": (
                "The service answers the recorded acknowledgement and does not "
                "write it again. It refuses an earlier one, and one with the other "
                "form of its signature."
            ),
            "a request for another proposal or voter": (
                "The signed header names the proposal and the member. The service "
                "compares both with the path."
            ),
            "a signature for another operation": (
                "The signature covers the type of the message."
            ),
            "another member's name": (
                "The key id leads to the certificate whose key must verify the "
                "signature."
            ),
            "a key id that nobody has": (
                "The service looks for the key id in members' certificates only."
            ),
            "an algorithm that is not the key's": (
                "The algorithm must be the one that belongs to the key's curve."
            ),
            "a label twice in one header": "Such a map is malformed.",
            "an unprotected header that overrides": (
                "The service refuses a label in both headers. Only protected "
                "headers count."
            ),
            "an unprotected header instead of a protected one": (
                "Only protected headers count."
            ),
            "a header that must be understood": (
                "The service refuses a message with `crit`."
            ),
            "a changed or detached content": (
                "The signature must cover exactly the content that was sent."
            ),
            "a signature of zeros, in DER, or none": (
                "A signature consists of two numbers in range, in one form."
            ),
            "bytes behind a message": "No byte may follow a message.",
            "nesting without end, lengths beyond memory": (
                "Nesting and lengths of CBOR are bounded."
            ),
            "a ballot of a removed member": "Only ballots of active members count.",
            "a vote before the acknowledgement": (
                "Only ballots of active members count."
            ),
            "a ballot that never ends": (
                "Time, heap and stack of scripts are bounded. The node serves other "
                "requests meanwhile."
            ),
            "a ballot that writes": "Ballots receive no function that writes.",
            "a ballot that reads what is private": "Ballots receive no private table.",
            "a constitution that never ends": (
                "A constitution has the same bounds as a ballot. The proposal "
                "fails, and the node serves other requests meanwhile."
            ),
            "a script as large as a request may be": (
                "The size of a request is bounded, and compiling a script has the "
                "same bounds as running it."
            ),
            "a text that hides a part of itself from members": (
                "`ccfpy gov show` writes each character that is not printable as an "
                "escape: controls, marks of direction, characters without width."
            ),
        },
    ),
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
        },
    ),
    "escape": (
        "Out of the closed enclave",
        {
            "a descriptor that a library left open": (
                "An enclave does not start with a descriptor that it does not know."
            ),
            "a file that a library shares its memory with": (
                "An enclave does not start with a memory mapping through which it "
                "could write a file."
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
    "applications": (
        "An application's own code",
        {
            "a handler without end": (
                "The node goes on without a slow handler. At the handler's limit, an "
                "exception ends the handler's own code, again and again if the handler "
                "continues."
            ),
            "a script without end": (
                "The node goes on without a slow script, which ends at its limit."
            ),
            "many handlers without end": (
                "The number of calls that may be slow at once is bounded. The node "
                "refuses further calls with 503, and serves its own endpoints."
            ),
            "handlers that hang": (
                "The node answers in the place of a handler that does not return. "
                "While too many handlers hang, the node refuses calls in Python with "
                "503, and serves scripts and its own endpoints."
            ),
            "a handler that asks the node without end": (
                "The node first finishes the call. The handler ends at the next "
                "line of its own code."
            ),
            "a handler that takes memory without end": (
                "At the limit of memory, an exception ends the handler's own code, as "
                "at the limit of time."
            ),
            "an answer that ends the process that writes it": (
                "The node measures the answer's size and depth before it writes the "
                "answer."
            ),
            "an answer that nobody can send": (
                "The node checks the answer before it sends the answer."
            ),
            "a handler that ends the program": (
                "Any exception of a handler is an error of one request."
            ),
            "a policy that strangers make slow": (
                "A policy has the limits of any call of the application's code, and "
                "is not called while too many calls are slow."
            ),
            "keys without end that a policy does not know": (
                "A policy writes nothing, and the node keeps nothing of the caller."
            ),
            "paths without end that no endpoint has": (
                "The default endpoint's policies come first; such paths count as one."
            ),
            "a private value in an exception": (
                "The caller receives an id, and the log says where the exception "
                "occurred. The log has the exception's text only if members decide "
                "so."
            ),
            "a stored value that cannot be read": (
                "The caller does not receive the text of the codec's error."
            ),
        },
    ),
    "traces": (
        "Traces",
        {
            "a collector that hangs": (
                "A thread of its own sends traces. A bounded number of them waits, and "
                "further ones are dropped and counted."
            ),
            "an app that names private text as the transaction": (
                "The trace names the transaction that the node itself committed, and "
                "reads no header of the answer."
            ),
        },
    ),
    "metrics": (
        "Metrics",
        {
            "an address that other machines reach, by mistake": (
                "The node refuses any address but loopback or a Unix socket, unless "
                "the operator adds a second option."
            ),
            "a private value in a label": (
                "A label is one of a fixed set, a part of a node's id, an interface's "
                "name, or an endpoint's path in the app's own declaration."
            ),
            "requests for metrics without end": (
                "A request, a connection's time and the number of connections are "
                "bounded. One collection serves all scrapes of a second."
            ),
        },
    ),
}
"""By a short name: the title of a part, and its attacks with the defence of each."""

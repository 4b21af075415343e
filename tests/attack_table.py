"""The attacks, part by part, each with what stops it."""

from collections.abc import Mapping

PARTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "join": (
        "Joining a service",
        {
            "evidence of another node's key": (
                "Evidence reports the digest of the key that the TLS connection proved."
            ),
            "another node's whole request, sent again": (
                "The same: the sender does not hold the key that is in it."
            ),
            "a certificate request for another key": (
                "Its key is compared with the one that the connection proved."
            ),
            "stale evidence": (
                "Certificates and what makers say of their machines have a time; it is "
                "the service's clock that counts."
            ),
            "a measurement that nobody allowed": (
                "Members list the code that may join; an empty list admits nobody."
            ),
            "host data that nobody allowed": "Members list it, as they list code.",
            "a processor or firmware that is out of date": (
                "Members say what is the least; what a maker signs says what there is."
            ),
            "a revoked machine": "News are kept: nobody can hide those that are known.",
            "an enclave that can be debugged": (
                "It is refused, unless members decide otherwise."
            ),
            "a maker that nobody knows": "A chain ends at a root that is known.",
            "evidence with a bit changed": "All of it is signed.",
            "evidence of two machines, mixed": (
                "A report is of the chip and version that its certificate says."
            ),
            "a policy that is empty": "It admits nobody.",
            "evidence of another platform": (
                "Each platform has lists of its own, and its own verifier."
            ),
            "evidence by keys that are dear to check with": (
                "The modulus and the exponent of a key are bounded wherever a chain is "
                "checked."
            ),
            "bytes that are no evidence": "They are refused, and the reason is logged.",
            "one key twice": "It is the same node, and learns how it stands.",
            "the key of a retired node": "It is refused: its key was given up.",
            "the address of another node": (
                "An address has one trusted node, and members are told when they trust "
                "a second."
            ),
            "the address of a node that waits to be trusted": (
                "It is free until a node is trusted with it."
            ),
            "a record as large as a request may be": (
                "Each field has a bound of its own, and is refused beyond it."
            ),
            "more nodes than anybody could want": (
                "So many wait and no more; the silent give way, one in 10 s."
            ),
            "all places taken, and asked for again and again": (
                "A node that a member's proposal names gets one at once, and keeps it."
            ),
            "asking a node that is not the primary": (
                "A backup enters nobody: it names the primary."
            ),
            "redirects without end": "They are followed so often and no further.",
            "an answer recorded for another node": (
                "It was encrypted for another connection: the call ends, and no more."
            ),
            "an answer after the join": "No call is open that it could belong to.",
            "secrets before members trust the node": (
                "A pending node is told its status and nothing else."
            ),
            "a new secret while the node is pending": (
                "A rekey encrypts it to trusted nodes alone."
            ),
            "an answer whose parts do not fit together": (
                "A joiner checks keys and certificates against what it pinned."
            ),
            "another service in place of the one that was meant": (
                "A joiner pins the service's certificate, and says nothing before."
            ),
            "a host that reads what a joiner is given": (
                "It is encrypted between the two nodes; no effect holds it."
            ),
        },
    ),
    "channel": (
        "Channels between nodes",
        {
            "consensus with values that no honest node sends": (
                "What a peer says is judged, never asserted: it is refused, and the "
                "node goes on."
            ),
            "an entry that writes what a node cannot act upon": (
                "Tables that the node itself acts upon are checked before the entry "
                "becomes part of its state; who sent it is logged."
            ),
            "a message again": "A nonce must be greater than the last.",
            "an older message after a newer one": "The same.",
            "a gap that stops a channel": "Nonces may jump forward; nobody waits.",
            "a message sent back": "Each direction has its own key.",
            "a changed message": "AES-GCM; and nothing has changed when it is refused.",
            "a recorded init": (
                "It is answered with a fresh share, and establishes nothing."
            ),
            "a recorded response": "It must sign the share of the exchange under way.",
            "a recorded final": "The same.",
            "a node's own init sent back": "Nobody makes a channel to itself.",
            "a message for a third node": "Keys are bound to both ids.",
            "an exchange spliced to a third node": (
                "Shares are signed, and keys bound to both ids: none is in common."
            ),
            "another kind of message": "The kind is authenticated with its length.",
            "the certificate of a retired node": (
                "Nodes that know of the retirement ignore the node."
            ),
            "the certificate of another service": "The service's key must have signed.",
            "another node's name": "An id is the digest of the certificate's key.",
            "a point that is not on the curve": "It is refused before it is used.",
            "one key for more messages than it may seal": (
                "Keys are renewed from half of the limit; at the limit all waits."
            ),
            "new keys while messages flow": "The old ones serve until both have new.",
            "strangers who fill the memory": "Channels that are kept have a bound.",
        },
    ),
    "nonce": (
        "One nonce for two plaintexts",
        {
            "a transaction and a snapshot of one seqno": (
                "The IV has the seqno, 31 bits of the view, and a bit for snapshots."
            ),
            "a view that does not fit": "It is refused, never cut.",
            "a view beyond the IV from another node": (
                "A message of consensus with such a view is malformed."
            ),
            "entries taken back and written anew": (
                "A rollback is followed by a greater view."
            ),
            "two primaries": "Each view has one; the view is in the IV.",
            "a snapshot taken twice": "It is the same plaintext.",
            "a recovery": "It has a new secret, and skips views.",
            "a rekey": "It begins a new key with its next entry.",
            "a hostile schedule": (
                "Simulations watch every encryption of every node: a key and IV serve "
                "once."
            ),
            "a host that plays with a channel": "Counters only grow; keys are new.",
            "two files of an index": "They are counted, under a key of this run alone.",
        },
    ),
    "ledger": (
        "The ledger and snapshots",
        {
            "an old snapshot with a newer ledger": (
                "The ledger is read on from the snapshot; what it ends with is back."
            ),
            "a snapshot older than what is there": (
                "It is refused: entries between the two would be missing."
            ),
            "a snapshot whose tables a node cannot act upon": (
                "They are checked as entries are, before anything is installed."
            ),
            "a snapshot of another service": (
                "Its signature must lead to the service that was pinned or recovered."
            ),
            "a snapshot without a receipt": "It is refused.",
            "a receipt of another seqno": (
                "The receipt's claims must be the digest of this very snapshot."
            ),
            "a damaged snapshot": "The same digest.",
            "a ledger cut short, served to a joiner": (
                "What a joiner lacks is signed over by what it is sent; it waits."
            ),
            "entries tampered with on their way to a backup": (
                "The tree's root would not be the signed one; they are asked for again."
            ),
            "a forked suffix in a recovery": (
                "Each signature is over the whole tree before it: a fork ends at its "
                "first signature, and all before is back."
            ),
            "files in another order": "A seqno must be the next.",
            "a file in place of another": "The same.",
            "another service's file among ours": "As if it were missing, and said.",
            "a changed byte": "It is found by the next signature, or by GCM at once.",
            "an end that is held back": (
                "Nobody could see it in one ledger alone: what it ends with is said, "
                "to be compared with other nodes'."
            ),
            "another service's ledger in a recovery": (
                "Members name the service they lost; the proposal is refused."
            ),
            "another previous identity": "The same; and a snapshot stops the node.",
            "shares of an older secret": (
                "What they open must decrypt the secrets; members start over."
            ),
            "one share too few": "The service waits.",
            "one share twice": "It counts once.",
            "a share for another member": "It must be signed by its member.",
            "a forged share": "What it opens must decrypt the secrets.",
            "an inner node of the tree, given as a leaf": (
                "A receipt proves a transaction by its commit evidence alone; "
                "`receipt verify` fails where there is none."
            ),
            "a receipt with the other form of a signature": (
                "It proves the same transaction: what is proved is compared, never a "
                "receipt's bytes."
            ),
            "a receipt for a transaction that is not": (
                "Receipts are given for the view that wrote a transaction alone."
            ),
        },
    ),
    "gov": (
        "Governance",
        {
            "a proposal again": (
                "The digests of the last hundred are kept; what is older is refused."
            ),
            "a proposal again, with another signature that holds": (
                "What was signed is remembered beside the signature: a second form of "
                "the signature, a second signature, or another unprotected header make "
                "no new proposal."
            ),
            "a proposal again, that a node of an earlier version took": (
                "That node remembered the signature: both of its forms are looked for."
            ),
            "a proposal from outside the window": (
                "`created_at` is not earlier than in half of the member's last "
                "hundred, and has ten digits at most; a second is forgotten whole."
            ),
            "a window that one member moves": (
                "Each member has a window of their own: whatever times one signs, the "
                "proposals of another are judged as if there were no other."
            ),
            "a proposal from the future": (
                "`created_at` may be ten minutes ahead of the node's clock "
                "(`created_at_tolerance`). What is further ahead in an old ledger does "
                "not count."
            ),
            "a proposal again, after the window was moved or the clock set back": (
                "While the window holds what is ahead of the clock, each member goes "
                "on from the last request of that member in the ledger."
            ),
            "an action that a user signed, again": (
                "An app's log of actions remembers what was signed, too."
            ),
            "an action that a user signed, from the future": (
                "Its time is bounded as that of a proposal."
            ),
            "an acknowledgement again": (
                "The recorded one is answered and not written again; an earlier one, "
                "or one with the other form of its signature, is refused."
            ),
            "a request for another proposal or voter": (
                "Both are in the signed header, and compared with the path."
            ),
            "a signature for another operation": "Its type is signed.",
            "another member's name": "The key id leads to the key that must hold.",
            "a key id that nobody has": "Only members' certificates are looked up.",
            "an algorithm that is not the key's": (
                "It must be the one that belongs to the key's curve."
            ),
            "a label twice in one header": "Such a map is malformed.",
            "an unprotected header that overrides": (
                "A label in both headers is refused; only protected ones count."
            ),
            "an unprotected header instead of a protected one": (
                "Only protected ones count."
            ),
            "a demand to be understood": "`crit` is refused.",
            "a changed or detached content": "Exactly what was sent must be signed.",
            "a signature of zeros, in DER, or none": "It has two numbers in range.",
            "bytes behind a message": "Nothing may follow.",
            "nesting without end, lengths beyond memory": "CBOR has bounds.",
            "a ballot of a removed member": "Only active members count.",
            "a vote before the acknowledgement": "The same.",
            "a ballot that never ends": "Scripts have a time, a heap and a stack.",
            "a ballot that writes": "Ballots are given no writing functions.",
            "a ballot that reads what is private": "Nor private tables.",
            "a constitution that never ends": (
                "It has the same bounds; the proposal fails and the node serves on."
            ),
            "a script as large as a request may be": (
                "A request has a bound, and compiling has those of running."
            ),
        },
    ),
    "http": (
        "HTTP/1: requests that two readers might read differently",
        {
            "a body beyond the limit": "413 as soon as it is, and the session ends.",
            "requests made of the documents, valid and not, as every kind of caller": (
                "Each answer is one that the document allows; what does not fit is the "
                "caller's fault, and none is the service's."
            ),
            "a header beyond the limit": "431, and the session ends.",
            "too many headers": "The same.",
            "headers that are large together": "The same, beyond 128 KiB.",
            "a head that never ends": "It is refused before it is held.",
            "more sessions than an interface takes": (
                "503 beyond the soft cap, a closed connection beyond the hard one."
            ),
            "lenient parsing for clients": (
                "There is one parser, and it is strict; forwarded requests are written "
                "anew."
            ),
            "a length and a coding": "400, and the session ends, as for all below.",
            "a coding that does not end in chunked": "400.",
            "a coding besides chunked": "400.",
            "a coding in a version that has none": "400: its reader would see no end.",
            "two lengths": "400, also if they agree.",
            "a length with a sign, a prefix, blanks or too many digits": "400.",
            "a bare carriage return": "400.",
            "a bare line feed": "400.",
            "a blank before the colon": "400.",
            "a folded line": "400.",
            "a NUL or another control character": "400.",
            "a name that is no token": "400.",
            "a chunk size that is none, or too large": "400.",
            "a chunk extension with something in it": "400.",
            "a chunk that ends elsewhere": "400.",
            "trailers that smuggle": "Trailers are checked and dropped.",
            "no Host": "As in CCF it may be missing: no answer depends on it.",
            "two Hosts": "400.",
            "a target that names another host": "400.",
            "a request behind an error": "It is never read.",
            "a body behind an upgrade": "400: its end cannot be known.",
            "a version that is not spoken": "400.",
            "a line with other blanks": "400.",
            "bytes that are no HTTP": "400 at the first that cannot be.",
            "a request cut in any way": "It reads the same however it is cut.",
            "a request that another parser reads differently": (
                "What is taken is read alike by an independent parser."
            ),
            "a header that begins another line": "It is never written.",
        },
    ),
    "http2": (
        "HTTP/2",
        {
            "rapid reset": (
                "A withdrawn request costs ten frames of a store that answers refill."
            ),
            "a flood of CONTINUATION": "Headers have a bound before they are read.",
            "an HPACK bomb": "All headers of a request have a bound together.",
            "a table as large as the peer likes": "Ours has none, whatever it asks.",
            "a flood of SETTINGS": "Frames that ask for nothing are counted.",
            "a flood of PING": "The same.",
            "a flood of empty frames": "The same.",
            "a window that never opens": "Answers that wait have a bound, then time.",
            "a window that opens byte by byte": "Frames are counted.",
            "windows so huge that nothing is ever waited for": (
                "A client shows that it reads before more is sent."
            ),
            "more streams than were allowed": "The connection ends.",
            "bodies that never end": "Each has its bound, and so have all together.",
            "a frame beyond the limit": "It is refused at its head.",
            "another length than was said": "The connection ends.",
            "a connection header, or one in capitals": "The connection ends.",
        },
    ),
    "slow": (
        "Clients that never end what they begin",
        {
            "a connection without a handshake": "30 s, whatever is said meanwhile.",
            "a handshake byte by byte": "The same.",
            "a record byte by byte": "The same.",
            "a head that goes on": "30 s, and a second for each KiB.",
            "empty lines for ever": "The same.",
            "a body byte by byte": "The same.",
            "a body in tiny chunks": "The same.",
            "an HTTP/2 preface, frame or headers byte by byte": "The same.",
            "a stream byte by byte": "The same.",
            "an answer that is never read": "The same; beneath TLS the host sees it.",
            "a connection that is idle": "The host ends it.",
        },
    ),
    "escape": (
        "Out of the closed enclave",
        {
            "a descriptor that a library left open": (
                "An enclave does not start with a descriptor that it does not know."
            ),
            "a file that a library shares its memory with": (
                "Nor with a mapping through which it could write."
            ),
        },
    ),
    "fairness": (
        "Clients that ask for more than their share",
        {
            "thousands of requests at once": (
                "A step answers 64, shared among the connections that wait."
            ),
            "more connections than a step has turns": "They have theirs in the next.",
            "a thousand handshakes at once": (
                "A step takes 8; requests of others wait for none of them."
            ),
            "many streams at once": "A connection has one turn a step, as others have.",
            "unfinished requests on many connections": (
                "128 MiB of all; beyond it the largest ends with 503."
            ),
            "many connections from one address": (
                "A cap that operators set (`max_open_sessions_per_address`)."
            ),
            "large bodies, time and again": (
                "Their memory goes back to the system: nothing is left of it in pieces."
            ),
            "answers that nobody reads": (
                "Beyond 256 KiB the connection is served and read no further; 30 s "
                "later it ends, and the log says for what."
            ),
        },
    ),
    "tls": (
        "TLS",
        {
            "an older version": "1.2 and 1.3 alone are spoken.",
            "a client's certificate without its key": "Each handshake proves the key, "
            "whatever becomes of the certificate.",
            "a chain of certificates that are dear to check": (
                "None of a client's chain is checked, since nobody vouches for it; its "
                "length is bounded."
            ),
            "a client's certificate of a key that is dear to check": (
                "The sizes of its modulus and its exponent are bounded."
            ),
            "a handshake that goes on and on": "Its bytes are bounded.",
            "a weak suite": "AES-GCM with ECDHE alone, held against all of OpenSSL's.",
            "another curve": "P-256, P-384 and P-521 alone.",
            "a client that prefers the weaker suite": "The server's order counts.",
            "renegotiation": "It is refused.",
            "resumption": "Nothing is resumed; there are no tickets.",
            "compression": "None is agreed on.",
            "a heartbeat": "None is agreed on.",
            "a fallback that was provoked": "It is noticed where it could matter.",
            "a handshake message larger than any": "It is refused at its head.",
            "a flood of warnings": "The connection ends.",
            "a changed record": "The connection ends.",
            "a record again, or in another session": "The same.",
            "bytes that are no TLS": "The connection ends with an alert.",
            "a server that is not the service's": "Clients pin the service.",
            "a client's certificate that is another's": (
                "The handshake proves the key; a policy knows the certificate."
            ),
        },
    ),
    "jwt": (
        "Bearer tokens",
        {
            "no algorithm": "RS256 and ES256 alone are known.",
            "an HMAC under the public key": "The same.",
            "an algorithm that is not the key's": "It is pinned to the key.",
            "a key that is dear to check with": (
                "The sizes of its modulus and its exponent are bounded."
            ),
            "a key that the token brings": "Keys are those that governance knows.",
            "a place to fetch keys from": "Nobody is asked for what a token names.",
            "a critical header": "`crit` is refused.",
            "a member twice": "The last counts, for our checks and for applications.",
            "another spelling of its base64": "Only the canonical one is taken.",
            "too few or too many parts": "There are three.",
            "a missing header or claim": "`alg`, `kid`, `exp` and `iss` must be there.",
            "a signature in DER": "P1363 alone, of one length.",
            "a signature of zeros": "Both numbers must be in range.",
            "numbers in place of which others stand": (
                "r and s are below the order, and not zero."
            ),
            "a token out of date": "`nbf` and `exp` are held to the host's clock.",
            "another issuer's key of the same id": (
                "Whose key holds decides; its constraint must allow the issuer."
            ),
            "an issuer that speaks for another": (
                "A constraint is on the issuer's domain or a parent."
            ),
            "another tenant": "Entra's `tid` must be the one in the issuer.",
            "a key that is no longer published": "A refresh replaces an issuer's keys.",
            "a private key in a key set": "It is refused: any reader could sign.",
            "an oversized or tiny key": "RSA keys have 2048 to 16384 bits.",
            "a key of another kind": "It signs no tokens.",
            "an issuer whose server is another's": (
                "The issuer's bundle of authorities vouches for it, and its name."
            ),
            "an answer of an issuer without end": "It has a bound.",
            "nesting without end": "JSON has a depth.",
        },
    ),
    "applications": (
        "An application's own code",
        {
            "a handler without end": (
                "A watchdog ends it in its own line, and again where it goes on."
            ),
            "a handler that asks the node without end": (
                "What it asked is finished first; it ends at its own next line."
            ),
            "a handler that takes memory without end": "The same.",
            "an answer that ends the process that writes it": (
                "Its size and depth are counted before it is written."
            ),
            "an answer that nobody can send": "It is looked at before it is sent.",
            "a handler that ends the program": (
                "Whatever it raises is an error of one request."
            ),
            "a private value in an exception": (
                "Callers learn an id, and the log where it was; members alone have its "
                "text logged."
            ),
            "a stored value that cannot be read": (
                "Its codec's words are not the caller's to read."
            ),
        },
    ),
}
"""By a short name: what a part is called, and its attacks with what stops each."""

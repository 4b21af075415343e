"""The attacks of those who run machines: nodes, hosts, files and networks."""

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
            "an address that is none": (
                "An address is a name or a number, and a port. The service refuses "
                "any other text, and so do tools that read a list of nodes."
            ),
            "an address at which a stranger waits for operators": (
                "Tools neither contact nor remember a node that is not trusted."
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
}

"""The attacks on governance, of members and of those who have what members signed."""

from collections.abc import Mapping

PARTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
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
                "`ccfpy gov show` and the console write each character that a reader "
                "does not see as itself by its code point, in brackets that no text "
                "can write: controls, marks of direction, what has no width or looks "
                "empty. They count long runs of blanks."
            ),
            "a text that looks like another to members": (
                "Letters that look like others are written by their code points, in "
                "words of several scripts and in words of nothing else, by Unicode's "
                "data on what is confusable."
            ),
            "code between the lines of a certificate": (
                "Certificates and keys are decoded where an argument or a table has "
                "nothing else, and never in programs. Whether something changes is "
                "decided by its bytes."
            ),
            "a proposal that the engine reads and members' tools do not": (
                "Nothing of it is guessed: `ccfpy gov show` and the console say in "
                "red that it cannot be shown, the console offers no vote, and "
                "`ccfpy gov vote` asks for `--unseen`."
            ),
            "another proposal is accepted while a member reads one": (
                "What would come of a proposal is found out again when the state "
                "changes, and once more before a vote is signed. If it is another, "
                "nothing is signed, and what is different is shown."
            ),
            "a constitution among two hundred harmless actions": (
                "Actions are named by how much they put at stake, the worst first, in "
                "the title and among the warnings."
            ),
            "a constitution under which one member decides alone, or nobody": (
                "The proposed constitution is run over proposals made up for that, and "
                "who would decide is said first."
            ),
            "another recovery key for a living member": (
                "What would be written is compared with what the member has, and the "
                "title says that a living member's keys are replaced."
            ),
            "a proposer's words in the place of a judgement": (
                "Names, summaries and errors are quoted apart from what is said of "
                "them, between brackets or behind a bar that no text can write."
            ),
            "a ballot that decides otherwise when it is counted again": (
                "Only a ballot that always says the same is called in favour or "
                "against. Any other is shown as the script that it is."
            ),
            "compiled code that is not what its text gives": (
                "Each module is compiled again and compared. Where the compiled form "
                "is another, the title says so."
            ),
            "a change in a line too long to read": (
                "What differs within a line stands in brackets of its own, with "
                "what is around it. A program of long lines is also laid out."
            ),
        },
    ),
}

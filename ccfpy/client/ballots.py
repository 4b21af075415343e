"""Ballots: scripts that say yes or no to a proposal each time it is counted.

A signed ballot names its proposal by an id, which a member cannot compute from what the
member read. A service that lies may show one proposal under the id of another. A bound
ballot therefore holds the SHA-256 of the text that its member read. The ballot says yes
to that text alone, whatever the service counts it for.
"""

from ccfpy.crypto.hashing import sha256

ACCEPT = "export function vote (proposal, proposer_id) { return true }"
"""The ballot that says yes to whatever is proposed."""
REJECT = "export function vote (proposal, proposer_id) { return false }"
"""The ballot that says no to whatever is proposed."""

_BOUND = """\
export function vote (proposal, proposer_id) {{
  const digest = ccf.crypto.digest("SHA-256", ccf.strToBuf(proposal));
  const bytes = Array.from(new Uint8Array(digest));
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0"));
  return hex.join("") === "{digest}";
}}
"""


def side_of(ballot: str, proposal: bytes) -> bool | None:
    """Return what a ballot says, if the ballot is one that this client makes.

    A ballot is a script, and others may say anything: what those say takes a run of
    the script to find out, which nothing here does.

    Args:
        ballot: the script.
        proposal: the bytes that the ballot is counted for.
    """
    if ballot == REJECT:
        return False
    return True if ballot in (ACCEPT, bound_ballot(proposal)) else None


def text_digest(proposal: bytes) -> str:
    """Return the SHA-256 of a proposal's text, as hex.

    Args:
        proposal: the proposal as its proposer signed it. The constitution gets it as
            text: bytes that are no UTF-8 are replaced there, and so here.
    """
    return sha256(proposal.decode(errors="replace").encode()).hex()


def bound_ballot(proposal: bytes, *, approve: bool = True) -> str:
    """Return a ballot that says yes to one text only.

    The same arguments give the same ballot, so that it can be submitted again.

    Args:
        proposal: the bytes that the member read.
        approve: whether the member agrees. A ballot against a proposal says no to
            every text, and need not be bound.
    """
    return _BOUND.format(digest=text_digest(proposal)) if approve else REJECT

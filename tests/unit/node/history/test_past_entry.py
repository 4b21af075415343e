"""The proof that an entry from the host is the right one."""

import pytest

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import TxId
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.node.history.fetch import PastEntry
from tests.unit.node.history.world import Story

ENTRY = TxId(2, 3)


def _story(text: str = "text", *, view: int = 2) -> Story:
    story = Story()
    story.ledger.view = view
    story.say(text)
    story.sign()
    return story


STORY = _story()
SECRETS = LedgerSecrets(STORY.secrets.items())
DATA = STORY.ledger.entries[ENTRY.seqno - 1].data
NO_TREE = MerkleTree.deserialise(STORY.ledger.tree.serialise(4))


def _open(data: bytes, *, tree: MerkleTree = NO_TREE) -> PastEntry:
    return PastEntry.open(data, ENTRY, SECRETS, tree)


def test_the_right_entry_opens() -> None:
    entry = _open(DATA, tree=STORY.ledger.tree)

    assert not entry.is_signature
    assert entry.writes() == {
        "messages": {b"1": b"text"},
        "public:log": {b"1": b"x"},
    }
    assert entry.leaf == STORY.ledger.tree.leaf(ENTRY.seqno)
    evidence = entry.commit_evidence()
    assert evidence is not None
    assert evidence.startswith(b"ce:2.3:")


def test_a_signature_is_told_from_other_entries() -> None:
    data = STORY.ledger.entries[3].data
    entry = PastEntry.open(data, TxId(2, 4), SECRETS, NO_TREE)

    assert entry.is_signature
    assert entry.writes() == entry.public_writes


@pytest.mark.parametrize("at", range(len(DATA)))
def test_no_byte_of_it_may_differ(at: int) -> None:
    changed = bytearray(DATA)
    changed[at] ^= 1
    # The flags are not sealed; only the tree binds them.
    is_flags = at == 1

    with pytest.raises(CcfpyError):
        _open(bytes(changed), tree=STORY.ledger.tree if is_flags else NO_TREE)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (STORY.ledger.entries[1].data, "claims to be 3 but is actually 2.2"),
        (STORY.ledger.entries[3].data, "claims to be 3 but is actually 2.4"),
        (
            _story(view=3).ledger.entries[2].data,
            "comes from a fork: it contains 3.3 but this service expected 2.3",
        ),
        (DATA[:-1], "bytes"),
        (b"", "0"),
        (DATA + DATA, "bytes"),
    ],
    ids=["before", "after", "fork", "cut", "empty", "doubled"],
)
def test_another_entry_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(CcfpyError, match=says):
        _open(data)


def test_an_entry_of_another_service_is_refused() -> None:
    foreign = Story()
    foreign.ledger.secret = LedgerSecret(raw=b"?" * 32)
    foreign.say("text")

    with pytest.raises(CcfpyError):
        _open(foreign.ledger.entries[2].data)


def test_one_sealed_in_the_same_place_is_refused_by_the_tree() -> None:
    """It would take a trusted node that breaks the rules, and still be found out."""
    other = _story("other").ledger.entries[2].data
    assert _open(other).writes()["messages"] == {b"1": b"other"}

    with pytest.raises(CcfpyError, match="not the one that this node took there"):
        _open(other, tree=STORY.ledger.tree)


def test_without_a_secret_it_is_only_known_what_it_claims() -> None:
    entry = PastEntry.open(DATA, ENTRY, None, NO_TREE)

    assert entry.secrets is None
    assert entry.public_writes == {"public:log": {b"1": b"x"}}

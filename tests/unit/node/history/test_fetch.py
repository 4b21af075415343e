"""Entries are fetched and verified, and it is known where signatures are."""

from dataclasses import dataclass, field
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import Seqno, TxId
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.node.history.fetch import EntryFetcher, PastEntry, SignatureIndex
from ccfpy.node.replication.ledger_tail import RecentLedger
from tests.unit.node.history.world import Story, World


@dataclass(eq=False)
class Reader:
    """Needs one entry after another.

    Attributes:
        found: what it has got.
        reasons: why it did not get others.
    """

    pool: EntryFetcher
    wants: list[Seqno]
    found: list[Seqno] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def need(self, *, searches: bool = False) -> None:
        self.pool.block(self, self.wants[0], searches=searches)

    def advance(self) -> None:
        entry = self.pool.take(self.wants.pop(0))
        assert entry is not None
        self.found.append(entry.transaction.txid.seqno)
        if self.wants:
            self.need()

    def lost(self, reason: str) -> None:
        self.reasons.append(reason)


def _world(count: int = 400) -> World:
    story = Story()
    story.say(*["text"] * count)
    story.sign()
    return World(story)


def _needing(world: World, *wants: Seqno) -> list[Reader]:
    readers = [Reader(world.cache.pool, [want]) for want in wants]
    for reader in readers:
        reader.need()
    return readers


def test_a_stretch_is_read_a_bounded_number_of_entries_at_a_time() -> None:
    world = _world()
    size = limits.HISTORY_ENTRIES_PER_READ
    readers = _needing(world, *range(1, 2 * size + 2))

    world.work()

    assert world.read == [(1, size), (size + 1, 2 * size), (2 * size + 1,) * 2]
    assert all(reader.found == [at] for at, reader in enumerate(readers, 1))


def test_only_so_many_reads_are_under_way() -> None:
    world = _world()
    step = limits.HISTORY_GAP_ENTRIES_MAX + 1
    wants = range(1, 20 * step, step)
    readers = _needing(world, *wants)

    world.cache.work()
    assert len(world.take_reads()) == limits.HISTORY_READS_MAX
    # Until they are answered no more are asked for.
    world.cache.work()
    assert not world.take_reads()
    assert not any(reader.found for reader in readers)


def test_a_small_gap_is_read_over_and_a_large_one_is_not() -> None:
    world = _world()
    near = 1 + limits.HISTORY_GAP_ENTRIES_MAX
    far = near + limits.HISTORY_GAP_ENTRIES_MAX + 1
    _needing(world, 1, near, far)

    world.work()

    assert world.read == [(1, near), (far, far)]


def test_a_search_reads_on() -> None:
    world = _world(10)
    reader = Reader(world.cache.pool, [3])
    reader.need(searches=True)

    world.work()

    assert world.read == [(3, world.story.last)]
    assert reader.found == [3]


def test_what_a_search_passes_is_not_opened() -> None:
    """It is looked at alone, and so whatever is there does not keep it."""
    world = _world(10)
    world.lies[5] = b"?"
    reader = Reader(world.cache.pool, [3])
    reader.need(searches=True)

    world.work()

    assert reader.found == [3]
    assert not world.complaints()


def test_a_search_reads_more_at_once_but_not_without_end() -> None:
    story = Story()
    story.say(*["text"] * (limits.HISTORY_ENTRIES_PER_SEARCH + 10))
    story.sign()
    world = World(story)
    world.cache.state_at("far", 3)

    world.work()

    assert world.read == [
        (3, 3),
        (4, 3 + limits.HISTORY_ENTRIES_PER_SEARCH),
        (4 + limits.HISTORY_ENTRIES_PER_SEARCH, story.last),
    ]
    assert world.cache.state_at("far", 3) is not None


def test_several_may_need_the_same_entry() -> None:
    world = _world()
    readers = _needing(world, 3, 3, 3)

    world.work()

    assert world.read == [(3, 3)]
    assert [reader.found for reader in readers] == [[3]] * 3


def test_one_need_may_lead_to_the_next() -> None:
    world = _world()
    reader = Reader(world.cache.pool, [5, 300, 7])
    reader.need()

    world.work()

    assert reader.found == [5, 300, 7]


def test_what_nobody_needs_any_more_is_not_read() -> None:
    world = _world()
    kept, dropped = _needing(world, 5, 300)
    world.cache.pool.release(dropped)
    world.cache.pool.release(dropped)

    world.work()

    assert world.read == [(5, 5)]
    assert (kept.found, dropped.found) == ([5], [])


def test_others_still_get_what_one_does_not_need_any_more() -> None:
    world = _world()
    kept, dropped = _needing(world, 5, 5)
    world.cache.pool.release(dropped)

    world.work()

    assert (kept.found, dropped.found) == ([5], [])


def test_what_is_dropped_while_it_is_read_is_of_no_use() -> None:
    world = _world()
    (reader,) = _needing(world, 5)
    world.cache.work()
    (asked,) = world.take_reads()
    world.cache.pool.release(reader)
    world.answer(asked)

    assert not reader.found
    assert not reader.reasons


def test_a_host_that_gives_fewer_is_asked_for_the_rest() -> None:
    world = _world()
    world.per_answer = 3
    readers = _needing(world, *range(1, 9))

    world.work()

    assert world.read == [(1, 8), (4, 8), (7, 8)]
    assert all(reader.found for reader in readers)


def test_an_entry_that_the_host_has_not_is_lost_and_no_other() -> None:
    world = _world()
    world.lies[2] = None
    readers = _needing(world, 1, 2, 3)

    world.work()

    assert [reader.found for reader in readers] == [[1], [], [3]]
    assert readers[1].reasons == ["the host has no entry 2"]


def test_a_corrupt_entry_is_lost_and_no_other() -> None:
    world = _world()
    world.lies[2] = world.entries[1]
    readers = _needing(world, 1, 2, 3)

    world.work()

    assert [reader.found for reader in readers] == [[1], [], [3]]
    assert readers[1].reasons == ["the host gave a corrupt entry 2"]
    assert world.complaints() == [
        (
            "Corrupt ledger entry received for seqno 2: it claims to be 2 but is "
            "actually 2.1"
        )
    ]


def test_what_was_just_committed_is_in_memory() -> None:
    world = _world(10)
    pool = world.cache.pool
    assert pool.take(3) is None
    world.tail.settled_recent().rollback(2)
    for seqno in range(3, world.story.last + 1):
        world.tail.settled_recent().append(world.entries[seqno])

    entry = pool.take(3)

    assert entry is not None
    assert entry.transaction.txid.seqno == 3


def test_when_others_read_too_much_it_waits_its_turn() -> None:
    world = _world()
    taken: list[object] = []
    for _ in range(limits.LEDGER_READS_MAX):
        world.reads.read(1, 1, then=taken.append)
    (reader,) = _needing(world, 5)
    world.cache.work()
    asked = world.take_reads()
    assert len(asked) == limits.LEDGER_READS_MAX

    for effect in asked:
        world.answer(effect)
    world.work()

    assert reader.found == [5]
    assert len(taken) == limits.LEDGER_READS_MAX


def test_somebody_needs_one_entry_at_a_time() -> None:
    world = _world()
    (reader,) = _needing(world, 5)
    with pytest.raises(AssertionError):
        world.cache.pool.block(reader, 6)


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


OWN_SINCE = 20


def _index(*own: int) -> SignatureIndex:
    recent = RecentLedger()
    recent.begin_after(OWN_SINCE - 1)
    for seqno in own:
        recent.signed(seqno)
    return SignatureIndex(lambda: recent)


def test_of_this_run_all_signatures_are_known() -> None:
    index = _index(22, 25)

    assert index.covering(20) == (22, True)
    assert index.covering(22) == (22, True)
    assert index.covering(23) == (25, True)
    assert index.knows(20)
    assert not index.knows(19)


def test_before_it_one_looks_on_from_where_nothing_is_known() -> None:
    index = _index(22)
    assert index.covering(5) == (5, False)

    index.examined(5, is_signature=False)
    index.examined(6, is_signature=False)
    assert index.covering(5) == (7, False)
    assert index.covering(7) == (7, False)

    index.examined(7, is_signature=True)
    assert index.covering(5) == (7, True)


def test_a_search_ends_at_this_runs_first_signature() -> None:
    index = _index(22)
    index.examined(19, is_signature=False)

    assert index.covering(19) == (22, True)


def test_a_signature_beyond_a_gap_does_not_count() -> None:
    index = _index(22)
    index.examined(5, is_signature=False)
    index.examined(7, is_signature=True)
    assert index.covering(5) == (6, False)

    index.examined(6, is_signature=True)
    assert index.covering(5) == (6, True)


def test_a_doubted_stretch_is_forgotten_and_no_other() -> None:
    index = _index(22)
    for seqno in (3, 4, 6, 7, 8):
        index.examined(seqno, is_signature=seqno in (4, 8))
    index.forget(7)
    index.forget(12)
    index.forget(21)

    assert index.covering(3) == (4, True)
    assert index.covering(6) == (6, False)
    assert index.covering(21) == (22, True)
    index.examined(6, is_signature=False)
    assert index.covering(6) == (7, False)


def test_all_is_forgotten_when_it_is_too_much() -> None:
    recent = RecentLedger()
    recent.begin_after(10**9)
    index = SignatureIndex(lambda: recent)
    for seqno in range(limits.SIGNATURES_FOUND_MAX):
        index.examined(seqno + 1, is_signature=True)
    assert index.covering(1) == (1, True)

    index.examined(limits.SIGNATURES_FOUND_MAX + 1, is_signature=True)

    assert index.covering(1) == (1, False)
    last = limits.SIGNATURES_FOUND_MAX + 1
    assert index.covering(last) == (last, True)


@pytest.mark.parametrize("signatures", [(), (1,), (3,), (2, 4), (5,)])
def test_in_whatever_order_entries_are_looked_at_no_gap_is_jumped(
    signatures: tuple[int, ...],
) -> None:
    """All orders of all choices among five entries, and what is known after each."""
    for count in range(1, 6):
        for looked_at in permutations(range(1, 6), count):
            index = _index(OWN_SINCE)
            for at in looked_at:
                index.examined(at, is_signature=at in signatures)
            for seqno in range(1, 7):
                at = seqno
                while at in looked_at and at not in signatures:
                    at += 1
                assert index.covering(seqno) == (at, at in looked_at), looked_at


@given(
    st.sets(st.integers(1, OWN_SINCE - 1)),
    st.lists(st.integers(1, OWN_SINCE - 1), max_size=40),
    st.integers(1, OWN_SINCE + 5),
)
def test_what_it_says_is_what_looking_at_each_entry_would_say(
    signatures: set[int], looked_at: list[int], seqno: int
) -> None:
    index = _index(OWN_SINCE + 2, OWN_SINCE + 6)
    for at in looked_at:
        index.examined(at, is_signature=at in signatures)

    known = {*looked_at, *range(OWN_SINCE, OWN_SINCE + 7)}
    found = {*signatures, OWN_SINCE + 2, OWN_SINCE + 6}
    at = seqno
    while at in known and at not in found:
        at += 1
    assert index.covering(seqno) == (at, at in known)

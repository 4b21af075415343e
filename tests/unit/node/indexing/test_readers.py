"""Two readers of the committed ledger: one verifies few signatures, one reads ahead."""

from collections.abc import Sequence

import pytest

from ccfpy.base import limits
from ccfpy.base.ids import Seqno, TxId
from ccfpy.crypto.certs import Certificate
from ccfpy.endpoints.history import HistoryFailed
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.ledger.tx_receipt import SignatureTransaction
from ccfpy.node.indexing.indexer import STRETCHES, ChainReader, PastReader, ReadEntry
from tests.unit.ledger.made import SECOND
from tests.unit.ledger.sealed import seal
from tests.unit.node.history.world import Story, World, recovered
from tests.unit.node.indexing.reading import long_story


def read_on(world: World, reader: ChainReader, first: Seqno) -> list[ReadEntry]:
    """Read to the end of the ledger."""
    entries: list[ReadEntry] = []
    while first <= world.story.last:
        given = reader.read(first, world.story.last)
        if given is None:
            assert world.turn(), "nothing is on its way"
            continue
        entries += given
        first = entries[-1].txid.seqno + 1
    return entries


def seqnos(entries: Sequence[ReadEntry]) -> list[Seqno]:
    return [entry.txid.seqno for entry in entries]


def whole(story: Story) -> list[Seqno]:
    return list(range(1, story.last + 1))


def far_behind(story: Story) -> World:
    """Return a node in whose own tree nothing of the ledger is."""
    return World(story, has_tree=False)


def test_all_is_given_in_order_as_it_was_written() -> None:
    story = recovered()
    story.rekey()
    story.say("after")
    story.sign()
    world = far_behind(story)
    entries = read_on(world, ChainReader(world.cache), 1)
    assert seqnos(entries) == whole(story)
    secrets = LedgerSecrets(story.secrets.items())
    for entry, made in zip(entries, story.ledger.entries, strict=True):
        assert entry.txid == world.log.tx_id(entry.txid.seqno)
        assert entry.writes == Transaction.parse(made.data).writes(secrets)


def test_a_node_that_was_given_the_latest_secret_alone_reads_all() -> None:
    story = long_story(3)
    story.rekey()
    story.say("after")
    story.sign()
    version, latest = max(story.secrets.items(), key=lambda item: item[0])
    world = World(story, secrets={version: latest})
    assert seqnos(read_on(world, ChainReader(world.cache), 1)) == whole(story)


def test_nothing_is_given_before_a_signature_proves_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "HISTORY_ENTRIES_PER_READ", 3)
    story = long_story(10)
    world = World(story)
    reader = ChainReader(world.cache)
    while reader.read(1, story.last) is None:
        assert world.turn()
    assert max(last for _, last in world.read) == story.last


def test_one_signature_proves_all_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "INDEX_ENTRIES_PER_READ", 1000)
    story = Story()
    story.open()
    for _ in range(20):
        story.say("text")
        story.sign()
    world = far_behind(story)
    checked: list[TxId] = []
    coverings = world.cache.coverings
    check = coverings.check_signers

    def note(signed: SignatureTransaction, service: Certificate) -> None:
        checked.append(signed.txid)
        check(signed, service)

    monkeypatch.setattr(coverings, "check_signers", note)
    read_on(world, ChainReader(world.cache), 1)
    assert checked == [world.log.tx_id(story.last)]


def test_no_more_than_a_stretch_is_given_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "INDEX_ENTRIES_PER_READ", 4)
    story = long_story(10)
    world = World(story)
    reader = ChainReader(world.cache)
    first, sizes = 1, []
    while first <= story.last:
        given = reader.read(first, story.last)
        if given is None:
            assert world.turn()
            continue
        sizes.append(len(given))
        first += len(given)
    assert max(sizes) == 4
    assert sum(sizes) == story.last


def test_who_stops_goes_on_after_what_was_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "INDEX_ENTRIES_PER_READ", 4)
    story = long_story(10)
    world = World(story)
    reader = ChainReader(world.cache)
    assert reader.read(1, story.last) is None
    reader.stop()
    reader.stop()
    world.work()
    while (given := reader.read(1, story.last)) is None:
        assert world.turn()
    assert seqnos(given) == [1, 2, 3, 4]
    reader.stop()
    assert not reader.can_read(6)
    assert seqnos(read_on(world, reader, 5)) == whole(story)[4:]


def test_who_lost_what_it_learnt_begins_again() -> None:
    story = long_story(3)
    world = World(story)
    reader = ChainReader(world.cache)
    read_on(world, reader, 1)
    assert reader.can_read(1)
    assert seqnos(read_on(world, reader, 1)) == whole(story)


def test_the_host_may_give_fewer_than_it_was_asked_for() -> None:
    story = long_story(10)
    world = World(story)
    world.per_answer = 2
    assert seqnos(read_on(world, ChainReader(world.cache), 1)) == whole(story)


# A host that lies


def fails(world: World, reader: ChainReader) -> str:
    """Read until it is said that it cannot be done."""
    with pytest.raises(HistoryFailed) as failure:
        read_on(world, reader, 1)
    assert not world.take_reads()
    return str(failure.value)


@pytest.mark.parametrize("is_in_own_tree", [True, False])
def test_no_lie_is_given_and_the_truth_is_taken_later(*, is_in_own_tree: bool) -> None:
    story = long_story(6)
    for seqno in whole(story):
        for at in (0, 20, -1):
            world = World(story) if is_in_own_tree else far_behind(story)
            reader = ChainReader(world.cache)
            data = bytearray(world.entries[seqno])
            data[at] ^= 1
            world.lies[seqno] = bytes(data)
            assert fails(world, reader) == f"the host gave a corrupt entry {seqno}"
            reader.stop()
            world.lies.clear()
            assert seqnos(read_on(world, reader, 1)) == whole(story)


def test_what_the_host_does_not_have_cannot_be_had() -> None:
    world = World(long_story(6))
    world.lies[1] = None
    reader = ChainReader(world.cache)
    assert fails(world, reader) == "the host has no entry 1"


def forged(story: Story, seqno: Seqno, view: int = 2) -> bytes:
    """Seal another entry in that place, as an owner of the ledger secret could."""
    secrets = LedgerSecrets(story.secrets.items())
    txid = TxId(view, seqno)
    return seal(secrets.at(seqno), txid, {"public:any": {b"k": b"forged"}}).data


@pytest.mark.parametrize("is_in_own_tree", [True, False])
def test_who_has_the_ledger_secrets_cannot_forge_the_past(
    *, is_in_own_tree: bool
) -> None:
    """Members together can recover them; still they change nothing."""
    story = long_story(6)
    world = World(story) if is_in_own_tree else far_behind(story)
    world.lies[6] = forged(story, 6)
    said = fails(world, ChainReader(world.cache))
    assert said == f"nothing proves what is before {story.last}"
    (log,) = (log for log in world.logs if "Corrupt" in log.message)
    assert f"seqno {story.last}" in log.message


def test_a_signature_of_somebody_else_proves_nothing() -> None:
    """One service's signatures do not prove another's ledger."""
    story = long_story(6)
    world = far_behind(story)
    world.cache.identities.identity = World(recovered()).cache.identity
    said = fails(world, ChainReader(world.cache))
    assert said == f"nothing proves what is before {story.last}"


def test_without_a_signature_only_so_much_is_held_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "INDEX_UNSIGNED_MAX", 5)
    monkeypatch.setattr(limits, "HISTORY_ENTRIES_PER_READ", 1)
    story = long_story(4)
    world = World(story)
    assert seqnos(read_on(world, ChainReader(world.cache), 1)) == whole(story)
    world = World(long_story(5))
    said = fails(world, ChainReader(world.cache))
    assert said == "no signature follows entry 4"


def test_it_waits_while_others_read_much(monkeypatch: pytest.MonkeyPatch) -> None:
    story = long_story(3)
    world = World(story)
    reader = ChainReader(world.cache)
    with monkeypatch.context() as patch:
        patch.setattr(limits, "LEDGER_READS_MAX", 0)
        assert reader.read(1, story.last) is None
        assert not world.turn()
    assert seqnos(read_on(world, reader, 1)) == whole(story)


def test_secrets_that_do_not_come_are_said() -> None:
    story = long_story(3)
    story.rekey()
    story.say("after")
    story.sign()
    version, latest = max(story.secrets.items(), key=lambda item: item[0])
    world = World(story, secrets={version: latest})
    world.lies[story.recorded or 0] = None
    said = fails(world, ChainReader(world.cache))
    assert "the host has no entry" in said


@pytest.mark.parametrize("stretch", [1, 4, 500])
def test_signatures_of_earlier_services_prove_what_is_theirs(
    stretch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "INDEX_ENTRIES_PER_READ", stretch)
    monkeypatch.setattr(limits, "HISTORY_ENTRIES_PER_READ", 20)
    story = recovered()
    world = far_behind(story)
    assert seqnos(read_on(world, ChainReader(world.cache), 1)) == whole(story)


def test_what_is_read_ahead_of_its_reader_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "INDEX_ENTRIES_PER_READ", 4)
    story = long_story(20)
    for _ in range(5):
        story.say("more")
        story.sign()
    world = World(story)
    world.per_answer = 30
    reader = ChainReader(world.cache)
    while reader.read(1, story.last) is None:
        assert world.turn()
    assert not world.turn()
    assert len(world.read) == 1


def test_a_service_that_has_not_opened_says_nothing_of_those_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "INDEX_ENTRIES_PER_READ", 1)
    monkeypatch.setattr(limits, "HISTORY_ENTRIES_PER_READ", 2)
    story = long_story(3)
    story.create(SECOND)
    world = far_behind(story)
    said = fails(world, ChainReader(world.cache))
    assert said == "the service has not opened, and endorsed nothing yet"


def test_where_nobody_knows_who_ruled_the_root_alone_proves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So it is in ledgers from before CCF 2."""
    monkeypatch.setattr(limits, "INDEX_ENTRIES_PER_READ", 1)
    story = Story()
    story.say("old")
    story.sign()
    story.created.clear()
    story.ledger.view = 4
    story.starts += [5, 5]
    story.create(SECOND)
    world = far_behind(story)
    monkeypatch.setattr(limits, "HISTORY_ENTRIES_PER_READ", 4)
    assert seqnos(read_on(world, ChainReader(world.cache), 1)) == whole(story)


STRETCH = 7


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(limits, "INDEX_ENTRIES_PER_READ", STRETCH)
    return World(long_story(40))


def read_all(world: World, reader: PastReader, first: Seqno) -> list[Seqno]:
    seqnos: list[Seqno] = []
    while first <= world.story.last:
        states = reader.read(first, world.story.last)
        if states is None:
            assert world.turn(), "nothing is on its way"
            continue
        assert len(states) <= STRETCH
        seqnos += [state.txid.seqno for state in states]
        first = seqnos[-1] + 1
    return seqnos


def test_all_is_read_in_order(world: World) -> None:
    reader = PastReader(world.cache)
    assert read_all(world, reader, 1) == list(range(1, world.story.last + 1))
    assert not world.cache.drop_request((reader, 1))


def test_the_next_stretch_is_asked_for_with_the_first(world: World) -> None:
    reader = PastReader(world.cache)
    assert reader.read(1, world.story.last) is None
    world.work()
    asked = {seqno for first, last in world.read for seqno in range(first, last + 1)}
    assert asked >= set(range(1, STRETCHES * STRETCH + 1))
    assert reader.read(1, world.story.last) is not None


def test_it_ends_where_the_ledger_is_committed(world: World) -> None:
    reader = PastReader(world.cache)
    assert reader.read(1, 3) is None
    world.work()
    states = reader.read(1, 3)
    assert states is not None
    assert [state.txid.seqno for state in states] == [1, 2, 3]


def test_who_wants_another_part_begins_there(world: World) -> None:
    reader = PastReader(world.cache)
    assert reader.read(1, world.story.last) is None
    world.work()
    assert read_all(world, reader, 20)[0] == 20
    assert not world.cache.drop_request((reader, 1))


def test_what_cannot_be_had_is_said(world: World) -> None:
    world.lies[3] = None
    reader = PastReader(world.cache)
    assert reader.read(1, world.story.last) is None
    world.work()
    with pytest.raises(HistoryFailed, match="did not give entries from 1 on"):
        reader.read(1, world.story.last)


def test_who_stops_leaves_nothing_behind(world: World) -> None:
    reader = PastReader(world.cache)
    assert reader.read(1, world.story.last) is None
    reader.stop()
    for first in (1, 1 + STRETCH):
        assert not world.cache.drop_request((reader, first))
    reader.stop()

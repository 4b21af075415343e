"""Old ledger secrets are won back from the ledger, one after another."""

import pytest

from ccfpy.base.ids import Seqno
from ccfpy.endpoints.history import HistoricalState, HistoryFailed
from ccfpy.ledger.secrets import LedgerSecret
from ccfpy.ledger.tables import SINGLE_KEY
from ccfpy.service.tables import recovery
from tests.unit.ledger.made import SECOND
from tests.unit.node.history.world import Story, World


def _rekeyed(*, is_reissued: bool = False) -> Story:
    story = Story()
    story.say("under the first")
    story.rekey(is_reissued=is_reissued)
    story.say("under the second")
    story.rekey(is_reissued=is_reissued)
    story.say("under the third")
    story.sign()
    return story


def _knows_latest_alone(story: Story) -> World:
    version = max(story.secrets)
    return World(story, secrets={version: story.secrets[version]})


def _said(world: World, seqno: Seqno) -> str | None:
    world.cache.state_at("any", seqno)
    world.work()
    state = world.cache.state_at("any", seqno)
    return None if state is None else _text(state)


def _text(state: HistoricalState) -> str:
    return (state.writes["messages"][b"1"] or b"").decode()


@pytest.mark.parametrize("is_reissued", [False, True])
def test_every_entry_opens_for_a_node_that_has_the_latest_secret_alone(
    is_reissued: bool,
) -> None:
    story = _rekeyed(is_reissued=is_reissued)
    texts = {
        3: "under the first",
        5 + is_reissued: "under the second",
        7 + 2 * is_reissued: "under the third",
    }
    for seqno, text in texts.items():
        assert _said(_knows_latest_alone(story), seqno) == text
    world = _knows_latest_alone(story)
    assert [_said(world, seqno) for seqno in texts] == list(texts.values())
    assert not world.complaints()


def test_a_whole_range_across_rekeys_opens() -> None:
    world = _knows_latest_alone(_rekeyed())
    world.cache.states_range("all", 1, world.story.last)
    world.work()

    states = world.cache.states_range("all", 1, world.story.last)

    assert states is not None
    assert len(states) == world.story.last


@pytest.mark.parametrize("was_rekeyed", [False, True])
def test_a_recoverys_secret_leads_back_too(was_rekeyed: bool) -> None:
    """Its record is written under itself, and services are found meanwhile.

    The record of a service may be under an older secret than what it ruled over.
    """
    story = Story()
    story.open()
    if was_rekeyed:
        story.rekey()
    (seqno,) = story.say("before the recovery")
    story.sign()
    story.renew_secret()
    story.create(SECOND)
    story.record_secret()
    story.open()
    world = _knows_latest_alone(story)

    assert _said(world, seqno) == "before the recovery"
    state = world.cache.state_at("any", seqno)
    assert state is not None
    state.receipt.json_receipt.verify(SECOND.certificate)


def test_the_nodes_own_secrets_stay_what_they_were() -> None:
    world = _knows_latest_alone(_rekeyed())
    _said(world, 3)

    assert len(world.tail.secrets) == 1


def test_who_gave_up_is_not_told_of_a_secret_that_comes() -> None:
    world = _knows_latest_alone(_rekeyed())
    world.cache.state_at("any", 3)
    world.cache.drop_request("any")
    world.work()

    assert world.read == [(6, 6)]
    assert world.cache.secrets.opening(5) is not None


def test_a_secret_that_points_nowhere_is_the_end() -> None:
    story = _rekeyed()
    version = max(story.secrets)
    lonely = LedgerSecret(raw=story.secrets[version].raw)
    world = World(story, secrets={version: lonely})

    with pytest.raises(HistoryFailed, match="does not say where the one before it is"):
        world.cache.state_at("any", 3)


def test_a_node_that_is_not_trusted_yet_has_no_secret_to_begin_with() -> None:
    world = World(_rekeyed(), secrets={})

    with pytest.raises(HistoryFailed, match="not given any ledger secret"):
        world.cache.state_at("any", 3)


def test_a_record_that_does_not_open_is_refused() -> None:
    world = _knows_latest_alone(_rekeyed())
    (first, second) = [seqno for seqno, data in world.entries.items() if _records(data)]
    world.lies[second] = world.entries[first]

    assert _said(world, 3) is None
    assert world.complaints()[0] == (
        f"Corrupt ledger entry received for seqno {second}: it claims to be {second} "
        f"but is actually 2.{first}"
    )


@pytest.mark.parametrize(
    "written",
    [
        None,
        b'{"next_version":1}',
        # The same secret again, with nothing before it, and with itself before it.
        b'{"previous_ledger_secret":{"encrypted_data":"","version":9}}',
        (
            b'{"previous_ledger_secret":{"encrypted_data":"","version":9,'
            b'"previous_secret_stored_version":6}}'
        ),
        # One that does not open.
        (
            b'{"previous_ledger_secret":{"encrypted_data":"'
            + b"A" * 80
            + b'","version":1,"previous_secret_stored_version":6}}'
        ),
    ],
)
def test_a_forged_record_gives_no_secret(written: bytes | None) -> None:
    """A forger has no secret to seal the entry with, so the node cannot open it."""
    story = _rekeyed()
    world = _knows_latest_alone(story)
    forger = Story()
    forger.ledger.secret = LedgerSecret(raw=b"?" * 32)
    forger.say(*["text"] * 3)
    table = {} if written is None else {SINGLE_KEY: written}
    forger.ledger.put({recovery.PAST_SECRETS.name: table})
    world.lies[6] = forger.ledger.entries[5].data

    assert _said(world, 3) is None
    assert world.cache.secrets.opening(5) is None


def _records(data: bytes) -> bool:
    return recovery.PAST_SECRETS.name.encode() in data

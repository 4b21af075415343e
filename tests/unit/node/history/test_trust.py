"""Identities and ledger secrets of earlier services are found by walking back."""

from dataclasses import dataclass, field, replace

import pytest

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import Seqno, TxId
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.client.cose_receipt import links
from ccfpy.crypto.certs import Certificate
from ccfpy.endpoints.history import HistoricalState, HistoryFailed
from ccfpy.ledger.identity_endorsement import Epoch, IdentityEndorsement
from ccfpy.ledger.secrets import LedgerSecret
from ccfpy.ledger.tables import IDENTITY_ENDORSEMENT, SINGLE_KEY
from ccfpy.node.history.fetch import PastEntry
from ccfpy.node.history.trust import ChainWalk, Ruling
from ccfpy.service.tables import recovery, service
from tests.unit.ledger.made import FIRST, ISSUED_AT, SECOND, Identity
from tests.unit.node.history.world import Story, World, recovered


@dataclass(eq=False)
class Waiting:
    advanced: int = 0
    reasons: list[str] = field(default_factory=list)

    def advance(self) -> None:
        self.advanced += 1

    def lost(self, reason: str) -> None:
        self.reasons.append(reason)


@dataclass
class Learner:
    learnt: list[Seqno] = field(default_factory=list)
    refuses: bool = False

    def learn(self, entry: PastEntry) -> None:
        if self.refuses:
            raise Malformed("not what was looked for")
        self.learnt.append(entry.transaction.txid.seqno)


def _world() -> tuple[World, Learner, ChainWalk]:
    story = Story()
    story.say("text")
    story.sign()
    world = World(story)
    learner = Learner()
    return world, learner, ChainWalk(world.cache.pool, learner.learn)


def test_all_who_wait_go_on_when_it_is_learnt() -> None:
    world, learner, lookup = _world()
    first, second = Waiting(), Waiting()
    lookup.need(3, first)
    lookup.need(3, second)

    world.work()

    assert (learner.learnt, world.read) == ([3], [(3, 3)])
    assert (first.advanced, second.advanced) == (1, 1)


def test_one_is_read_at_a_time_and_whoever_needs_another_asks_again() -> None:
    world, learner, lookup = _world()
    other = Waiting()
    lookup.need(3, Waiting())
    lookup.need(1, other)

    world.work()
    assert (learner.learnt, other.advanced) == ([3], 1)
    lookup.need(1, other)
    world.work()

    assert (learner.learnt, other.advanced) == ([3, 1], 2)


def test_who_gave_up_is_not_told() -> None:
    world, learner, lookup = _world()
    waiting = Waiting()
    lookup.need(3, waiting)
    lookup.release(waiting)

    world.work()

    assert (learner.learnt, waiting.advanced) == ([3], 0)


def test_what_the_host_has_not_is_lost_for_all() -> None:
    world, _, lookup = _world()
    world.lies[3] = None
    waiting = Waiting()
    lookup.need(3, waiting)

    world.work()

    assert waiting.reasons == ["the host has no entry 3"]
    assert not waiting.advanced


def test_what_is_not_what_was_looked_for_is_lost_too() -> None:
    world, learner, lookup = _world()
    learner.refuses = True
    waiting = Waiting()
    lookup.need(3, waiting)

    world.work()

    assert waiting.reasons == ["not what was looked for"]
    assert world.complaints() == [
        "Corrupt ledger entry received for seqno 3: not what was looked for"
    ]


THIRD = Identity(3)


def _twice_recovered() -> Story:
    story = recovered()
    story.create(THIRD)
    story.open()
    story.say("newest")
    story.sign()
    return story


@dataclass(eq=False)
class Asker:
    """Wants to know who ruled."""

    world: World
    seqno: Seqno
    ruling: Ruling | None = None
    reasons: list[str] = field(default_factory=list)

    def advance(self) -> None:
        self.ruling = self.world.cache.identities.ruling_at(self.seqno, self)

    def lost(self, reason: str) -> None:
        self.reasons.append(reason)


def _ask(world: World, seqno: Seqno) -> Asker:
    asker = Asker(world, seqno)
    asker.advance()
    world.work()
    return asker


def _ruling(story: Story, seqno: Seqno) -> Ruling:
    asker = _ask(World(story), seqno)
    assert asker.ruling is not None
    return asker.ruling


def test_todays_service_needs_nobodys_endorsement() -> None:
    world = World(recovered())

    for seqno in (8, 13):
        ruling = _ask(world, seqno).ruling
        assert ruling == Ruling(certificate=SECOND.certificate)
    assert not world.read


@pytest.mark.parametrize(
    ("seqno", "ruler", "links_expected"),
    [(1, FIRST, 2), (7, FIRST, 2), (8, SECOND, 1), (13, SECOND, 1)],
)
def test_earlier_services_are_vouched_for_by_todays(
    seqno: Seqno, ruler: Identity, links_expected: int
) -> None:
    ruling = _ruling(_twice_recovered(), seqno)

    assert ruling.certificate == ruler.certificate
    (pem,) = ruling.service_endorsements
    endorsement = Certificate.from_pem(pem)
    endorsement.verify_signed_by(THIRD.certificate)
    ruler.node_certificate.verify_signed_by(endorsement)
    assert ruling.cose_endorsements is not None
    *_, last = links(ruling.cose_endorsements, THIRD.key.public_key)
    assert last.endorsed == ruler.key.public_key
    assert len(ruling.cose_endorsements) == links_expected


@pytest.mark.parametrize("is_first_known", [True, False])
def test_in_ccfs_ledgers_a_service_has_several_records_in_a_row(
    is_first_known: bool,
) -> None:
    story = Story(is_by_ccf=True)
    story.open()
    story.say("old")
    story.sign()
    for identity in (SECOND, THIRD):
        story.create(identity)
        story.open()
    world = World(story)
    if is_first_known:
        assert _ask(world, story.created[1][0]).ruling is not None
    for (at, ruler), count in zip(story.created, (2, 1, 0), strict=True):
        ruling = _ask(world, at).ruling
        assert ruling is not None
        assert ruling.certificate == ruler.certificate
        assert len(ruling.cose_endorsements or ()) == count


def test_what_was_learnt_is_kept() -> None:
    world = World(_twice_recovered())
    first = _ask(world, 3).ruling
    read = list(world.read)

    assert _ask(world, 5).ruling is first
    assert _ask(world, 9).ruling is not None
    assert world.read == read


def test_without_endorsements_the_records_alone_lead_back() -> None:
    ruling = _ruling(recovered(endorses=False), 3)

    assert ruling.certificate == FIRST.certificate
    assert ruling.cose_endorsements is None
    assert len(ruling.service_endorsements) == 1


def test_a_record_that_does_not_lead_on_leaves_the_rest_unknown() -> None:
    """So it is in ledgers from before CCF 2."""
    story = Story()
    story.say("old")
    story.sign()
    story.created.clear()
    story.ledger.view = 4
    story.starts += [5, 5]
    story.create(SECOND)

    assert _ruling(story, 3) == Ruling(certificate=None)


def test_a_service_that_does_not_say_since_when_it_rules_ruled_always() -> None:
    story = Story()
    info = replace(_info(story), current_service_create_txid=None)
    story.ledger.put({service.INFO.name: {SINGLE_KEY: service.INFO.codec.encode(info)}})
    story.sign()

    assert _ruling(story, 1).certificate == FIRST.certificate


def test_a_service_that_has_not_opened_has_endorsed_nothing() -> None:
    story = Story()
    story.open()
    story.create(SECOND)
    world = World(story)

    with pytest.raises(HistoryFailed, match="has not opened"):
        _ask(world, 3)


def test_a_host_that_does_not_have_a_record_is_no_end() -> None:
    world = World(recovered())
    world.lies[1] = None
    assert _ask(world, 3).reasons == ["the host has no entry 1"]

    world.lies.clear()
    assert _ask(world, 3).ruling is not None


@pytest.mark.parametrize("lie", [2, 3, 5])
def test_a_host_that_gives_another_entry_is_refused(lie: Seqno) -> None:
    world = World(recovered())
    world.lies[1] = world.entries[lie]

    assert _ask(world, 3).reasons == ["the host gave a corrupt entry 1"]


@pytest.mark.parametrize("previous", [4, 5])
def test_a_record_must_be_one_of_an_earlier_service(previous: Seqno) -> None:
    """What trusted nodes wrote holds together, or nothing is made of it."""
    story = Story()
    story.open()
    story.say("text")
    at = story.last + 1
    story.ledger.view, story.starts = 4, [1, 1, at, at]
    info = replace(
        _info(story),
        cert=SECOND.certificate.pem,
        status=ServiceStatus.OPEN,
        previous_service_identity_version=previous,
        current_service_create_txid=TxId(4, at),
    )
    story.ledger.put({service.INFO.name: {SINGLE_KEY: service.INFO.codec.encode(info)}})
    story.ledger.identity = SECOND
    story.created.append((at, SECOND))
    story.sign()

    (reason,) = _ask(World(story), 3).reasons
    assert reason == f"entry {previous} holds no record of a service"


def test_a_record_of_a_later_service_is_refused() -> None:
    story = Story()
    info = replace(_info(story), current_service_create_txid=TxId(2, 99))
    story.ledger.put({service.INFO.name: {SINGLE_KEY: service.INFO.codec.encode(info)}})
    story.sign()
    story.created[0] = (3, FIRST)
    story.create(SECOND)

    (reason,) = _ask(World(story), 1).reasons
    assert reason == "the service recorded at 3 is not an earlier one"


def test_an_endorsement_must_be_where_the_next_one_says() -> None:
    story = Story()
    story.open()
    story.create(SECOND)
    story.open()
    story.endorsed = 4
    story.create(THIRD)
    story.open()

    (reason,) = _ask(World(story), 3).reasons
    assert reason == "entry 4 holds no endorsement of a service"


def test_the_endorsed_key_must_be_the_recorded_one() -> None:
    story = Story()
    story.open()
    story.say("text")
    story.sign()
    story.create(SECOND)
    link = IdentityEndorsement.make(
        SECOND.key,
        THIRD.key.public_key.der,
        Epoch(begin=TxId(2, 1), end=TxId(2, 6), last_root=bytes(32)),
        issued_at=ISSUED_AT,
        previous_version=3,
    )
    story.ledger.put({IDENTITY_ENDORSEMENT: {SINGLE_KEY: link.serialise()}})
    story.sign()

    with pytest.raises(VerificationFailed, match="another service's key"):
        _settle(World(story), 3)


def test_the_endorsements_must_be_a_chain() -> None:
    story = Story()
    story.open()
    story.create(SECOND)
    story.open(signer=FIRST)  # as nobody else would
    story.create(THIRD)
    story.open()

    with pytest.raises(VerificationFailed, match="did not sign the endorsement"):
        _settle(World(story), 3)


def _settle(world: World, seqno: Seqno) -> None:
    asker = Asker(world, seqno)
    asker.advance()
    world.work()
    for reason in asker.reasons:
        raise VerificationFailed(reason)


def _info(story: Story) -> service.ServiceInfo:
    info = service.INFO.of(World(story).tail.store.begin()).get()
    assert info is not None
    return info


def test_the_keys_are_todays_and_those_that_endorsements_lead_to() -> None:
    world = World(_twice_recovered())
    assert world.cache.service_keys() is None
    world.work()

    keys = world.cache.service_keys()

    assert keys == tuple(
        identity.certificate.public_key.der for identity in (THIRD, SECOND, FIRST)
    )


def test_a_service_without_endorsements_has_todays_key() -> None:
    story = Story()
    story.say("text")
    story.sign()

    assert World(story).cache.service_keys() == (FIRST.certificate.public_key.der,)


def test_keys_that_the_host_lost_are_asked_for_again() -> None:
    story = _twice_recovered()
    world = World(story)
    world.lies = dict.fromkeys(range(1, story.last + 1), b"")
    assert world.cache.service_keys() is None
    world.work()
    assert world.cache.service_keys() is None
    world.work()
    world.lies = {}
    assert world.cache.service_keys() is None
    world.work()
    assert world.cache.service_keys() is not None


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

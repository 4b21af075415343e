"""The service identity at a seqno, and the endorsements that lead to it."""

from dataclasses import dataclass, field, replace

import pytest

from ccfpy.base.errors import VerificationFailed
from ccfpy.base.ids import Seqno, TxId
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.client.cose_receipt import links
from ccfpy.crypto.certs import Certificate
from ccfpy.endpoints.history import HistoryFailed
from ccfpy.ledger.identity_endorsement import Epoch, IdentityEndorsement
from ccfpy.ledger.tables import IDENTITY_ENDORSEMENT, SINGLE_KEY
from ccfpy.node.history.trust import Ruling
from ccfpy.service.tables import service
from tests.unit.ledger.made import FIRST, ISSUED_AT, SECOND, Identity
from tests.unit.node.history.world import Story, World, recovered

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

"""A past state is complete once a signature proves it; its requests share it."""

import base64
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace

import pytest

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError, VerificationFailed
from ccfpy.base.ids import Seqno, TxId
from ccfpy.client.cose_receipt import CoseReceipt
from ccfpy.crypto import certs
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.endpoints.history import HistoricalState, HistoryFailed
from ccfpy.kv.changes import Writes
from ccfpy.ledger.tables import COSE_SIGNATURES, SIGNATURES, SINGLE_KEY, TREE
from ccfpy.ledger.tx_receipt import SignatureTransaction
from ccfpy.node.history.fetch import PastEntry
from ccfpy.node.history.past_state import (
    CoveringSignature,
    HistoryRequest,
    HistoryRequests,
)
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.ledger.made import FIRST, ISSUED_AT, NOT_BEFORE, SECOND, Identity
from tests.unit.node.history.world import Story, World, recovered


def _state(world: World, seqno: Seqno) -> HistoricalState:
    world.cache.state_at("one", seqno)
    world.work()
    state = world.cache.state_at("one", seqno)
    assert state is not None
    return state


def test_it_has_what_the_transaction_wrote_in_public_and_in_private() -> None:
    state = _state(World(recovered()), 5)

    assert str(state.txid) == "2.5"
    assert state.tx.raw("messages").get(b"1") == b"old one"
    assert state.tx.raw("public:log").get(b"1") == b"x"
    assert state.tx.raw("public:ccf.gov.service.info").get(bytes(8)) is None


@pytest.mark.parametrize("seqno", range(1, 14))
def test_every_transaction_is_proved_to_who_knows_todays_service(seqno: Seqno) -> None:
    receipt = _state(World(recovered()), seqno).receipt

    receipt.json_receipt.verify(SECOND.certificate)
    assert receipt.json_receipt.is_signature_transaction is (
        seqno in (2, 4, 7, 9, 11, 13)
    )


@pytest.mark.parametrize(("seqno", "is_old"), [(5, True), (6, True), (12, False)])
def test_so_it_is_by_its_cose_receipt(seqno: Seqno, is_old: bool) -> None:
    receipt = _state(World(recovered()), seqno).receipt
    data = receipt.cose_receipt()
    assert data is not None
    assert (receipt.cose_endorsements is not None) is is_old

    CoseReceipt.parse(data).verify(
        SECOND.key.public_key, endorsements=receipt.cose_endorsements or ()
    )


def test_an_entry_that_its_signature_does_not_cover_is_refused() -> None:
    """As a trusted node that breaks the rules could write it."""
    story = Story()
    seqno, _ = story.say("text", "another")
    story.ledger.tree.retract(seqno - 1)
    story.ledger.tree.extend([bytes(32), bytes(32)])
    story.sign()
    world = World(story)
    assert world.cache.states_range("one", seqno, seqno + 1) is None

    # The first is enough to give up both.
    assert world.complaints() == [
        (
            "Corrupt ledger entry received for seqno 3: the signature at 2.5 does not "
            "cover entry 3"
        )
    ]
    assert world.cache.is_settled("one")
    assert world.cache.state_at("one", seqno) is None


def test_a_request_is_settled_when_nothing_lacks_or_nothing_will_come() -> None:
    whole, lacking, failed = (HistoryRequest("a", (1,), 9) for _ in range(3))
    lacking.lacking = failed.lacking = 1
    failed.failure = HistoryFailed("lost")

    settled = [request.is_settled for request in (whole, lacking, failed)]
    assert settled == [True, False, True]


@dataclass(eq=False)
class Asker:
    """Wants the signature that covers an entry."""

    world: World
    seqno: Seqno
    covering: CoveringSignature | None = None
    reasons: list[str] = field(default_factory=list)

    def advance(self) -> None:
        try:
            self.covering = self.world.cache.coverings.covering(self.seqno, self)
        except CcfpyError as error:
            self.reasons.append(str(error))

    def lost(self, reason: str) -> None:
        self.reasons.append(reason)


def _ask(world: World, seqno: Seqno) -> Asker:
    asker = Asker(world, seqno)
    asker.advance()
    world.work()
    return asker


@pytest.mark.parametrize(
    ("seqno", "at"), [(1, 2), (2, 2), (3, 4), (5, 7), (7, 7), (8, 9), (13, 13)]
)
def test_the_first_signature_after_an_entry_covers_it(seqno: Seqno, at: Seqno) -> None:
    world = World(recovered())

    covering = _ask(world, seqno).covering

    assert covering is not None
    assert covering.signed.txid.seqno == at
    assert covering.tree.leaf(at - 1) == world.story.ledger.tree.leaf(at - 1)


def test_a_signature_is_verified_once() -> None:
    world = World(recovered())
    first = _ask(world, 5).covering
    read = list(world.read)

    assert _ask(world, 6).covering is first
    assert world.read == read


def test_only_so_many_are_kept() -> None:
    story = Story()
    for _ in range(limits.HISTORY_SIGNATURES_MAX + 1):
        story.sign()
    world = World(story)
    for seqno in range(2, story.last):
        _ask(world, seqno)
    world.read.clear()

    _ask(world, story.last - 1)
    assert not world.read
    _ask(world, 2)
    assert world.read == [(2, 2)]


def _forged(tables: Mapping[str, Writes]) -> World:
    """A ledger whose entry 4 is a signature like this, sealed by a trusted node."""
    story = Story()
    story.say("text")
    story.ledger.put(tables)
    story.say("more")
    story.sign()
    return World(story)


def _tables(
    identity: Identity = FIRST, *, of: Story | None = None
) -> dict[str, dict[bytes, bytes | None]]:
    story = of or Story()
    if of is None:
        story.say("text")
    ledger = story.ledger
    txid = ledger.say("to be signed")
    ledger.tree.retract(txid.seqno - 1)
    tables = identity.signer.sign(txid, ledger.tree, issued_at=ISSUED_AT)
    return {name: dict(writes) for name, writes in tables.items()}


def _with(table: str, value: bytes) -> dict[str, dict[bytes, bytes | None]]:
    return {**_tables(), table: {SINGLE_KEY: value}}


def _value(tables: Mapping[str, Mapping[bytes, bytes | None]], table: str) -> bytes:
    value = tables[table][SINGLE_KEY]
    assert value is not None
    return value


def test_what_is_forged_here_is_otherwise_right() -> None:
    assert _ask(_forged(_tables()), 3).covering is not None


def _of_another_tree() -> dict[str, dict[bytes, bytes | None]]:
    other = Story()
    other.say("other")
    return _tables(of=other)


def _longer() -> Story:
    story = Story()
    story.say("text", "text")
    return story


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        (_tables(SECOND), "signed by the service key"),
        (
            {**_tables(), SIGNATURES: _tables(SECOND)[SIGNATURES]},
            "was not issued by",
        ),
        (
            {**_tables(), COSE_SIGNATURES: _tables(SECOND)[COSE_SIGNATURES]},
            "signed by the service key",
        ),
        (
            {**_tables(), TREE: _of_another_tree()[TREE]},
            "signs another root than its tree's",
        ),
        (
            {**_of_another_tree(), TREE: _tables()[TREE]},
            "signs another root than its tree's",
        ),
        (_tables(of=_longer()), "is of another place"),
        (
            {**_tables(), COSE_SIGNATURES: _tables(of=_longer())[COSE_SIGNATURES]},
            "the service's signature at 2.4 says it is 2.5",
        ),
        (_with(TREE, b""), "stored tree"),
        (_with(SIGNATURES, b"{}"), "node"),
        (_with(COSE_SIGNATURES, b'""'), "not CBOR"),
        (
            {k: v for k, v in _tables().items() if k != TREE},
            "stores no tree",
        ),
    ],
    ids=[
        "another service",
        "its node",
        "its own signature",
        "another tree",
        "another root",
        "another place",
        "a service's signature of another place",
        "no tree at all",
        "no signature",
        "no COSE",
        "no tree stored",
    ],
)
def test_a_signature_that_does_not_hold_covers_nothing(
    tables: Mapping[str, Writes], says: str
) -> None:
    asker = _ask(_forged(tables), 3)

    assert asker.covering is None
    (reason,) = asker.reasons
    assert says in reason


def test_a_node_whose_signature_does_not_hold_is_refused() -> None:
    tables = _tables()
    other = _of_another_tree()
    mine = SignatureTransaction.of(tables).by_node.signature
    theirs = SignatureTransaction.of(other).by_node.signature
    assert mine != theirs
    value = _value(tables, SIGNATURES)
    forged = value.replace(_base64(mine), _base64(theirs))
    assert forged != value

    assert _ask(_forged({**tables, SIGNATURES: {SINGLE_KEY: forged}}), 3).reasons


def test_the_oldest_ledgers_signatures_name_no_certificate() -> None:
    tables = _tables()
    value = _value(tables, SIGNATURES)
    start = value.index(b'"cert"')
    bare = value[:start] + value[value.index(b'"commit_seqno"') :]
    del tables[COSE_SIGNATURES]
    world = _forged({**tables, SIGNATURES: {SINGLE_KEY: bare}})

    assert _ask(world, 3).covering is not None


@pytest.mark.newest
def test_certificates_of_many_nodes_do_not_fill_the_memory() -> None:
    story = Story()
    for at in range(limits.HISTORY_SIGNERS_MAX + 2):
        story.ledger.identity = another_node(at)
        story.sign()
    world = World(story)

    for seqno in range(2, story.last):
        assert _ask(world, seqno).covering is not None


def another_node(seed: int) -> Identity:
    """Return the first service with another of its nodes."""
    other = copy(FIRST)
    entropy = SeededEntropy(seed)
    other.node_key = KeyPair.generate(entropy, Curve.SECP256R1)
    other.node_certificate = certs.endorse_request(
        certs.certificate_request(other.node_key, subject="CN=Node", sans=()),
        issuer_key=other.key,
        issuer_cert=other.certificate,
        not_before=NOT_BEFORE,
        validity_days=9,
        entropy=entropy,
    )
    other.__dict__.pop("signer", None)
    return other


def test_a_signature_in_the_nodes_own_tree_was_verified_when_it_came() -> None:
    """Whoever may have signed it."""
    story = Story()
    story.ledger.identity = SECOND
    story.say("text")
    story.sign()
    world = World(story)
    tree = world.tail.settled_tree()
    assert not _ask(world, 3).reasons
    assert tree.first == story.last


def test_an_entry_that_a_signature_does_not_cover_is_refused() -> None:
    world = World(recovered())
    covering = _ask(world, 5).covering
    assert covering is not None

    def entry(seqno: Seqno) -> PastEntry:
        view = 2 if seqno < 8 else 4
        return PastEntry.open(
            world.entries[seqno],
            TxId(view, seqno),
            world.tail.secrets,
            world.tail.settled_tree(),
        )

    covering.check(entry(5))
    covering.check(entry(7))
    with pytest.raises(VerificationFailed, match="does not cover entry 8"):
        covering.check(entry(8))
    with pytest.raises(VerificationFailed, match="does not cover entry 5"):
        covering.check(replace(entry(5), leaf=bytes(32)))


def _base64(data: bytes) -> bytes:
    return base64.b64encode(data)


def test_the_one_asked_about_for_longest_comes_first() -> None:
    requests = HistoryRequests()
    first, second = HistoryRequest("a", (1,), 9), HistoryRequest("b", (1,), 9)
    requests.put(first)
    requests.put(second)
    assert requests.oldest() is first

    requests.put(first)
    assert requests.oldest() is second
    assert len(requests) == 2


def test_a_handle_has_one_request() -> None:
    requests = HistoryRequests()
    former, now = HistoryRequest("a", (1,), 9), HistoryRequest("a", (2,), 9)
    requests.put(former)
    requests.put(now)

    assert requests.get("a") is now
    requests.remove(now)
    assert requests.get("a") is None


def test_those_whose_time_is_over_are_found() -> None:
    requests = HistoryRequests()
    assert not requests.expired(10**9)
    asked_again = HistoryRequest("b", (1,), 10)
    for request in (
        HistoryRequest("a", (1,), 10),
        asked_again,
        HistoryRequest("c", (1,), 12),
    ):
        requests.put(request)
    asked_again.deadline_ms = 30
    requests.put(asked_again)

    found = []
    for now_ms in (9, 10, 11, 12, 29, 30):
        expired = requests.expired(now_ms)
        found.append([request.handle for request in expired])
        for request in expired:
            requests.remove(request)

    assert found == [[], ["a"], [], ["c"], [], ["b"]]

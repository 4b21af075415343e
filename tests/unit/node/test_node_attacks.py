"""A host or a client attacks a node: forged events, replays, rollbacks and forks."""

import base64
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccfpy.base import json
from ccfpy.base.ids import SessionId
from ccfpy.base.json import Json
from ccfpy.boundary.effects import AppendLedger, CloseSession, SendData, Stop, WriteLog
from ccfpy.boundary.events import (
    LedgerRead,
    ScrapeMetrics,
    SessionClosed,
    SessionData,
    SessionOpened,
)
from ccfpy.boundary.events import Tick as Time
from ccfpy.boundary.wire import EFFECTS
from ccfpy.crypto import cose
from ccfpy.crypto.ec import KeyPair
from ccfpy.http.messages import Response
from ccfpy.ledger.entry import Transaction
from ccfpy.service.tables import recovery
from ccfpy.testing.node import (
    GOV_VERSION,
    INTERFACE,
    START_UNIX_US,
    InProcessNode,
    Person,
    Recorded,
)
from tests.attacks import attack
from tests.unit.node.conftest import CONSTITUTION, NotesApp

NOW_S = START_UNIX_US // 1_000_000
TX_ID = "x-ms-ccf-transaction-id"
MALLORY = Person.make("mallory")
CREATE = "members/proposals:create"
PROPOSAL: Json = {"actions": [{"name": "trigger_ledger_chunk"}]}


def error_of(response: Response) -> tuple[int, str]:
    """Return an answer's status and code, with all it says besides."""
    body = json.loads_object(response.body)
    return response.status, json.dumps(body["error"]).decode()


# Governance: signed requests


def signed(
    by: Person, payload: Json = PROPOSAL, *, key: KeyPair | None = None, **header: Json
) -> bytes:
    """Sign a request as ``by``; a header that is ``None`` is left out."""
    fields: dict[cose.Label, object] = {
        cose.KID: by.id.encode(),
        "ccf.gov.msg.type": "proposal",
        "ccf.gov.msg.created_at": NOW_S + 100,
    }
    fields |= {f"ccf.gov.msg.{name}": value for name, value in header.items()}
    protected = {name: value for name, value in fields.items() if value is not None}
    content = json.dumps(payload)
    return cose.sign(key or by.key, protected=protected, payload=content)


def rebuilt(message: bytes, change: Callable[[list[object]], None]) -> bytes:
    """Change a signed message's four parts and leave its signature as it was."""
    parts = list(cbor2.loads(message).value)
    change(parts)
    return cbor2.dumps(cbor2.CBORTag(18, parts))


def with_part(message: bytes, index: int, value: object) -> bytes:
    """Replace one part."""
    return rebuilt(message, lambda parts: parts.__setitem__(index, value))


def with_label_twice(by: Person) -> bytes:
    """Sign a header that gives the type twice, which no encoder of ours would write."""
    pairs = [(1, -35), (4, by.id.encode()), ("ccf.gov.msg.created_at", NOW_S + 100)]
    pairs += [("ccf.gov.msg.type", "ack"), ("ccf.gov.msg.type", "proposal")]
    header = b"\xa5" + b"".join(cbor2.dumps(k) + cbor2.dumps(v) for k, v in pairs)
    content = json.dumps(PROPOSAL)
    signature = by.key.sign_raw(cbor2.dumps(["Signature1", header, b"", content]))
    return cbor2.dumps(cbor2.CBORTag(18, [header, {}, content, signature]))


def with_headers(by: Person, changes: dict[cose.Label, object]) -> bytes:
    """Sign with some of the protected headers replaced."""
    fields: dict[cose.Label, object] = {
        cose.KID: by.id.encode(),
        "ccf.gov.msg.type": "proposal",
        "ccf.gov.msg.created_at": NOW_S + 100,
    }
    content = json.dumps(PROPOSAL)
    return cose.sign(by.key, protected={**fields, **changes}, payload=content)


@dataclass(frozen=True)
class Forgery:
    """A request that is not what it says, made by a member and somebody else."""

    make: Callable[[Person, Person], bytes]
    status: int
    says: str


FORGERIES = {
    "a stranger signs": Forgery(
        lambda _, __: signed(MALLORY), 401, "Signer is not a known member"
    ),
    "a stranger signs in a member's name": Forgery(
        lambda ann, _: signed(ann, key=MALLORY.key),
        401,
        "Failed to validate COSE Sign1",
    ),
    "a member signs in another's name": Forgery(
        lambda ann, bob: signed(ann, key=bob.key), 401, "Failed to validate COSE Sign1"
    ),
    "the content is changed": Forgery(
        lambda ann, _: with_part(signed(ann), 2, b'{"actions":[]}'),
        401,
        "Failed to validate COSE Sign1",
    ),
    "the content is detached": Forgery(
        lambda ann, _: with_part(signed(ann), 2, None),
        401,
        "Failed to validate COSE Sign1",
    ),
    "the signature is empty": Forgery(
        lambda ann, _: with_part(signed(ann), 3, b""),
        401,
        "Failed to validate COSE Sign1",
    ),
    "the signature is all zeros": Forgery(
        lambda ann, _: with_part(signed(ann), 3, bytes(96)),
        401,
        "Failed to validate COSE Sign1",
    ),
    "the algorithm is another key's": Forgery(
        lambda ann, _: with_headers(ann, {cose.ALG: -7}),
        401,
        "Failed to validate COSE Sign1",
    ),
    "the algorithm is a secret's": Forgery(
        lambda ann, _: with_headers(ann, {cose.ALG: 5}),
        401,
        "Unsupported algorithm: 5",
    ),
    "a label comes twice": Forgery(
        lambda ann, _: with_label_twice(ann), 401, "Duplicate map key"
    ),
    "an unprotected header overrides": Forgery(
        lambda ann, bob: cose.set_unprotected(signed(ann), {"x": 1}).replace(
            cbor2.dumps({"x": 1}), cbor2.dumps({cose.KID: bob.id.encode()})
        ),
        401,
        "both protected and unprotected",
    ),
    "an unprotected header says what none protects": Forgery(
        lambda ann, _: cose.set_unprotected(
            signed(ann, type=None), {"ccf.gov.msg.type": "proposal"}
        ),
        401,
        "Missing ccf.gov.msg.type",
    ),
    "a header asks to be understood": Forgery(
        lambda ann, _: with_headers(ann, {cose.CRIT: [1]}),
        401,
        "demands to be understood",
    ),
    "a signature for something else": Forgery(
        lambda ann, _: signed(ann, type="ballot"),
        401,
        "Found ccf.gov.msg.type set to ballot",
    ),
    "no time": Forgery(
        lambda ann, _: signed(ann, created_at=None), 401, "Missing created_at"
    ),
    "a time before time": Forgery(
        lambda ann, _: signed(ann, created_at=-1), 401, "must be positive"
    ),
    "a time of eleven digits": Forgery(
        lambda ann, _: signed(ann, created_at=10**10), 400, "InvalidCreatedAt"
    ),
    "a time beyond 63 bits": Forgery(
        lambda ann, _: signed(ann, created_at=2**63), 401, "created_at is no number"
    ),
    "bytes behind the message": Forgery(
        lambda ann, _: signed(ann) + b"\0", 401, "1 bytes follow"
    ),
    "no message at all": Forgery(lambda _, __: b"", 401, "Failed to parse COSE_Sign1"),
    "nested without end": Forgery(
        lambda _, __: b"\x81" * 100_000, 401, "Failed to parse COSE_Sign1"
    ),
    "a length beyond all memory": Forgery(
        lambda _, __: b"\xd2\x9b" + b"\x7f" * 8, 401, "Failed to parse COSE_Sign1"
    ),
}


def post_gov(node: InProcessNode, path: str, body: bytes) -> Response:
    return node.request(
        "POST",
        f"/gov/{path}?api-version={GOV_VERSION}",
        body=body,
        headers={"content-type": "application/cose"},
    )


@pytest.fixture(scope="module")
def standing(members: tuple[Person, ...]) -> InProcessNode:
    """One node for every attack that must leave no trace."""
    node = InProcessNode(NotesApp(), constitution=CONSTITUTION, members=members)
    node.open_service()
    return node


@attack(
    "gov: nesting without end, lengths beyond memory",
    "nested without end",
    "a length beyond all memory",
)
@attack("gov: bytes behind a message", "bytes behind the message")
@attack(
    "gov: a signature of zeros, in DER, or none",
    "the signature is empty",
    "the signature is all zeros",
)
@attack(
    "gov: a changed or detached content",
    "the content is changed",
    "the content is detached",
)
@attack("gov: a header that must be understood", "a header asks to be understood")
@attack(
    "gov: an unprotected header instead of a protected one",
    "an unprotected header says what none protects",
)
@attack("gov: an unprotected header that overrides", "an unprotected header overrides")
@attack("gov: a label twice in one header", "a label comes twice")
@attack(
    "gov: an algorithm that is not the key's",
    "the algorithm is another key's",
    "the algorithm is a secret's",
)
@attack("gov: a key id that nobody has", "a stranger signs")
@attack(
    "gov: another member's name",
    "a stranger signs in a member's name",
    "a member signs in another's name",
)
@attack("gov: a signature for another operation", "a signature for something else")
@attack(
    "gov: a proposal from outside the window",
    "a time before time",
    "a time of eleven digits",
    "a time beyond 63 bits",
    "no time",
)
@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_proposal_leaves_nothing(standing: InProcessNode, name: str) -> None:
    node = standing
    ann, bob, _ = node.members
    forgery = FORGERIES[name]
    before = len(node.host.entries)
    status, says = error_of(post_gov(node, CREATE, forgery.make(ann, bob)))
    assert (status, forgery.says in says) == (forgery.status, True), says
    assert len(node.host.entries) == before


def test_a_proposal_that_is_not_forged_is_taken(node: InProcessNode) -> None:
    assert post_gov(node, CREATE, signed(node.members[0])).status == 200


@pytest.mark.newest
@attack("gov: a proposal from outside the window")
@attack("gov: a proposal again")
def test_a_proposal_cannot_be_replayed_not_even_when_it_left_the_window(
    node: InProcessNode,
) -> None:
    ann, client = node.members[0], node.connect()

    def create(created_at: int, by: Person = ann) -> Response:
        return client.request(
            "POST",
            f"/gov/{CREATE}?api-version={GOV_VERSION}",
            body=signed(by, created_at=created_at),
            headers={"content-type": "application/cose"},
        )

    old = NOW_S + 100
    assert create(old).status == 200
    for later in range(1, 111):
        assert create(old + later).status == 200
        if later in (1, 50):
            assert "ProposalReplay" in error_of(create(old))[1]
    # A hundred of Ann's are remembered, and it is none of them. Bob has a window of his
    # own.
    assert "ProposalCreatedTooLongAgo" in error_of(create(old))[1]
    assert create(old + 30, by=node.members[1]).status == 200


@attack("gov: a request for another proposal or voter")
def test_a_ballot_counts_for_its_proposal_and_its_voter_alone(
    node: InProcessNode,
) -> None:
    ann, bob, _ = node.members
    ids = [
        str(json.loads_object(made.body)["proposalId"])
        for made in (
            node.govern(ann, CREATE, "proposal", PROPOSAL),
            node.govern(bob, CREATE, "proposal", PROPOSAL),
        )
    ]
    yes: Json = {"ballot": "export const vote = () => true"}
    ballot = signed(ann, yes, type="ballot", proposal_id=ids[0])
    paths = {
        f"members/proposals/{ids[1]}/ballots/{ann.id}:submit": "does not match URL",
        f"members/proposals/{ids[0]}/ballots/{bob.id}:submit": "does not match URL",
        f"members/proposals/{ids[0]}:withdraw": "Found ccf.gov.msg.type set to ballot",
    }
    for path, says in paths.items():
        assert says in error_of(post_gov(node, path, ballot))[1]
    right = f"members/proposals/{ids[0]}/ballots/{ann.id}:submit"
    assert post_gov(node, right, ballot).status == 200
    withdrawal = signed(ann, type="withdrawal", proposal_id=ids[1])
    path = f"members/proposals/{ids[1]}:withdraw"
    assert error_of(post_gov(node, path, withdrawal))[0] == 403


@attack("gov: a ballot of a removed member")
def test_who_is_no_member_any_more_has_no_vote(node: InProcessNode) -> None:
    ann, _, cat = node.members
    made = node.govern(ann, CREATE, "proposal", PROPOSAL)
    proposal_id = str(json.loads_object(made.body)["proposalId"])
    node.propose({"name": "remove_member", "args": {"member_id": cat.id}})
    ballot = signed(
        cat,
        {"ballot": "export const vote = () => true"},
        type="ballot",
        proposal_id=proposal_id,
    )
    path = f"members/proposals/{proposal_id}/ballots/{cat.id}:submit"
    assert error_of(post_gov(node, path, ballot))[0] == 401
    ack = signed(cat, {"stateDigest": "00"}, type="ack")
    path = f"members/state-digests/{cat.id}:ack"
    assert error_of(post_gov(node, path, ack))[0] == 401


@attack("gov: a vote before the acknowledgement")
def test_who_has_not_acknowledged_yet_neither_proposes_nor_votes(
    new_node: InProcessNode,
) -> None:
    proposal = signed(new_node.members[0])
    status, says = error_of(post_gov(new_node, CREATE, proposal))
    assert status == 401
    assert "Signer is not an ACTIVE member" in says


HOSTILE_BALLOTS = {
    "recursion": "export const vote = () => vote()",
    "memory": "const a = []; export const vote = () => { for (;;) a.push({ a }) }",
    "a write": "export const vote = () => ccf.kv['public:ccf.gov.x'].clear()",
    "private state": "export const vote = () => ccf.kv['notes'].size",
    "effects": "export const vote = () => ccf.node.triggerLedgerRekey()",
    "a flood of logs": (
        "export function vote() { for (let i = 0; i < 300; i++) "
        "console.log('x'.repeat(1e5)); throw new Error('done') }"
    ),
}


@attack("gov: a ballot that reads what is private", "private state")
@attack("gov: a ballot that writes", "a write", "effects")
@attack("gov: a ballot that never ends", "recursion", "memory", "a flood of logs")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name == "memory" else [])
        for name in HOSTILE_BALLOTS
    ],
)
def test_a_hostile_ballot_is_no_vote_and_harms_nobody(
    node: InProcessNode, name: str
) -> None:
    ann, bob, cat = node.members
    made = node.govern(ann, CREATE, "proposal", PROPOSAL)
    proposal_id = str(json.loads_object(made.body)["proposalId"])
    yes = "export const vote = () => true"
    outcome = made
    for person, source in ((cat, HOSTILE_BALLOTS[name]), (ann, yes), (bob, yes)):
        outcome = node.govern(
            person,
            f"members/proposals/{proposal_id}/ballots/{person.id}:submit",
            "ballot",
            {"ballot": source},
            proposal_id=proposal_id,
        )
        assert outcome.status == 200, outcome.body
    decided = json.loads_object(outcome.body)
    assert decided["proposalState"] == "Accepted"
    failures = decided["voteFailures"]
    assert isinstance(failures, dict)
    assert failures.keys() == {cat.id}
    assert sum(len(log.message) for log in node.host.logs) < 8 << 20


# HTTP: bytes that two readers might read differently

SMUGGLED = b'PUT /app/notes HTTP/1.1\r\ncontent-length: 17\r\n\r\n{"smuggled":"yes"}'
SMUGGLING = {
    "both lengths": b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "a coding that does not end in chunked": (
        b"transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n"
    ),
    "an unknown coding": b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"content-length: 0\r\ncontent-length: 5\r\n\r\n",
    "a length with a sign": b"content-length: +0\r\n\r\n",
    "a length in hex": b"content-length: 0x0\r\n\r\n",
    "a length in two parts": b"content-length: 0 0\r\n\r\n",
    "a list of lengths": b"content-length: 0, 0\r\n\r\n",
    "a length beyond 64 bits": b"content-length: 18446744073709551616\r\n\r\n",
    "a space before the colon": b"content-length : 0\r\n\r\n",
    "a folded line": b"x: a\r\n content-length: 5\r\n\r\n",
    "a bare carriage return": b"x: a\rcontent-length: 5\r\n\r\n",
    "a bare line feed": b"x: a\ncontent-length: 5\r\n\r\n",
    "a zero byte": b"x: a\0b\r\n\r\n",
    "a second host": b"host: a\r\nhost: b\r\n\r\n",
    "a chunk size with a tail": b"transfer-encoding: chunked\r\n\r\n0x0\r\n\r\n",
    "a chunk size beyond 64 bits": (
        b"transfer-encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n"
    ),
    "a body behind an upgrade": (
        b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 5\r\n\r\nhello"
    ),
}


@attack("http: a request behind an error")
@pytest.mark.parametrize("name", SMUGGLING)
def test_what_may_be_read_in_two_ways_is_read_in_none(
    standing: InProcessNode, name: str
) -> None:
    node = standing
    client = node.connect()
    before = len(node.host.entries)
    head = b"POST /app/commit HTTP/1.1\r\n"
    responses = client.send(head + SMUGGLING[name] + SMUGGLED)
    assert [response.status for response in responses] == [400]
    assert client.is_closed
    assert client.send(SMUGGLED) == [], "a session ends with its first error"
    assert len(node.host.entries) == before
    assert node.request("GET", "/app/notes?name=smuggled").body == b"null"


def test_the_same_bytes_alone_are_a_write(node: InProcessNode) -> None:
    """So the table above refuses them for what stands before them."""
    body = SMUGGLED.replace(b"17", b"18")
    assert [response.status for response in node.connect().send(body)] == [200]


@attack("http: no Host")
@pytest.mark.parametrize(
    "path", ["/node/state", "/node/network", "/node/primary", "/app/notes?name=a", "/x"]
)
def test_no_answer_depends_on_whom_a_request_says_it_is_for(
    standing: InProcessNode, path: str
) -> None:
    client = standing.connect()
    line = b"GET %b HTTP/1.1\r\n" % path.encode()
    hosts = (b"", b"host: evil.example\r\n", b"host:\r\n", b"host: a, b\r\n")
    told = [client.send(line + host + b"\r\n") for host in hosts]
    assert told == [told[0]] * len(hosts)
    assert len(told[0]) == 1


# The ledger: what is proved, and of what


@attack("ledger: a receipt for a transaction that is not")
def test_a_receipt_is_given_only_for_the_view_that_wrote_the_transaction(
    node: InProcessNode,
) -> None:
    written = node.request("PUT", "/app/notes", body={"a": "b"}).headers[TX_ID]
    node.advance(1000)
    view, seqno = written.split(".")
    assert node.request("GET", f"/app/receipt?transaction_id={written}").status == 200
    for wrong in (int(view) - 1, int(view) + 1, 2**40):
        path = f"transaction_id={wrong}.{seqno}"
        status, says = error_of(node.request("GET", f"/app/receipt?{path}"))
        assert (status, "TransactionInvalid" in says) == (404, True)
        told = json.loads_object(node.request("GET", f"/app/tx?{path}").body)
        assert told["status"] == "Invalid"


CANARY = "canary-7f3a91c2"
PAST_SECRETS = "public:ccf.internal.historical_encrypted_ledger_secret"


# Clients mixed up


def test_a_session_opened_anew_has_nothing_of_its_predecessor(
    node: InProcessNode, alice: Person
) -> None:
    client = node.connect(alice)
    asked = client.encrypt(b"GET /node/state HTTP/1.1\r\n\r\n")
    session = client.session
    node.step(SessionClosed(session=session))
    node.step(SessionOpened(session=session, interface=INTERFACE, peer="x"))
    effects = node.step(SessionData(session=session, data=asked))
    assert CloseSession(session=session) in effects


@attack("tls: a record again, or in another session")
def test_one_clients_bytes_are_worth_nothing_on_anothers_session(
    node: InProcessNode, alice: Person
) -> None:
    victim, mallory = node.connect(alice), node.connect()
    before = len(node.host.entries)
    body = b'PUT /app/notes HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"a":"b"}'
    stolen = victim.encrypt(body)
    effects = node.step(SessionData(session=mallory.session, data=stolen))
    assert CloseSession(session=mallory.session) in effects
    assert len(node.host.entries) == before


@attack("tls: a record again, or in another session")
def test_a_clients_bytes_count_once(node: InProcessNode, alice: Person) -> None:
    client = node.connect(alice)
    body = b'PUT /app/notes HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"a":"b"}'
    record = client.encrypt(body)
    before = len(node.host.entries)
    node.step(SessionData(session=client.session, data=record))
    effects = node.step(SessionData(session=client.session, data=record))
    assert CloseSession(session=client.session) in effects
    assert len(node.host.entries) == before + 1


# Events nobody foresaw


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    events=st.lists(
        st.one_of(
            st.builds(
                Time,
                monotonic_ms=st.integers(0, 2**63 - 1),
                unix_us=st.integers(0, 2**63 - 1),
            ),
            st.builds(
                SessionOpened,
                session=st.integers(1, 4).map(SessionId),
                interface=st.sampled_from([INTERFACE, "none", ""]),
                peer=st.text(max_size=5),
            ),
            st.builds(
                SessionData,
                session=st.integers(1, 4).map(SessionId),
                data=st.binary(max_size=100),
            ),
            st.builds(SessionClosed, session=st.integers(1, 4).map(SessionId)),
            st.builds(
                LedgerRead,
                request=st.integers(0, 9),
                first=st.integers(0, 9),
                last=st.integers(0, 9),
                entries=st.none() | st.tuples(st.binary(max_size=20)),
            ),
        ),
        max_size=20,
    )
)
def test_no_order_of_events_ends_the_node(
    new_node: InProcessNode, events: list[Time | SessionData]
) -> None:
    effects = new_node.step(*events)
    assert EFFECTS.encode(effects) or not effects
    assert not any(isinstance(effect, Stop) for effect in effects)
    assert new_node.request("GET", "/node/state").status == 200


def taking_small_entries(node: InProcessNode) -> InProcessNode:
    """Make a node begin again, with an open service and a low bound of its entries."""
    bounded = replace(node.boot.configuration, entry_bytes_max=200_000)
    node.host, node.trusted = Recorded(), node.twin()
    node.step(replace(node.boot, configuration=bounded))
    node.open_service()
    return node


def test_a_transaction_too_large_for_the_ledger_stops_the_node_before_it_is_in(
    make_node: Callable[[], InProcessNode],
) -> None:
    node = taking_small_entries(make_node())
    client, before = node.connect(), len(node.host.entries)
    small = b'PUT /app/notes HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"a":"b"}'
    text = b'{"a":"%b"}' % (b"x" * 300_000)
    large = b"PUT /app/notes HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(text) + text
    sent = client.encrypt(small + large + small)
    effects = node.step(SessionData(session=client.session, data=sent))
    stop = effects[-1]
    assert isinstance(stop, Stop)
    assert "memory.max_msg_size" in stop.reason
    (answer,) = (effect for effect in effects if isinstance(effect, SendData))
    assert client.decrypt(answer.data).count(b"HTTP/1.1 200 OK") == 1
    appended = [effect for effect in effects if isinstance(effect, AppendLedger)]
    assert sum(len(effect.entries) for effect in appended) == 1
    for entry in node.host.entries[before:]:
        Transaction.parse(entry)


def test_who_was_answered_in_the_step_that_stops_the_node_is_told_so(
    make_node: Callable[[], InProcessNode],
) -> None:
    node = taking_small_entries(make_node())
    clients = [node.connect() for _ in range(3)]
    texts = (b'{"a":"b"}', b'{"a":"%b"}' % (b"x" * 300_000), b'{"a":"c"}')
    put = b"PUT /app/notes HTTP/1.1\r\ncontent-length: %d\r\n\r\n%b"
    asked = [put % (len(text), text) for text in texts]
    large = clients[1].encrypt(asked[1][:-1])
    assert node.step(SessionData(session=clients[1].session, data=large))
    asked[1] = asked[1][-1:]
    effects = node.step(
        *(
            SessionData(session=client.session, data=client.encrypt(words))
            for client, words in zip(clients, asked, strict=True)
        )
    )
    written, told, stop = effects
    assert isinstance(written, AppendLedger)
    assert len(written.entries) == 1
    assert isinstance(told, SendData)
    assert told.session == clients[0].session
    assert b"200 OK" in clients[0].decrypt(told.data)
    assert isinstance(stop, Stop)


# Nonces


OPERATIONS = {
    "private": lambda node: node.request("PUT", "/app/notes", body={"a": "b"}),
    "public": lambda node: node.request("PUT", "/app/public", body={"a": "b"}),
    "time": lambda node: node.advance(1000),
    "rekey": lambda node: node.propose({"name": "trigger_ledger_rekey"}),
    "shares": lambda node: node.propose({"name": "trigger_recovery_shares_refresh"}),
}


@pytest.mark.slow
@attack("nonce: a rekey")
@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.sampled_from(sorted(OPERATIONS)), min_size=4, max_size=12))
def test_no_key_meets_a_nonce_twice(
    make_node: Callable[[], InProcessNode], names: list[str]
) -> None:
    node = make_node()
    node.open_service()
    for name in ["private", *names, "rekey", "private", "time"]:
        OPERATIONS[name](node)
    running = node.trusted.running  # the keys are for nobody else to see
    assert running is not None
    secrets = running.tail.secrets
    assert len(secrets) == names.count("rekey") + 2
    used: Counter[tuple[bytes, bytes]] = Counter()
    for seqno, data in enumerate(node.host.entries, start=1):
        transaction = Transaction.parse(data)
        assert transaction.txid.seqno == seqno
        used[secrets.at(seqno).raw, data[24:36]] += 1
        transaction.private_writes(secrets)
        stored = transaction.domain.write_set.get(PAST_SECRETS, {}).get(bytes(8))
        record = None if stored is None else recovery.PAST_SECRETS.codec.decode(stored)
        if record is not None and record.previous is not None:
            used[secrets.at(seqno + 1).raw, record.previous.encrypted[16:28]] += 1
    assert max(used.values()) == 1


# What is private


def _traces(secret: str) -> list[bytes]:
    raw = secret.encode()
    return [raw, raw.hex().encode(), base64.b64encode(raw), raw[::-1]]


PRIVATE_PATHS: dict[str, tuple[str, str, Json | bytes, dict[str, str]]] = {
    "a private value": ("PUT", "/app/notes", {"a": CANARY}, {}),
    "a private key": ("PUT", "/app/notes", {CANARY: "a"}, {}),
    "a body that is no JSON": ("PUT", "/app/notes", f"{{{CANARY}".encode(), {}),
    "a body for a handler that breaks": ("PUT", "/app/broken", {"a": CANARY}, {}),
    "a query": ("GET", f"/app/notes?name={CANARY}", None, {}),
    "a path": ("GET", f"/app/{CANARY}", None, {}),
    "a path of the node's": ("GET", f"/node/network/nodes/{CANARY}", None, {}),
    "a header": ("GET", "/app/notes?name=a", None, {"authorization": CANARY}),
    "an accept header": ("GET", "/app/commit", None, {"accept": CANARY}),
}


@pytest.mark.parametrize("name", PRIVATE_PATHS)
def test_what_a_client_says_reaches_the_host_only_encrypted(
    node: InProcessNode, name: str
) -> None:
    method, path, body, headers = PRIVATE_PATHS[name]
    start = len(node.host.effects)
    node.request(method, path, body=body, headers=headers)
    node.advance(1000)
    node.step(ScrapeMetrics())
    seen = EFFECTS.encode(node.host.effects[start:])
    for trace in _traces(CANARY):
        assert trace not in seen
    assert not any(
        CANARY in str(e) for e in node.host.effects if isinstance(e, WriteLog)
    )


def test_what_one_client_says_is_not_told_another(node: InProcessNode) -> None:
    for method, path, body, headers in PRIVATE_PATHS.values():
        if path != "/app/notes":
            node.request(method, path, body=body, headers=headers)
    for path in ("/app/broken", "/app/notes?name=x", "/node/metrics", "/app/commit"):
        assert CANARY.encode() not in node.request("GET", path).body
    assert json.loads(node.request("GET", "/app/notes?name=x").body) is None


def test_no_key_of_the_node_reaches_the_host(node: InProcessNode) -> None:
    running = node.trusted.running  # the keys are for nobody else to see
    assert running is not None
    seen = EFFECTS.encode(node.host.effects)
    for _, secret in running.tail.secrets:
        assert secret.raw not in seen
        assert repr(secret.raw) not in repr(secret)
    for key in (running.identity.key, running.service_identity.key):
        secret_lines = key.pem.splitlines()[1:-1]
        assert not any(line.encode() in seen for line in secret_lines)

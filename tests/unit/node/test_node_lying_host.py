"""A host that lies, and what never leaves a node whatever it is told.

The host may refuse to work; it must not learn what is private, mix up clients, or have
two ledger entries under one nonce.
"""

import base64
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

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
from ccfpy.ledger.entry import Transaction
from ccfpy.service.tables import recovery
from ccfpy.testing.node import INTERFACE, InProcessNode, Person, Recorded
from tests.attacks import attack

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

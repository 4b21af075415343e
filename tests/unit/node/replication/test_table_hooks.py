"""Writes to the tables that a node acts upon are checked before they are applied."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pytest

from ccfpy.base import json
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import NodeId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.crypto.rsa import RsaPublicKey
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.maps import UNIT
from ccfpy.node.table_hooks import may_become
from ccfpy.service.tables import nodes, recovery, service
from ccfpy.service.tables.nodes import NodeInfo
from ccfpy.service.tables.recovery import EncryptedSecret
from ccfpy.service.tables.service import SNAPSHOT_EVIDENCE
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from tests.attacks import attack
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.dishonest import unhook, write
from tests.unit.node.replication.conftest import all_agree, of_three
from tests.unit.node.replication.test_replication import primary, put, replica_of


def test_the_app_opens_when_that_is_final_and_not_before(
    new_node: InProcessNode,
) -> None:
    for member in new_node.members:
        new_node.acknowledge(member)
    new_node.propose(
        {
            "name": "transition_service_to_open",
            "args": {"next_service_identity": new_node.service_certificate},
        }
    )
    assert new_node.request("GET", "/app/commit").status == 404
    new_node.advance(1000)
    assert new_node.request("GET", "/app/commit").status == 200


INFO = nodes.INFO.name
ENDORSED = nodes.ENDORSED_CERTIFICATES.name
SECRETS = recovery.ENCRYPTED_LEDGER_SECRETS.name
STRANGER = NodeId("ab" * 32)


@pytest.fixture(scope="module")
def unharmed(members: tuple[Person, ...], alice: Person) -> Network:
    """Such a service for all tests that leave its nodes in agreement."""
    network = Network(NotesApp(), constitution=CONSTITUTION, members=members)
    network.start()
    network.advance(200)
    network.nodes[0].open_service(alice)
    return of_three(network)


def record(node: InProcessNode) -> NodeInfo:
    info = nodes.INFO.of(replica_of(node).begin(read_only=True)).get(node.node_id)
    assert info is not None
    return info


def of_node(info: NodeInfo, node_id: NodeId) -> WriteSet:
    return {INFO: {node_id.encode(): nodes.INFO.value_codec.encode(info)}}


def gone(node: InProcessNode, *, as_who: NodeId | None = None) -> WriteSet:
    info = replace(record(node), status=NodeStatus.RETIRED, retired_committed=True)
    return of_node(info, as_who or node.node_id)


def for_node(node: InProcessNode, secret: bytes, times: int = 1) -> WriteSet:
    key = RsaPublicKey.from_pem(record(node).encryption_pub_key)
    sent = EncryptedSecret(encrypted_secret=key.wrap(secret))
    value = recovery.ENCRYPTED_LEDGER_SECRETS.codec.encode(
        {node.node_id: (sent,) * times}
    )
    return {SECRETS: {UNIT: value}}


def service_with(node: InProcessNode, cert: str) -> WriteSet:
    info = service.INFO.of(replica_of(node).begin(read_only=True)).get()
    assert info is not None
    return {
        service.INFO.name: {UNIT: service.INFO.codec.encode(replace(info, cert=cert))}
    }


Hostile = Callable[[InProcessNode, InProcessNode], WriteSet]
HOSTILE: dict[str, Hostile] = {
    "a node's record that is no JSON": lambda _, b: {INFO: {b.node_id.encode(): b"{"}},
    "a node's record without its fields": lambda _, b: {
        INFO: {b.node_id.encode(): b"{}"}
    },
    "a node's record in another status": lambda _, b: {
        INFO: {
            b.node_id.encode(): nodes.INFO.value_codec.encode(record(b)).replace(
                b"Trusted", b"Learner"
            )
        }
    },
    "a node's id that is no text": lambda a, _: {
        INFO: {b"\xff": nodes.INFO.value_codec.encode(record(a))}
    },
    "a member of the service gone for good": lambda _, b: gone(b),
    "its leader gone for good": lambda a, _: gone(a),
    "a node that nobody knows gone for good": lambda a, _: gone(a, as_who=STRANGER),
    "a service that is no JSON": lambda *_: {service.INFO.name: {UNIT: b"[1"}},
    "a service without a certificate": lambda a, _: service_with(a, "PEM"),
    "a certificate that is no text": lambda _, b: {
        ENDORSED: {b.node_id.encode(): b"\xff"}
    },
    "ledger secrets that are no JSON": lambda *_: {SECRETS: {UNIT: b"\0"}},
    "a past ledger secret that is no JSON": lambda *_: {
        recovery.PAST_SECRETS.name: {UNIT: b"x"}
    },
    "evidence of a snapshot that is none": lambda *_: {
        SNAPSHOT_EVIDENCE.name: {UNIT: json.dumps([])}
    },
}


def _endorsed(node: InProcessNode) -> bytes:
    return replica_of(node).credentials.endorsed.pem.encode()


@pytest.mark.newest
@attack("channel: an entry that writes what a node cannot act upon")
@pytest.mark.parametrize("name", HOSTILE)
def test_an_entry_that_no_node_could_act_upon_is_refused(
    three: Network, alice: Person, name: str
) -> None:
    """The peers of the writer name that node, and continue without it."""
    first, second, third = three.nodes
    three.wait_until_settled()
    writes = HOSTILE[name](first, second)
    before = len(second.host.entries)
    version = replica_of(second).tail.store.version
    unhook(first)
    write(first, writes)
    three.advance(500)
    for node in (second, third):
        assert len(node.host.entries) == before
        assert replica_of(node).tail.store.version == version
        assert replica_of(node).replication.raft.log.last_seqno == version
    refusals = said(second, "failed to apply log entry")
    assert refusals
    assert all(first.node_id in each for each in refusals)
    three.kill(first)
    leader = primary(three)
    put(leader, alice, a="1")
    three.wait_until(lambda: all_agree(three), most_ms=60_000)


CERTIFICATES: dict[str, Hostile] = {
    "a certificate that is none": lambda _, b: {
        ENDORSED: {b.node_id.encode(): b"-----BEGIN CERTIFICATE-----"}
    },
    "a certificate that the service did not issue": lambda _, b: {
        ENDORSED: {b.node_id.encode(): replica_of(b).identity.self_signed.pem.encode()}
    },
    "another node's certificate": lambda a, b: {
        ENDORSED: {b.node_id.encode(): _endorsed(a)}
    },
}


@attack("channel: an entry that writes what a node cannot act upon")
@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_certificate_that_a_node_cannot_present_leaves_it_the_one_it_has(
    three: Network, alice: Person, name: str
) -> None:
    first, second, _ = three.nodes
    writes = CERTIFICATES[name](first, second)
    kept = replica_of(second).credentials.endorsed
    unhook(first)
    write(first, writes)
    three.wait_until(lambda: said(second, "Kept the endorsed certificate") != [])
    assert replica_of(second).credentials.endorsed == kept
    put(first, alice, a="1")
    three.wait_until(lambda: all_agree(three))


SECRETS_FOR_ONE: dict[str, Hostile] = {
    "a ledger secret for another": lambda a, b: {
        SECRETS: {
            UNIT: for_node(a, bytes(32))[SECRETS][UNIT].replace(  # type: ignore[union-attr]
                a.node_id.encode(), b.node_id.encode()
            )
        }
    },
    "a ledger secret that is too short": lambda _, b: for_node(b, bytes(31)),
    "two new ledger secrets": lambda _, b: for_node(b, bytes(32), times=2),
}


@attack("channel: an entry that writes what a node cannot act upon")
@pytest.mark.parametrize("name", SECRETS_FOR_ONE)
def test_a_ledger_secret_that_a_node_cannot_use_ends_no_node(
    three: Network, name: str
) -> None:
    """No later entry would open; the node says so, and goes on with what it has."""
    first, second, _ = three.nodes
    three.wait_until_settled()
    writes = SECRETS_FOR_ONE[name](first, second)
    before = len(second.host.entries)
    unhook(first)
    write(first, writes)
    three.advance(500)
    assert len(second.host.entries) == before
    refusals = said(second, "failed to apply log entry")
    assert refusals
    assert all(first.node_id in each for each in refusals)
    assert second.request("GET", "/node/state").status == 200


def said(node: InProcessNode, text: str) -> list[str]:
    return [log.message for log in node.host.logs if text in log.message]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_transaction_that_no_node_could_act_upon_is_refused_by_the_primary(
    unharmed: Network, alice: Person, name: str
) -> None:
    """Members' scripts may write any table of governance."""
    first, second, _ = unharmed.nodes
    writes = HOSTILE[name](first, second)
    version = replica_of(first).tail.store.version
    with pytest.raises((Malformed, VerificationFailed)):
        _commit(first, writes)
    assert replica_of(first).tail.store.version == version
    put(first, alice, a="1")
    unharmed.wait_until(lambda: all_agree(unharmed))


def _commit(node: InProcessNode, writes: WriteSet) -> None:
    running = replica_of(node)
    tx = running.begin(read_only=False)
    for name, changes in writes.items():
        for key, value in changes.items():
            tx.raw(name).put(key, value or b"")
    running.replication.commit(tx)


def test_a_node_that_left_stays_away(unharmed: Network) -> None:
    info = record(unharmed.nodes[0])
    left = replace(info, status=NodeStatus.RETIRED)
    final = replace(left, retired_committed=True)
    pending = replace(info, status=NodeStatus.PENDING)
    moves = [
        (before, after)
        for before in (None, pending, info, left, final)
        for after in (pending, info, left, final)
        if may_become(before, after)
    ]
    assert moves == [
        *product((None, pending, info), (pending, info, left)),
        (left, left),
        (left, final),
        (final, left),
        (final, final),
    ]

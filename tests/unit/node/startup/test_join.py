"""A node asks to join, again and again, and checks each answer."""

import base64
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace

import pytest

from ccfpy.base import json, limits
from ccfpy.base.ids import CallId, SessionId
from ccfpy.base.json import Json
from ccfpy.boundary.configuration import InterfaceAuthority
from ccfpy.boundary.effects import (
    CloseSession,
    EndCall,
    IdentityMade,
    OpenCall,
    SendCall,
    Stop,
    WriteLog,
)
from ccfpy.boundary.events import CallData, CallEnded, CallOpened, SessionOpened, Tick
from ccfpy.crypto import certs
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.endpoints.context import CoseClaims
from ccfpy.http.messages import Request, Response, serialise_response
from ccfpy.http.tls import ServerContext, TlsSession
from ccfpy.http.tls_calls import ClientContext
from ccfpy.node.lifecycle import NodeState
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.testing.network import Network
from ccfpy.testing.node import START_UNIX_US, InProcessNode, Person, listener
from tests.attacks import attack
from tests.unit.node.joiners import RETRY_MS, joining, said, state, without_snapshot

# Before anybody answers


def test_a_missing_section_is_named(node: InProcessNode) -> None:
    configuration = replace(joining(node), join=None)
    effects = node.twin().step([replace(node.boot, configuration=configuration)])
    assert isinstance(effects[-1], Stop)
    assert effects[-1].reason == "command.join is missing"


@pytest.mark.parametrize("pinned", [b"", b"\xff", b"no certificate"])
def test_the_pinned_certificate_must_be_one(node: InProcessNode, pinned: bytes) -> None:
    configuration = joining(node)
    assert configuration.join is not None
    section = replace(configuration.join, service_certificate=pinned)
    effects = node.twin().step(
        [replace(node.boot, configuration=replace(configuration, join=section))]
    )
    assert isinstance(effects[-1], Stop)
    assert "the certificate of the service to join" in effects[-1].reason


def test_a_joiner_leaves_its_own_certificate_and_no_service_of_its_own(
    node: InProcessNode,
) -> None:
    effects = without_snapshot(
        node.twin(), replace(node.boot, configuration=joining(node))
    )
    made = next(effect for effect in effects if isinstance(effect, IdentityMade))
    assert made.service_certificate is None
    assert made.node_certificate
    assert OpenCall(call=CallId(1), address="127.0.0.1:8000") in effects


def test_an_interface_of_the_service_has_no_certificate_before_the_join(
    node: InProcessNode,
) -> None:
    configuration = replace(
        joining(node),
        rpc_interfaces=(
            listener("by_service"),
            listener("by_node", port=8001, authority=InterfaceAuthority.NODE),
        ),
    )
    joiner = node.twin()
    joiner.step([replace(node.boot, configuration=configuration)])
    by_service, by_node = SessionId(1), SessionId(2)
    effects = joiner.step(
        [
            SessionOpened(session=by_service, interface="by_service", peer="a:1"),
            SessionOpened(session=by_node, interface="by_node", peer="a:2"),
        ]
    )
    assert effects == [CloseSession(session=by_service)]


# A service that opens


def test_a_node_joins_a_service_that_opens(new_network: Network) -> None:
    first = new_network.nodes[0]
    joiner = new_network.join()
    assert state(joiner) == "Pending"
    new_network.deliver()
    assert state(joiner) == "PartOfNetwork"
    assert said(first, f"Node {joiner.node_id} added as Trusted") == 1
    assert said(
        joiner,
        f"Node has now joined the network as node {joiner.node_id}: all domains",
    )
    new_network.wait_until_settled(joiner)
    assert joiner.host.entries == first.host.entries


def test_a_joiner_is_asked_for_nothing_after_it_joined(new_network: Network) -> None:
    joiner = new_network.join()
    new_network.deliver()
    asked = sum(isinstance(e, OpenCall) for e in joiner.host.effects)
    new_network.advance(5 * RETRY_MS)
    assert sum(isinstance(e, OpenCall) for e in joiner.host.effects) == asked == 1


# An open service


def test_a_node_waits_until_members_trust_it(network: Network) -> None:
    joiner = network.join()
    network.advance(3 * RETRY_MS)
    assert state(joiner) == "Pending"
    assert said(joiner, "is waiting for votes of members to be trusted") == 4
    network.nodes[0].trust(joiner)
    network.wait_until(lambda: state(joiner) == "PartOfNetwork")
    network.wait_until_settled(joiner)
    answer = joiner.request("GET", f"/node/network/nodes/{joiner.node_id}")
    assert json.loads_object(answer.body)["status"] == "Trusted"


@pytest.mark.newest
def test_a_trusted_node_reads_what_was_private_before(
    network: Network, alice: Person
) -> None:
    first = network.nodes[0]
    first.request("PUT", "/app/notes", body={"a": "before it came"}, person=alice)
    joiner = network.join()
    network.deliver()
    network.nodes[0].trust(joiner)
    network.wait_until_settled(joiner)
    answer = joiner.request("GET", "/app/notes?name=a", person=alice)
    assert json.loads(answer.body) == "before it came"


def test_a_joiner_is_told_of_secrets_made_after_it_was_trusted(
    network: Network, alice: Person
) -> None:
    first = network.nodes[0]
    joiner = network.join()
    network.deliver()
    network.nodes[0].trust(joiner)
    first.propose({"name": "trigger_ledger_rekey"})
    first.request("PUT", "/app/notes", body={"a": "after a rekey"}, person=alice)
    network.wait_until_settled(joiner)
    answer = joiner.request("GET", "/app/notes?name=a", person=alice)
    assert json.loads(answer.body) == "after a rekey"


# Refusals


@attack("join: host data that nobody allowed")
def test_a_node_of_another_program_is_refused_and_stops(network: Network) -> None:
    joiner = network.join(executable_digest="ab" * 32)
    network.deliver()
    stop = joiner.host.stop
    assert stop is not None
    assert stop.exit_code != 0
    assert stop.reason.startswith(
        "Join request to 127.0.0.1:8000 returned 401 Bad Request: "
    )
    assert "Quote host data is not authorised" in stop.reason
    assert stop.reason.endswith(". Shutting down node gracefully.")
    assert said(joiner, "Quote host data is not authorised")
    assert said(network.nodes[0], "Quote host data is not authorised")


@attack("join: another service in place of the one that was meant")
def test_a_node_that_expects_another_service_tells_it_nothing_and_stops(
    network: Network,
) -> None:
    entropy = SeededEntropy(b"elsewhere")
    key = KeyPair.generate(entropy, Curve.SECP384R1)
    other = certs.service_certificate(
        key,
        subject="CN=Other",
        not_before=certs.parse_time("2025-06-01"),
        validity_days=365,
        entropy=entropy,
    )
    before = len(network.nodes[0].host.entries)
    joiner = network.join(service_certificate=other.pem)
    network.deliver()
    stop = joiner.host.stop
    assert stop is not None
    assert stop.exit_code != 0
    assert stop.reason.startswith(
        "Early error when joining existing network at 127.0.0.1:8000: "
    )
    assert "invalid cert on handshake" in stop.reason
    assert stop.reason.endswith(". Shutting down node gracefully...")
    network.advance(RETRY_MS)
    assert len(network.nodes[0].host.entries) == before


def test_nobody_there_is_tried_again(network: Network) -> None:
    first = network.nodes[0]
    joiner = network.join()
    network.kill(first)
    network.advance(3 * RETRY_MS)
    assert joiner.host.stop is None
    assert state(joiner) == "Pending"
    assert sum(isinstance(e, OpenCall) for e in joiner.host.effects) == 4


# Redirects


@pytest.fixture
def pair(network: Network) -> Network:
    """An open service of two nodes."""
    second = network.join()
    network.deliver()
    network.nodes[0].trust(second)
    network.wait_until_settled(second)
    return network


@attack("join: asking a node that is not the primary")
def test_a_backup_sends_a_joiner_to_the_primary(pair: Network) -> None:
    first, second = pair.nodes
    joiner = pair.join(second)
    pair.deliver()
    assert said(joiner, "Target node redirected to https://127.0.0.1:8000/node/join")
    pair.advance(RETRY_MS)
    assert said(first, f"Node {joiner.node_id} added as Pending") == 1
    assert said(joiner, "is waiting for votes of members to be trusted")


def test_a_joiner_need_not_follow(pair: Network) -> None:
    joiner = pair.join(pair.nodes[1], follow_redirect=False)
    pair.advance(2 * RETRY_MS)
    assert said(joiner, "An error occurred while joining the network: 308") == 3
    assert state(joiner) == "Pending"


def test_a_backup_answers_a_node_that_is_known(pair: Network) -> None:
    second = pair.nodes[1]
    joiner = pair.join(second)
    pair.advance(2 * RETRY_MS)
    assert said(joiner, "is waiting for votes of members to be trusted")
    pair.nodes[0].trust(joiner)
    pair.wait_until(lambda: state(joiner) == "PartOfNetwork")


# What leaves


@attack("join: a host that reads what a joiner is given")
def test_no_host_ever_holds_what_a_joiner_is_given(new_network: Network) -> None:
    joiner = new_network.join()
    new_network.wait_until_settled(joiner)
    running = joiner.trusted.running
    assert running is not None
    _, secret = running.tail.secrets.latest
    canaries = [
        *(line.encode() for line in running.service_identity.key.pem.splitlines()[1:3]),
        *(line.encode() for line in running.identity.key.pem.splitlines()[1:3]),
        secret.raw,
        secret.raw.hex().encode(),
        base64.b64encode(secret.raw),
    ]
    assert all(len(canary) > 20 for canary in canaries)
    for node in new_network.nodes:
        assert node.host.effects
        for effect in node.host.effects:
            written = repr(effect).encode() + _bytes_of(effect)
            assert not any(canary in written for canary in canaries), type(effect)


def _bytes_of(effect: object) -> bytes:
    """Join every byte string in an effect, as the host would hold it."""
    if isinstance(effect, bytes):
        return effect
    if isinstance(effect, tuple):
        return b"".join(map(_bytes_of, effect))
    if is_dataclass(effect):
        values = (getattr(effect, field.name) for field in fields(effect))
        return b"".join(map(_bytes_of, values))
    return b""


# Answers that do not fit together


class Impostor:
    """A target with a certificate of the service that answers what it likes."""

    def __init__(self, node: InProcessNode) -> None:
        running = node.trusted.running
        assert running is not None
        self.service = running.service_identity
        self.secrets: Json = [[1, {"raw_key": "A" * 43 + "="}]]
        endorsed = running.credentials.endorsed
        self.context = ServerContext(endorsed.pem, running.identity.key.pem)
        self.endorsed_pem = endorsed.pem
        self.joiner = node.twin()
        boot = replace(node.boot, configuration=joining(node))
        effects = without_snapshot(self.joiner, boot)
        made = next(e for e in effects if isinstance(e, IdentityMade))
        self.joiner_id = made.node_id
        self.now_ms = 0

    @property
    def state(self) -> str:
        running = self.joiner.running
        assert running is not None
        return str(running.state)

    def accept(self, call: int, recorded: list[bytes] | None = None) -> TlsSession:
        """Take the joiner's call and hear its request; record what is said to it."""
        call_id = CallId(call)
        server = TlsSession(self.context)
        effects = self.joiner.step([CallOpened(call=call_id)])
        for _ in range(3):
            for effect in effects:
                if isinstance(effect, SendCall):
                    server.feed(effect.data)
            output = server.take_output()
            if recorded is not None:
                recorded.append(output)
            effects = self.joiner.step([CallData(call=call_id, data=output)])
        return server

    def answer(self, call: int, response: Response) -> list[str]:
        """Serve the joiner's call; return the joiner's logs."""
        server = self.accept(call)
        server.write(serialise_response(response))
        output = server.take_output()
        effects = self.joiner.step([CallData(call=CallId(call), data=output)])
        assert EndCall(call=CallId(call)) in effects
        return [e.message for e in effects if hasattr(e, "message")]

    def next_call(self) -> int:
        """Advance the clock by the retry time; return the next call's number."""
        self.now_ms += RETRY_MS
        effects = self.joiner.step(
            [
                Tick(
                    monotonic_ms=self.now_ms,
                    unix_us=START_UNIX_US + 1000 * self.now_ms,
                )
            ]
        )
        (opened,) = (e for e in effects if isinstance(e, OpenCall))
        return int(opened.call)

    def network_info(self) -> dict[str, Json]:
        return {
            "public_only": False,
            "last_recovered_signed_idx": 0,
            "ledger_secrets": self.secrets,
            "identity": {
                "cert": self.service.certificate.pem,
                "priv_key": self.service.key.pem,
            },
            "endorsed_certificate": self.endorsed_pem,
        }


@pytest.fixture
def impostor(node: InProcessNode) -> Impostor:
    return Impostor(node)


OTHER_KEY = KeyPair.generate(SeededEntropy(b"another"), Curve.SECP384R1)

BROKEN: dict[str, Callable[[dict[str, Json]], Json]] = {
    "no network info": lambda _: None,
    "no certificate": lambda info: info | {"endorsed_certificate": None},
    "another's key": lambda info: (
        info | {"identity": {"cert": _cert(info), "priv_key": OTHER_KEY.pem}}
    ),
    "no key": lambda info: (
        info | {"identity": {"cert": _cert(info), "priv_key": "none"}}
    ),
    "self-signed": lambda info: info | {"endorsed_certificate": _cert(info)},
    "no secrets": lambda info: info | {"ledger_secrets": []},
    "another node's certificate": lambda info: info,
}


def _cert(info: dict[str, Json]) -> Json:
    identity = info["identity"]
    assert isinstance(identity, dict)
    return identity["cert"]


@attack("join: an answer whose parts do not fit together")
@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_handed_over_must_fit_together(
    impostor: Impostor, change: Callable[[dict[str, Json]], Json]
) -> None:
    if change is BROKEN["another node's certificate"]:
        # The twin has the keys of the node it was made from: take others.
        impostor.endorsed_pem = certs.endorse_request(
            certs.certificate_request(OTHER_KEY, subject="CN=Node", sans=()),
            issuer_key=impostor.service.key,
            issuer_cert=impostor.service.certificate,
            not_before=certs.parse_time("2025-06-15"),
            validity_days=30,
            entropy=SeededEntropy(b"serial"),
        ).pem
    body = {"node_status": "Trusted", "network_info": change(impostor.network_info())}
    logged = impostor.answer(1, Response(status=200, body=json.dumps(body)))
    assert logged == ["An error occurred while parsing the join network response"]
    assert impostor.state == "Pending"
    assert impostor.next_call() == 2


def test_the_identity_of_another_service_is_refused(impostor: Impostor) -> None:
    """All of it fits together, but it is not the service that was to be joined."""
    joiner = impostor.joiner.running
    assert joiner is not None
    begin, entropy = certs.parse_time("2025-06-15"), SeededEntropy(b"other service")
    other = certs.service_certificate(
        OTHER_KEY,
        subject="CN=Service",
        not_before=begin,
        validity_days=30,
        entropy=entropy,
    )
    endorsed = certs.endorse_request(
        certs.certificate_request(joiner.identity.key, subject="CN=Node", sans=()),
        issuer_key=OTHER_KEY,
        issuer_cert=other,
        not_before=begin,
        validity_days=30,
        entropy=entropy,
    )
    info = impostor.network_info() | {
        "identity": {"cert": other.pem, "priv_key": OTHER_KEY.pem},
        "endorsed_certificate": endorsed.pem,
    }
    body: Json = {"node_status": "Trusted", "network_info": info}
    logged = impostor.answer(1, Response(status=200, body=json.dumps(body)))
    assert logged == ["An error occurred while parsing the join network response"]
    assert impostor.state == "Pending"


def test_what_fits_together_is_taken(impostor: Impostor) -> None:
    running = impostor.joiner.running
    assert running is not None
    was_trusted = running.is_trusted
    body: Json = {"node_status": "Trusted", "network_info": impostor.network_info()}
    impostor.answer(1, Response(status=200, body=json.dumps(body)))
    assert impostor.state == "PartOfNetwork"
    assert (was_trusted, running.is_trusted) == (False, True)
    assert running.credentials.endorsed.pem == impostor.endorsed_pem
    assert running.service_identity.key.pem == impostor.service.key.pem
    assert running.cose_claims == CoseClaims("", "")


def test_the_private_state_may_still_be_sealed(impostor: Impostor) -> None:
    info = impostor.network_info() | {"public_only": True}
    body: Json = {"node_status": "Trusted", "network_info": info}
    logged = impostor.answer(1, Response(status=200, body=json.dumps(body)))
    assert impostor.state == "PartOfPublicNetwork"
    assert any(line.endswith(": public only") for line in logged)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"node_status":"Odd"}'])
def test_an_answer_that_is_none_is_asked_for_again(
    impostor: Impostor, body: bytes
) -> None:
    logged = impostor.answer(1, Response(status=200, body=body))
    assert logged == ["An error occurred while parsing the join network response"]
    assert impostor.next_call() == 2


@pytest.mark.parametrize(
    ("status", "location"),
    [
        (500, None),
        (503, None),
        (308, None),
        (308, "http://127.0.0.1:1/node/join"),
        (307, "https://[/node/join"),
        (307, "https:///node/join"),
        (307, "https://host:99999999/"),
        (200 + 1, "https://host:1/"),
    ],
)
def test_any_other_answer_is_asked_for_again(
    impostor: Impostor, status: int, location: str | None
) -> None:
    headers = {"location": location} if location else {}
    logged = impostor.answer(1, Response(status=status, headers=headers, body=b"why"))
    assert logged == [f"An error occurred while joining the network: {status} why"]
    assert impostor.state == "Pending"


def test_a_target_that_a_redirect_named_is_given_up_if_nobody_is_there(
    impostor: Impostor,
) -> None:
    elsewhere = {"location": "https://127.0.0.9:1/node/join"}
    impostor.answer(1, Response(status=308, headers=elsewhere))
    assert impostor.next_call() == 2
    impostor.joiner.step([CallEnded(call=CallId(2), reason="unreachable")])
    impostor.now_ms += RETRY_MS
    effects = impostor.joiner.step([Tick(monotonic_ms=impostor.now_ms, unix_us=1)])
    assert OpenCall(call=CallId(3), address="127.0.0.1:8000") in effects


@pytest.mark.parametrize(
    ("location", "address"),
    [
        ("https://[::1]:9000/node/join", "[::1]:9000"),
        ("https://[::1]/node/join", "[::1]:443"),
        ("https://node.example/node/join", "node.example:443"),
    ],
)
def test_the_address_in_a_redirect_is_called_as_the_host_reads_addresses(
    impostor: Impostor, location: str, address: str
) -> None:
    impostor.answer(1, Response(status=308, headers={"location": location}))
    impostor.now_ms += RETRY_MS
    effects = impostor.joiner.step([Tick(monotonic_ms=impostor.now_ms, unix_us=1)])
    assert OpenCall(call=CallId(2), address=address) in effects


@attack("join: redirects without end")
def test_whom_a_redirect_named_is_not_asked_for_ever(impostor: Impostor) -> None:
    elsewhere = {"location": "https://127.0.0.9:1/node/join"}
    impostor.answer(1, Response(status=308, headers=elsewhere))
    assert impostor.next_call() == 2
    impostor.answer(2, Response(status=200, body=b'{"node_status":"Pending"}'))
    impostor.now_ms += RETRY_MS
    effects = impostor.joiner.step([Tick(monotonic_ms=impostor.now_ms, unix_us=1)])
    assert OpenCall(call=CallId(3), address="127.0.0.1:8000") in effects


def test_a_connection_that_breaks_is_made_again(impostor: Impostor) -> None:
    impostor.accept(1)
    effects = impostor.joiner.step([CallEnded(call=CallId(1), reason="reset")])
    logged = [e.message for e in effects if isinstance(e, WriteLog)]
    (line,) = logged
    assert line.startswith("An error occurred while joining the network: 127.0.0.1:")
    assert line.endswith(": closed without a response")
    assert impostor.next_call() == 2


@pytest.mark.parametrize("status", [400, 401, 404, 499])
def test_a_refusal_stops_the_node(impostor: Impostor, status: int) -> None:
    logged = impostor.answer(1, Response(status=status, body=b"because"))
    reason = (
        f"Join request to 127.0.0.1:8000 returned {status} Bad Request: because. "
        "Shutting down node gracefully."
    )
    assert logged == [reason]
    assert impostor.joiner.step([Tick(monotonic_ms=9_999, unix_us=1)]) == []


def test_a_request_that_cannot_be_made_is_made_later(impostor: Impostor) -> None:
    calls = impostor.joiner._parts.calls
    impostor.joiner.step([CallEnded(call=CallId(1), reason="refused")])
    trust_all = ClientContext(
        trusted_pem=impostor.service.certificate.pem,
        host="h",
        now=certs.parse_time("2025-06-15"),
    )
    request = Request(method="GET", path="/")
    while len(calls) < limits.CALLS_MAX:
        calls.request("h:1", request, trust=trust_all, then=lambda _: None)
    impostor.now_ms += RETRY_MS
    tick = Tick(monotonic_ms=impostor.now_ms, unix_us=START_UNIX_US)
    logged = [
        e.message for e in impostor.joiner.step([tick]) if isinstance(e, WriteLog)
    ]
    assert any("beyond the 64 under way" in line for line in logged)
    calls.tick(impostor.now_ms + limits.CALL_DEADLINE_MS)
    assert impostor.next_call() == limits.CALLS_MAX + 2


@attack("join: an answer recorded for another node")
def test_an_answer_recorded_for_another_node(impostor: Impostor) -> None:
    """A host that has what a node was answered says it to the next that asks."""
    recorded: list[bytes] = []
    server = impostor.accept(1, recorded)
    body: Json = {"node_status": "Trusted", "network_info": impostor.network_info()}
    server.write(serialise_response(Response(status=200, body=json.dumps(body))))
    recorded.append(server.take_output())
    impostor.joiner.step([CallEnded(call=CallId(1), reason="reset")])
    again = impostor.next_call()
    effects = impostor.joiner.step([CallOpened(call=CallId(again))])
    for data in recorded:
        effects += impostor.joiner.step([CallData(call=CallId(again), data=data)])
    assert EndCall(call=CallId(again)) in effects
    assert impostor.state == "Pending"
    (stop,) = (effect for effect in effects if isinstance(effect, Stop))
    assert "error on handshake" in stop.reason


@attack("join: an answer after the join")
def test_an_answer_that_comes_after_the_join_means_nothing(impostor: Impostor) -> None:
    running = impostor.joiner.running
    assert running is not None
    running.state = NodeState.PART_OF_NETWORK
    body: Json = {"node_status": "Trusted", "network_info": impostor.network_info()}
    assert impostor.answer(1, Response(status=200, body=json.dumps(body))) == []

"""A joining node checks answers, and accepts none that does not fit."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccfpy.base import json, limits
from ccfpy.base.ids import CallId
from ccfpy.base.json import Json
from ccfpy.boundary.effects import (
    EndCall,
    IdentityMade,
    OpenCall,
    SendCall,
    Stop,
    WriteLog,
)
from ccfpy.boundary.events import (
    CallData,
    CallEnded,
    CallOpened,
    Tick,
)
from ccfpy.crypto import certs
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.endpoints.context import CoseClaims
from ccfpy.http.messages import Request, Response, serialise_response
from ccfpy.http.tls import ServerContext, TlsSession
from ccfpy.http.tls_calls import ClientContext
from ccfpy.node.lifecycle import NodeState
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.testing.node import START_UNIX_US, InProcessNode
from tests.attacks import attack
from tests.unit.node.joiners import RETRY_MS, joining, without_snapshot

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

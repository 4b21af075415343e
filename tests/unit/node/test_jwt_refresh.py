"""The primary keeps issuers' keys as the issuers publish them, and nobody else's."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest

from ccfpy.base import json, limits
from ccfpy.base.json import Json, JsonObject
from ccfpy.boundary.configuration import NodeConfiguration
from ccfpy.testing.node import GOV_VERSION, InProcessNode, Person
from tests.attacks import attack
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.issuers import (
    KEYS,
    METADATA,
    Issuer,
    NetworkWithIssuers,
    authority,
    public_jwk,
    vouched_for,
)

INTERVAL_MS = 60_000


def act(name: str, /, **args: Json) -> JsonObject:
    return {"name": name, "args": args}


class Service:
    """A network whose first node's service trusts issuers."""

    def __init__(self, members: tuple[Person, ...], interval_ms: int) -> None:
        def configure(configuration: NodeConfiguration) -> NodeConfiguration:
            return replace(configuration, jwt_key_refresh_interval_ms=interval_ms)

        self.network = NetworkWithIssuers(
            NotesApp(), constitution=CONSTITUTION, members=members, configure=configure
        )
        self.network.reach()
        self.node = self.network.start()
        self.network.advance(200)
        self.node.open_service()

    def advance(self, ms: int) -> None:
        """Advance time, in few steps: nothing happens for most of an interval."""
        self.network.advance(ms, tick_ms=500)

    def trust(
        self,
        issuer: Issuer,
        *,
        name: str | None = None,
        bundle: str | None = None,
        auto_refresh: bool = True,
    ) -> None:
        """Make members accept an issuer, whose own certificate vouches for it."""
        if issuer not in self.network.issuers:
            self.network.issuers.append(issuer)
        decided = self.node.propose(
            act("set_ca_cert_bundle", name="ca", cert_bundle=bundle or issuer.bundle),
            act(
                "set_jwt_issuer",
                issuer=name or issuer.name,
                auto_refresh=auto_refresh,
                ca_cert_bundle_name="ca",
            ),
        )
        assert b"Accepted" in decided.body, decided.body
        self.network.deliver()

    def add_node(self) -> InProcessNode:
        """Make a node join, and be trusted."""
        joiner = self.network.join()
        path = f"/node/network/nodes/{joiner.node_id}"
        self.network.wait_until(lambda: self.node.request("GET", path).status == 200)
        decided = self.node.propose(
            act(
                "transition_node_to_trusted",
                node_id=joiner.node_id,
                valid_from="250615000000Z",
            )
        )
        assert b"Accepted" in decided.body, decided.body
        self.network.wait_until_settled()
        return joiner

    def keys(self) -> dict[str, list[tuple[Json, Json]]]:
        """Return each key's issuer and constraint, by key id."""
        path = f"/gov/service/jwk?api-version={GOV_VERSION}"
        keys = json.loads_object(self.node.request("GET", path).body)["keys"]
        assert isinstance(keys, dict)
        return {
            kid: [
                (key["issuer"], key["constraint"])
                for key in cast("list[JsonObject]", shared)
            ]
            for kid, shared in keys.items()
        }

    def kids(self) -> set[str]:
        return set(self.keys())

    def metrics(self, node: InProcessNode | None = None) -> JsonObject:
        asked = node or self.node
        answer = asked.request("GET", "/node/jwt_keys/refresh/metrics")
        return json.loads_object(answer.body)

    def counts(self, node: InProcessNode | None = None) -> tuple[Json, Json, Json]:
        counted = self.metrics(node)
        return counted["attempts"], counted["successes"], counted["failures"]

    def failed(self) -> str:
        """Return the last line on refreshes at level fail."""
        lines = [log.message for log in self.node.host.logs if log.level == "fail"]
        return next(x for x in reversed(lines) if x.startswith("JWT key auto-refresh"))


@pytest.fixture
def service(members: tuple[Person, ...]) -> Service:
    return Service(members, INTERVAL_MS)


@pytest.fixture
def issuer() -> Issuer:
    issuer = Issuer()
    issuer.publish(public_jwk("k1"))
    return issuer


def test_keys_are_fetched_as_soon_as_an_issuer_is_set(
    service: Service, issuer: Issuer
) -> None:
    service.trust(issuer)
    assert service.kids() == {"k1"}
    assert service.counts() == (1, 1, 0)
    assert [request.path for request in issuer.requests] == [METADATA, KEYS]


@attack("jwt: a key that is no longer published")
def test_keys_follow_at_each_interval(service: Service, issuer: Issuer) -> None:
    service.trust(issuer)
    issuer.publish(public_jwk("k2"), public_jwk("k3"))
    service.advance(INTERVAL_MS // 2)
    assert service.kids() == {"k1"}
    service.advance(INTERVAL_MS // 2)
    assert service.kids() == {"k2", "k3"}
    assert service.counts() == (2, 2, 0)


def test_the_same_keys_are_not_entered_again(service: Service, issuer: Issuer) -> None:
    service.trust(issuer)
    service.network.wait_until_settled()
    before = len(service.node.host.entries)
    service.advance(3 * INTERVAL_MS)
    assert service.counts() == (4, 4, 0)
    assert len(service.node.host.entries) == before


def test_without_an_interval_only_setting_an_issuer_counts(
    members: tuple[Person, ...], issuer: Issuer
) -> None:
    service = Service(members, 0)
    service.trust(issuer)
    service.advance(INTERVAL_MS)
    assert service.counts() == (1, 1, 0)


def test_issuers_who_did_not_ask_for_it_are_left_alone(
    service: Service, issuer: Issuer
) -> None:
    service.trust(issuer, auto_refresh=False)
    service.advance(2 * INTERVAL_MS)
    assert issuer.connections == 0
    assert service.counts() == (0, 0, 0)


def test_the_place_of_the_keys_is_taken_whole(service: Service) -> None:
    elsewhere = Issuer(port=8443)
    elsewhere.publish(public_jwk("k1"))
    elsewhere.pages[METADATA] = {"jwks_uri": f"{elsewhere.name}{KEYS}?v=2"}
    service.trust(elsewhere)
    assert service.kids() == {"k1"}
    request = elsewhere.requests[-1]
    assert (request.path, request.query) == (KEYS, "v=2")
    assert request.headers["host"] == "login.example:8443"


def test_a_slash_at_the_issuers_end_is_not_doubled(
    service: Service, issuer: Issuer
) -> None:
    service.trust(issuer, name=f"{issuer.name}/")
    assert issuer.requests[0].path == METADATA


# Whose tokens a key may sign


@pytest.mark.parametrize(
    ("own", "said", "constraint"),
    [
        (None, None, None),
        (None, "https://login.example/t", "https://login.example/t"),
        ("https://example", "https://login.example/t", "https://example"),
    ],
    ids=["nobody says", "the issuer says", "the key says"],
)
def test_a_key_is_bound_to_whom_the_key_or_else_the_issuer_names(
    service: Service,
    issuer: Issuer,
    own: str | None,
    said: str | None,
    constraint: str | None,
) -> None:
    more = {} if said is None else {"issuer": said}
    issuer.publish(public_jwk("k", **({} if own is None else {"issuer": own})), **more)
    service.trust(issuer)
    assert service.keys() == {"k": [(issuer.name, constraint)]}


@attack("jwt: an issuer that speaks for another")
def test_nobody_can_speak_for_another_domain(service: Service, issuer: Issuer) -> None:
    issuer.publish(public_jwk("k"), issuer="https://other.example")
    service.trust(issuer)
    assert service.kids() == set()
    assert service.counts() == (1, 0, 1)
    assert "fails validation against issuer" in service.failed()


# Who is believed


@attack("jwt: an issuer whose server is another's")
def test_a_server_that_the_bundle_does_not_vouch_for_gets_no_request(
    service: Service, issuer: Issuer
) -> None:
    issuer.presents = authority("mallory", "dNSName:login.example")
    service.trust(issuer)
    assert issuer.connections == 1
    assert issuer.requests == []
    assert service.kids() == set()
    assert "invalid cert on handshake" in service.failed()


def test_a_server_that_an_authority_vouches_for_is_asked_under_its_name(
    service: Service, issuer: Issuer
) -> None:
    key, certificate, authority = vouched_for("login", "dNSName:login.example")
    issuer.presents = key, certificate
    service.trust(issuer, bundle=authority.pem)
    assert service.kids() == {"k1"}


@attack("jwt: an issuer whose server is another's")
def test_a_server_that_an_authority_vouches_for_under_another_name_gets_none_either(
    service: Service, issuer: Issuer
) -> None:
    key, certificate, authority = vouched_for("other", "dNSName:other.example")
    issuer.presents = key, certificate
    service.trust(issuer, bundle=authority.pem)
    assert issuer.connections == 1
    assert issuer.requests == []
    assert service.kids() == set()
    assert "invalid cert on handshake" in service.failed()


def test_a_server_whose_certificate_is_in_the_bundle_is_asked_whatever_its_name(
    service: Service, issuer: Issuer
) -> None:
    issuer.presents = authority("nameless")
    service.trust(issuer, bundle=issuer.presents[1].pem)
    assert service.kids() == {"k1"}


# What goes wrong

_GOOD_KEYS: Json = {"keys": [public_jwk("k")]}
_MUCH = b'{"keys": []}' + b" " * limits.JWT_RESPONSE_BYTES_MAX


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        ({}, "Error while requesting OpenID metadata: 404"),
        ({METADATA: b"<html>"}, "not JSON"),
        ({METADATA: []}, "expected a JSON object"),
        ({METADATA: {}}, "Cannot parse OpenID metadata"),
        ({METADATA: {"jwks_uri": 1}}, "Cannot parse OpenID metadata"),
        (
            {METADATA: {"jwks_uri": "https://login.example/keys", "issuer": {}}},
            "Cannot parse OpenID metadata",
        ),
        ({METADATA: {"jwks_uri": "http://login.example/keys"}}, "not the https URL"),
        ({METADATA: {"jwks_uri": "https://u:p@login.example/"}}, "not the https URL"),
        ({METADATA: {"jwks_uri": "/keys"}}, "Cannot parse URL"),
        ({METADATA: {"jwks_uri": "https:///keys"}}, "Cannot parse URL"),
        ({METADATA: {"jwks_uri": "https://h:99999/"}}, "Cannot parse URL"),
        ({METADATA: {"jwks_uri": "https://a\0b/"}}, "Cannot parse URL"),
        ({METADATA: {"jwks_uri": f"https://{'a' * 64}.org/"}}, "Cannot parse URL"),
        ({METADATA: {"jwks_uri": "https://[::zz]/"}}, "Cannot parse URL"),
        (
            {METADATA: {"jwks_uri": "https://login.example/none"}},
            "Error while requesting JWKS: 404",
        ),
        ({KEYS: {"foo": "bar"}}, "a key set lacks its field 'keys'"),
        ({KEYS: {"keys": []}}, "JWKS has no keys"),
        ({KEYS: {"keys": [{"kty": "EC", "kid": "k"}]}}, "has neither RSA/EC"),
        ({KEYS: {"keys": [{"kty": "oct"}]}}, ""),
    ],
)
def test_an_answer_that_is_of_no_use_counts_and_changes_nothing(
    service: Service, issuer: Issuer, pages: dict[str, Json | bytes], reason: str
) -> None:
    service.trust(issuer)
    if KEYS in pages:
        pages = {METADATA: issuer.pages[METADATA], **pages}
    issuer.pages = {KEYS: _GOOD_KEYS, **pages}
    service.advance(INTERVAL_MS)
    assert service.counts() == (2, 1, 1)
    assert service.kids() == {"k1"}
    assert reason in service.failed()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda issuer: setattr(issuer, "is_silent", True),
        lambda issuer: issuer.headers.update(x="y" * 2 * limits.HTTP_HEADER_BYTES_MAX),
        lambda issuer: issuer.pages.update({KEYS: _MUCH}),
    ],
    ids=["silence", "headers that are too large", "keys that are too many"],
)
def test_no_answer_is_an_attempt_and_no_failure(
    service: Service, issuer: Issuer, spoil: Callable[[Issuer], None]
) -> None:
    spoil(issuer)
    service.trust(issuer)
    service.advance(limits.CALL_DEADLINE_MS + 1000)
    assert service.counts() == (1, 0, 0)
    assert service.kids() == set()
    assert f"of issuer '{issuer.name}'" in service.failed()


@attack("jwt: an answer of an issuer without end")
def test_an_answer_may_be_so_large(service: Service, issuer: Issuer) -> None:
    body = json.dumps(issuer.pages[KEYS])
    issuer.pages[KEYS] = body.ljust(limits.JWT_RESPONSE_BYTES_MAX)
    service.trust(issuer)
    assert service.counts() == (1, 1, 0)


@pytest.mark.parametrize(("more", "is_taken"), [(0, True), (1, False)])
def test_a_url_may_be_so_long(
    service: Service, issuer: Issuer, more: int, *, is_taken: bool
) -> None:
    url = f"{issuer.name}{KEYS}?".ljust(limits.JWT_URL_CHARS_MAX + more, "x")
    issuer.pages[METADATA] = {"jwks_uri": url}
    service.trust(issuer)
    assert (service.kids() == {"k1"}) is is_taken


def test_a_bundle_that_is_gone_is_a_failure(service: Service, issuer: Issuer) -> None:
    service.trust(issuer)
    service.node.propose(act("remove_ca_cert_bundle", name="ca"))
    service.advance(INTERVAL_MS)
    assert service.counts() == (2, 1, 1)
    assert "CA cert bundle with name 'ca' not found" in service.failed()


# What changes meanwhile


def test_an_issuer_that_was_removed_meanwhile_gets_no_keys(
    service: Service, issuer: Issuer
) -> None:
    issuer.is_silent = True
    service.trust(issuer)
    service.node.propose(act("remove_jwt_issuer", issuer=issuer.name))
    issuer.is_silent = False
    service.advance(2 * INTERVAL_MS)
    assert service.kids() == set()
    assert service.counts() == (1, 0, 0)


def test_an_issuer_that_is_set_again_is_asked_again_at_once(
    service: Service, issuer: Issuer
) -> None:
    issuer.is_silent = True
    service.trust(issuer)
    issuer.is_silent = False
    service.trust(issuer)
    assert service.kids() == {"k1"}
    assert service.counts() == (2, 1, 0)


def test_so_many_are_asked_at_once_and_the_others_in_turn(service: Service) -> None:
    shared = Issuer(is_silent=True)
    shared.publish(public_jwk("k"))
    most = limits.JWT_REFRESHES_MAX
    service.network.issuers.append(shared)
    service.node.propose(
        act("set_ca_cert_bundle", name="ca", cert_bundle=shared.bundle),
        *(
            act(
                "set_jwt_issuer",
                issuer=f"{shared.name}/{number}",
                auto_refresh=True,
                ca_cert_bundle_name="ca",
            )
            for number in range(most + 1)
        ),
    )
    service.network.deliver()
    assert shared.connections == most
    service.advance(limits.CALL_DEADLINE_MS + 1000)
    assert shared.connections == most + 1


# Who asks


@pytest.mark.slow
def test_only_the_primary_asks_whoever_that_is(
    service: Service, issuer: Issuer
) -> None:
    network, first = service.network, service.node
    second, third = service.add_node(), service.add_node()
    service.trust(issuer)
    network.wait_until_settled()
    assert [service.counts(node)[0] for node in (first, second, third)] == [1, 0, 0]
    network.kill(first)
    issuer.publish(public_jwk("k2"))
    network.advance(2 * INTERVAL_MS)
    for service.node in (second, third):
        network.wait_until(lambda: service.kids() == {"k2"})
    assert sorted(bool(service.counts(node)[0]) for node in (second, third)) == [
        False,
        True,
    ]

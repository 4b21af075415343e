"""A node with several interfaces, each with its own rules."""

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from ccfpy.client.transport import trust_only
from ccfpy.local.configuration import INTERFACE
from tests.attacks import attack
from tests.e2e import lines_app
from tests.e2e.running import DEADLINE_S, Running, running_node

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject

IDLE_S = 3
"""Longer than a crowded machine pauses: nobody's request is taken for silence."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A node that answers in six ways."""
    anywhere: JsonObject = {"bind_address": "127.0.0.1:0"}
    network: JsonObject = {
        "node_to_node_interface": anywhere,
        "rpc_interfaces": {
            INTERFACE: anywhere,
            "self": anywhere | {"endorsement": {"authority": "Node"}},
            "plain": anywhere
            | {
                "endorsement": {"authority": "Unsecured"},
                "accepted_endpoints": ["/node/state"],
            },
            "mute": anywhere | {"endorsement": {"authority": "Unsecured"}},
            "gated": anywhere | {"accepted_endpoints": ["/node/state", "/gov/.*"]},
            "lines": anywhere | {"app_protocol": "LINES"},
        },
    }
    extra: JsonObject = {
        "network": network,
        "idle_connection_timeout": f"{IDLE_S}s",
    }
    workspace = tmp_path_factory.mktemp("interfaces")
    with running_node(workspace, app=lines_app.__file__, extra=extra) as running:
        yield running


def _address(node: Running, interface: str) -> tuple[str, int]:
    addresses = json.loads((node.node.folder / "0.rpc_addresses").read_bytes())
    host, port = addresses[interface].split(":")
    return host, int(port)


def _get(
    node: Running, interface: str, path: str, trust: ssl.SSLContext | None
) -> tuple[int, bytes]:
    host, port = _address(node, interface)
    connection: http.client.HTTPConnection
    if trust is None:
        connection = http.client.HTTPConnection(host, port, timeout=DEADLINE_S)
    else:
        connection = http.client.HTTPSConnection(
            host, port, timeout=DEADLINE_S, context=trust
        )
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def test_every_interface_has_a_port_of_its_own(node: Running) -> None:
    names = (INTERFACE, "self", "plain", "mute", "gated", "lines")
    assert len({_address(node, name) for name in names}) == 6


def test_a_node_vouches_for_itself_where_it_is_told_to(node: Running) -> None:
    own = (node.node.folder / "0.pem").read_text()
    status, _ = _get(node, "self", "/node/state", trust_only(own))
    assert status == 200
    with pytest.raises(ssl.SSLCertVerificationError):
        _get(node, "self", "/node/state", trust_only(node.certificate))
    with pytest.raises(ssl.SSLCertVerificationError):
        _get(node, INTERFACE, "/node/state", trust_only(own))


def test_an_unsecured_interface_speaks_plain_http(node: Running) -> None:
    status, body = _get(node, "plain", "/node/state", None)
    assert status == 200
    assert json.loads(body)["state"] == "PartOfNetwork"


def test_an_unsecured_interface_answers_only_what_it_is_told_to(node: Running) -> None:
    assert _get(node, "plain", "/node/network", None) == (503, b"")
    assert _get(node, "mute", "/node/state", None) == (503, b"")


def test_an_interface_accepts_only_the_endpoints_it_lists(node: Running) -> None:
    trust = trust_only(node.certificate)
    assert _get(node, "gated", "/node/state", trust)[0] == 200
    path = "/gov/service/info?api-version=2024-07-01"
    assert _get(node, "gated", path, trust)[0] == 200
    for refused in ("/node/network", "/node/commit"):
        assert _get(node, "gated", refused, trust) == (503, b"")


@attack("slow: a connection that is idle")
def test_an_idle_session_is_closed(node: Running) -> None:
    with (
        socket.create_connection(_address(node, "plain")) as plain,
        socket.create_connection(_address(node, INTERFACE)) as raw,
        trust_only(node.certificate).wrap_socket(
            raw, server_hostname="127.0.0.1"
        ) as secure,
    ):
        plain.settimeout(DEADLINE_S)
        assert plain.recv(1) == b""
        secure.settimeout(DEADLINE_S)
        with suppress(ssl.SSLEOFError):  # closed without a word, which is as good
            assert secure.recv(1) == b""


def test_users_are_told_when_the_service_is_not_open_and_served_by_its_protocols(
    node: Running,
) -> None:
    status, body = _get(node, INTERFACE, "/app/commit", trust_only(node.certificate))
    assert status == 404
    assert json.loads(body)["error"]["code"] == "FrontendNotOpen"
    node.open(["user0"])
    trust = trust_only(node.certificate)
    keys = node.options.keys("user0")
    trust.load_cert_chain(keys.certificate, keys.private_key)
    with (
        socket.create_connection(_address(node, "lines"), DEADLINE_S) as raw,
        trust.wrap_socket(raw, server_hostname="127.0.0.1") as session,
        session.makefile("rwb", buffering=0) as lines,
    ):
        session.sendall(b"one\ntwo\n")
        assert [lines.readline() for _ in range(2)] == [b"1 one\n", b"2 two\n"]
        with socket.create_connection(_address(node, "plain"), DEADLINE_S) as idle:
            assert idle.recv(1) == b""
        session.sendall(b"three\n")
        assert lines.readline() == b"3 three\n"
        session.sendall(b"fail\n")
        assert lines.read(1) == b"", "and nothing else has ended"
    assert _get(node, INTERFACE, "/app/lines", trust)[1] == b"3"

"""Clients of SCITT take the transparency service for the one they were written for."""

import json
from base64 import b64encode
from pathlib import Path

import pytest

from apps import scitt
from ccfpy.base.json import dumps, loads_object
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, recover_alone, submit_share
from tests.apps.scitt_kit import (
    CONSTITUTION,
    HEADERS,
    SCRAPI,
    configuration,
    issuer,
    set_configuration,
)
from tests.damage import with_a_bit_changed
from tests.e2e.running import running_node
from tests.interop.environments import Tools, install_locked

MEMBER = Person.make("member0", can_recover=True)
CLAIMS = ("scitt.example", "receipts")
RECOVERIES = 1
LOOKS_MAX = 100
TURNS = 10
"""In which a node has read the private state again."""


@pytest.fixture(scope="session")
def clients() -> Tools:
    """The Python that has pyscitt and scitt-cose."""
    python = install_locked("scitt", "scitt.lock", "SCITT's clients", 7)
    return Tools(line=7, bin=python.parent)


def test_its_client_governs_registers_and_verifies(
    clients: Tools, tmp_path: Path
) -> None:
    with running_node(
        tmp_path, app="scitt", scripts=CONSTITUTION, cose_claims=CLAIMS
    ) as node:
        node.open([])
        keys = node.options.keys("member0")
        told = json.loads(
            clients.answer(
                *("scitt_client.py", "live", node.url),
                node.options.service_certificate.resolve(),
                keys.certificate.resolve(),
                keys.private_key.resolve(),
            )
        )
    assert set(told["registered"]) == set(told["listed"])
    assert len(told["registered"]) == 4
    assert told["issuers"] == ["scitt.example"] * 2
    assert told["kids"] == told["keys"]
    assert told["refused"] == ["PolicyFailed", "InvalidInput"]


def _register(node: InProcessNode) -> str:
    answer = node.connect().request(
        "POST", f"/entries?{SCRAPI}", body=issuer().sign(), headers=HEADERS
    )
    assert answer.status == 303, answer.body
    node.advance(1000)
    return answer.headers["x-ms-ccf-transaction-id"]


def _recovered(node: InProcessNode, seed: int) -> InProcessNode:
    """Lose the service, and let its member bring it back."""
    again = recover_alone(node.remains(), scitt.app, members=[MEMBER], seed=seed)
    decided = loads_object(ask_for_shares(again).body)
    assert decided["proposalState"] == "Accepted", decided
    assert submit_share(again, MEMBER).status == 200
    for _ in range(TURNS):
        again.advance(100)
    return again


def _read(node: InProcessNode, path: str) -> bytes:
    for _ in range(LOOKS_MAX):
        connection = node.connect()
        answer = connection.request(
            "GET", path, headers=HEADERS, pass_time=lambda: node.advance(10)
        )
        if answer.status == 200:
            return answer.body
        assert answer.status == 503, answer.body
        node.advance(10)
    raise AssertionError(f"{path} is still not there")


def test_receipts_of_every_service_verify_under_the_keys_of_the_last(
    clients: Tools,
) -> None:
    source = "\n".join(path.read_text() for path in CONSTITUTION)
    node = InProcessNode(scitt.app, constitution=source, members=[MEMBER])
    node.open_service()
    node.propose(set_configuration(configuration()))
    registered = [_register(node)]
    for age in range(RECOVERIES):
        node = _recovered(node, seed=5 + age)
        registered.append(_register(node))

    statements = [_read(node, f"/entries/{tx_id}/statement") for tx_id in registered]
    with_another_signature = with_a_bit_changed(statements[0])
    statements.append(with_another_signature)
    question = {
        "keys": b64encode(_read(node, "/.well-known/scitt-keys")).decode(),
        "statements": [b64encode(each).decode() for each in statements],
    }
    told = json.loads(
        clients.answer("scitt_client.py", "offline", stdin=dumps(question))
    )

    assert told["keys"] == RECOVERIES + 1
    for client in ("pyscitt", "scitt-cose"):
        assert told[client] == [True] * (RECOVERIES + 1) + [False], client

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ccfpy.client.errors import ClientError, ServiceError
from ccfpy.client.keyfiles import KeyFiles, generate_keys
from ccfpy.client.membership import Membership, NotDecided
from ccfpy.client.signer import FileSigner
from ccfpy.crypto.ec import Curve
from tests.unit.client.conftest import Serve
from tests.unit.client.networked import PROPOSAL, Service, node_id


@pytest.fixture
def signer(tmp_path: Path) -> FileSigner:
    files = KeyFiles(folder=tmp_path, name="member0")
    generate_keys(files, curve=Curve.SECP256R1, with_encryption_key=False)
    return FileSigner.load(files)


@pytest.fixture
def service(service_pem: str) -> Service:
    """A service of two nodes, of which the second has asked to join."""
    return Service(certificate=service_pem, statuses={"a": "Trusted", "b": "Pending"})


def _change(
    serve: Serve,
    service: Service,
    work: Callable[[Membership], Awaitable[None]],
    *,
    timeout_s: float = 60,
) -> list[str]:
    said: list[str] = []

    async def changed() -> None:
        async with serve(service.answer) as url:
            service.address = url.removeprefix("https://")
            membership = Membership(
                [url],
                service_certificate=service.certificate,
                say=said.append,
                timeout_s=timeout_s,
            )
            await work(membership)

    asyncio.run(changed())
    return said


def test_a_node_is_trusted_by_vote_and_waited_for(
    serve: Serve, service: Service, signer: FileSigner
) -> None:
    said = _change(serve, service, lambda m: m.trust("bbb", [signer], validity_days=7))
    (action,) = service.proposed
    assert action["name"] == "transition_node_to_trusted"
    assert action["args"]["node_id"] == node_id("b")
    assert action["args"]["validity_period_days"] == 7
    assert said == [
        "node bbbbbbbb is trusted",
        "node bbbbbbbb takes part, and has all up to 2.9",
    ]
    assert len(_change(serve, service, lambda m: m.trust("bbb", [signer]))) == 2
    assert service.votes == 1


def test_what_more_votes_must_decide_is_said(
    serve: Serve, service: Service, signer: FileSigner
) -> None:
    service.votes_needed = 2
    with pytest.raises(NotDecided, match=f"{PROPOSAL} is Open after 1 ballots.*again"):
        _change(serve, service, lambda m: m.trust("b", [signer]))
    _change(serve, service, lambda m: m.trust("b", [signer]))


def test_what_is_proposed_already_is_gone_on_with(
    serve: Serve, service: Service, signer: FileSigner
) -> None:
    service.statuses = {"a": "Trusted", "b": "Trusted", "c": "Trusted"}
    service.votes_needed = 2
    with pytest.raises(NotDecided, match=f"ccfpy gov vote {PROPOSAL}"):
        _change(serve, service, lambda m: m.retire("b", [signer]))
    service.votes_needed = 3
    with pytest.raises(NotDecided):
        _change(serve, service, lambda m: m.retire("b", [signer]))
    assert len(service.proposed) == 1
    # Another node's retirement is another proposal.
    service.votes_needed = 9
    with pytest.raises(NotDecided):
        _change(serve, service, lambda m: m.retire("c", [signer]))
    assert len(service.proposed) == 2


def test_a_proposal_is_withdrawn_where_a_vote_fails(
    serve: Serve, service: Service, signer: FileSigner
) -> None:
    service.statuses["b"] = "Trusted"
    service.refuses_votes = True
    with pytest.raises(ServiceError, match="InvalidInput"):
        _change(serve, service, lambda m: m.retire("b", [signer]))
    assert service.state == "Withdrawn"


def test_a_node_that_never_asks_is_given_up(
    serve: Serve, service: Service, signer: FileSigner
) -> None:
    with pytest.raises(ClientError, match=r"waited 0\.1 s for ccc to ask to join"):
        _change(serve, service, lambda m: m.trust("ccc", [signer]), timeout_s=0.1)


def test_a_node_leaves_step_by_step(
    serve: Serve, service: Service, signer: FileSigner
) -> None:
    service.statuses["b"] = "Trusted"
    with pytest.raises(ClientError, match="is trusted, and the service may still"):
        _change(serve, service, lambda m: m.remove("b"))
    said = _change(serve, service, lambda m: m.retire("b", [signer]))
    assert service.proposed == [
        {"name": "remove_node", "args": {"node_id": node_id("b")}}
    ]
    assert said[-1] == "node bbbbbbbb may be stopped, and then removed"
    assert "already" in _change(serve, service, lambda m: m.retire("b", [signer]))[0]
    with pytest.raises(ClientError, match="a new node must join"):
        _change(serve, service, lambda m: m.trust("b", [signer]))
    assert _change(serve, service, lambda m: m.remove("b")) == [
        "node bbbbbbbb is removed"
    ]
    assert service.removed == [node_id("b")]

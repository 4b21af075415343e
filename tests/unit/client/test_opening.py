import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import pytest
from aiohttp import web

from ccfpy.base.ids import TxId
from ccfpy.base.json import loads
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError, ServiceError, Unreachable
from ccfpy.client.governance import Governance
from ccfpy.client.keys import FileSigner, KeyFiles, generate_keys
from ccfpy.client.opening import (
    OPENING_ATTEMPTS_MAX,
    carry,
    open_service,
    wait_ready,
)
from ccfpy.crypto import cose
from ccfpy.crypto.ec import Curve
from tests.unit.client.conftest import Connect, run_connected

PROPOSAL = "ab" * 32


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> list[FileSigner]:
    """Three members' keys."""
    folder = tmp_path_factory.mktemp("keys")
    made = []
    for number in range(3):
        files = KeyFiles(folder=folder, name=f"member{number}")
        generate_keys(files, curve=Curve.SECP256R1, with_encryption_key=False)
        made.append(FileSigner.load(files))
    return made


class Service:
    """Counts votes and opens, as much of a service as opening one needs."""

    def __init__(
        self,
        *,
        votes_needed: int,
        opens: bool = True,
        loses: Sequence[int] = (),
        code: str = "SessionConsistencyLost",
    ) -> None:
        """Make a service that elects a primary at these of its writes, by number."""
        self._needed = votes_needed
        self._opens = opens
        self._loses = loses
        self._code = code
        self._polls = 0
        self._writes = 0
        self.proposals = 0
        self.votes = 0
        self.acks = 0
        self.actions: Any = None

    async def answer(self, request: web.Request) -> web.Response:
        """Take a request."""
        path = request.path
        body = await request.read()
        payload = cose.parse(body).payload or b"" if body else b""
        self._writes += bool(body)
        if body and self._writes in self._loses:
            self.votes = 0
            return _elects(self._code)
        if path.endswith(":withdraw"):
            return self._status()
        if path.endswith(":create"):
            self.actions = loads(payload)
            self.proposals += 1
            return self._status()
        if path.endswith(":submit"):
            self.votes += 1
            return self._status()
        if path.endswith(":ack"):
            self.acks += 1
            return web.Response(status=204)
        self._polls += 1
        return self._look(path)

    def _look(self, path: str) -> web.Response:
        headers = {"x-ms-ccf-transaction-id": "2.4"}
        match path.rsplit("/", maxsplit=1)[-1]:
            case "tx":
                return web.json_response({"status": "Committed"})
            case "state":
                if self._polls == 1:
                    return web.json_response({"error": {}}, status=503)
                return web.json_response({"state": "PartOfNetwork"}, headers=headers)
            case "network":
                is_open = self._opens and self._polls > 2
                status = "Open" if is_open else "Opening"
                return web.json_response({"service_status": status})
            case "commit":
                return web.json_response({}, status=200 if self._polls > 3 else 404)
            case _:
                return web.json_response({"stateDigest": "cd" * 32})

    def _status(self) -> web.Response:
        state = "Accepted" if self.votes >= self._needed else "Open"
        return web.json_response(
            {
                "proposalId": PROPOSAL,
                "proposerId": "x",
                "proposalState": state,
                "ballotCount": self.votes,
            },
            headers={"x-ms-ccf-transaction-id": f"2.{20 + self.votes}"},
        )


def _elects(code: str) -> web.Response:
    error = {"code": code, "message": "there was an election"}
    status = 504 if code == "InternalError" else 500
    return web.json_response({"error": error}, status=status)


@pytest.mark.parametrize("needed", [0, 1, 2, 3])
def test_members_vote_until_it_is_decided(
    connect: Connect, signers: list[FileSigner], needed: int
) -> None:
    service = Service(votes_needed=needed)
    status = run_connected(
        connect,
        service.answer,
        lambda c: carry([Governance(c, s) for s in signers], [{"name": "x"}]),
    )
    assert status.state == "Accepted"
    assert status.txid == TxId(2, 20 + needed)
    assert service.votes == needed


def test_a_proposal_that_nobody_decides_is_not_carried(
    connect: Connect, signers: list[FileSigner]
) -> None:
    with pytest.raises(ClientError, match="is Open after all 3 members voted"):
        run_connected(
            connect,
            Service(votes_needed=4).answer,
            lambda c: carry([Governance(c, s) for s in signers], [{"name": "x"}]),
        )


def test_a_service_is_acknowledged_and_opened_by_one_proposal(
    connect: Connect, service_pem: str, signers: list[FileSigner]
) -> None:
    service = Service(votes_needed=2)
    opened = run_connected(
        connect,
        service.answer,
        lambda c: open_service(
            c,
            [Governance(c, s) for s in signers],
            users=["USER"],
            before=[{"name": "set_js_app"}],
        ),
    )
    assert opened == TxId(2, 22)
    assert service.acks == 3
    assert service.actions == {
        "actions": [
            {"name": "set_user", "args": {"cert": "USER"}},
            {"name": "set_js_app"},
            {
                "name": "transition_service_to_open",
                "args": {"next_service_identity": service_pem},
            },
        ]
    }


@pytest.mark.parametrize("code", ["SessionConsistencyLost", "InternalError"])
@pytest.mark.parametrize("lost", range(1, 10))
def test_an_election_meanwhile_only_delays_it(
    connect: Connect, signers: list[FileSigner], lost: int, code: str
) -> None:
    service = Service(votes_needed=2, loses=[lost], code=code)
    opened = run_connected(
        connect,
        service.answer,
        lambda c: open_service(c, [Governance(c, s) for s in signers], users=[]),
    )
    assert opened == TxId(2, 22)
    assert service.votes == 2
    assert service.proposals == (2 if lost > 7 else 1)


@pytest.mark.parametrize("elections", [OPENING_ATTEMPTS_MAX - 1, OPENING_ATTEMPTS_MAX])
def test_elections_without_end_end_it(
    connect: Connect, signers: list[FileSigner], elections: int
) -> None:
    service = Service(votes_needed=2, loses=range(1, elections + 1))
    ends = elections >= OPENING_ATTEMPTS_MAX
    expected = pytest.raises(ServiceError, match="SessionConsistencyLost")
    with expected if ends else nullcontext():
        run_connected(
            connect,
            service.answer,
            lambda c: open_service(c, [Governance(c, s) for s in signers], users=[]),
        )
    assert service.proposals == (0 if ends else 1)


def test_a_service_that_does_not_open_is_given_up(
    connect: Connect,
    signers: list[FileSigner],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ccfpy.client.opening.OPEN_TIMEOUT_S", 0)
    service = Service(votes_needed=0, opens=False)
    with pytest.raises(ClientError, match="still Opening"):
        run_connected(
            connect,
            service.answer,
            lambda c: open_service(c, [Governance(c, signers[0])], users=[]),
        )


def test_a_node_is_waited_for_until_its_state_is_committed(connect: Connect) -> None:
    service = Service(votes_needed=0)
    assert run_connected(connect, service.answer, wait_ready) == TxId(2, 4)


def test_a_node_that_does_not_answer_is_given_up(
    service_pem: str, unused_port: int
) -> None:
    async def wait() -> None:
        async with Connection(
            f"127.0.0.1:{unused_port}", service_certificate=service_pem
        ) as connection:
            await wait_ready(connection, timeout_s=0)

    with pytest.raises(Unreachable, match="did not become ready"):
        asyncio.run(wait())

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from ccfpy.base.ids import TxId
from ccfpy.base.json import JsonObject
from ccfpy.client.errors import ServiceError
from ccfpy.client.governance import (
    ALREADY_PROPOSED,
    PROPOSALS_MAX,
    Deployment,
    deploy,
)
from ccfpy.client.keys import FileSigner, KeyFiles, generate_keys
from ccfpy.crypto import cose
from ccfpy.crypto.ec import Curve
from tests.unit.client.conftest import Connect
from tests.unit.client.test_opening import Service

ACTION: JsonObject = {"name": "set_js_app", "args": {}}


@pytest.fixture
def members(tmp_path: Path) -> list[FileSigner]:
    """Two members' keys."""
    made = []
    for number in range(2):
        files = KeyFiles(folder=tmp_path, name=f"member{number}")
        generate_keys(files, curve=Curve.SECP256R1, with_encryption_key=False)
        made.append(FileSigner.load(files))
    return made


class Refusing(Service):
    """Refuses the first proposals with an error."""

    def __init__(self, refusals: int, code: str) -> None:
        super().__init__(votes_needed=0)
        self._refusals = refusals
        self._code = code
        self.times: list[object] = []

    async def answer(self, request: web.Request) -> web.Response:
        """Take a request."""
        if request.path.endswith(":create"):
            protected = cose.parse(await request.read()).protected
            self.times.append(protected["ccf.gov.msg.created_at"])
            if len(self.times) <= self._refusals:
                error = {"code": self._code, "message": "no"}
                return web.json_response({"error": error}, status=400)
        return await super().answer(request)


def _deploy(
    connect: Connect, service: Service, members: list[FileSigner]
) -> Deployment:
    async def deployed() -> Deployment:
        async with connect(service.answer) as connection:
            return await deploy(connection, members, ACTION)

    return asyncio.run(deployed())


def test_what_others_propose_in_the_same_second_is_proposed_with_a_later_time(
    connect: Connect, members: list[FileSigner]
) -> None:
    service = Refusing(PROPOSALS_MAX - 1, ALREADY_PROPOSED)
    assert _deploy(connect, service, members).is_installed
    assert len(set(service.times)) == len(service.times) == PROPOSALS_MAX


@pytest.mark.parametrize(
    ("refusals", "code", "attempts"),
    [(PROPOSALS_MAX, ALREADY_PROPOSED, PROPOSALS_MAX), (1, "InvalidInput", 1)],
)
def test_a_proposal_that_is_refused_for_good_is_given_up(
    connect: Connect,
    members: list[FileSigner],
    refusals: int,
    code: str,
    attempts: int,
) -> None:
    service = Refusing(refusals, code)
    with pytest.raises(ServiceError, match=code):
        _deploy(connect, service, members)
    assert len(service.times) == attempts


@pytest.mark.parametrize(("needed", "cast"), [(0, 0), (1, 1), (2, 2), (3, 2)])
def test_these_members_vote_and_what_they_came_to_is_told(
    connect: Connect, members: list[FileSigner], needed: int, cast: int
) -> None:
    service = Service(votes_needed=needed)

    done = _deploy(connect, service, members)
    assert done.is_installed is (needed <= len(members))
    assert service.votes == done.status.ballot_count == cast
    assert done.status.txid == TxId(2, 20 + cast)
    assert service.actions == {"actions": [ACTION]}

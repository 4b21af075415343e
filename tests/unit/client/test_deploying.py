import asyncio
from pathlib import Path

import pytest

from ccfpy.base.ids import TxId
from ccfpy.base.json import JsonObject
from ccfpy.client.connection import Connection
from ccfpy.client.deploying import Deployment, deploy
from ccfpy.client.keyfiles import KeyFiles, generate_keys
from ccfpy.client.signer import FileSigner
from ccfpy.crypto.ec import Curve
from tests.unit.client.conftest import Serve
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


@pytest.mark.parametrize(("needed", "cast"), [(0, 0), (1, 1), (2, 2), (3, 2)])
def test_these_members_vote_and_what_they_came_to_is_told(
    serve: Serve, service_pem: str, members: list[FileSigner], needed: int, cast: int
) -> None:
    service = Service(votes_needed=needed)

    async def deployed() -> Deployment:
        async with (
            serve(service.answer) as url,
            Connection(url, service_certificate=service_pem) as connection,
        ):
            return await deploy(connection, members, ACTION)

    done = asyncio.run(deployed())
    assert done.is_installed is (needed <= len(members))
    assert service.votes == done.status.ballot_count == cast
    assert done.status.txid == TxId(2, 20 + cast)
    assert service.actions == {"actions": [ACTION]}

"""A service whose member decided on something before it is measured."""

import asyncio
from collections.abc import Mapping, Sequence

from benchmarks.harness.service import Service
from ccfpy.base.json import Json
from ccfpy.client.connection import Connection
from ccfpy.client.governance import Governance
from ccfpy.client.keys import FileSigner, KeyFiles
from ccfpy.client.opening import carry

TIMEOUT_S = 60
ONE_MEMBER = ("--initial-member-count", "1")
"""The option of a sandbox whose member decides alone."""


def connect(service: Service, port: int, name: str) -> Connection:
    """Connect to a node as a participant."""
    return Connection(
        f"https://{service.host}:{port}",
        service_certificate=(service.common / "service_cert.pem").read_text(),
        identity=KeyFiles(folder=service.common, name=name),
        timeout_s=TIMEOUT_S,
    )


def decide(service: Service, actions: Sequence[Mapping[str, Json]]) -> None:
    """Propose actions as the only member, and vote for them."""

    async def carried() -> None:
        member = FileSigner.load(KeyFiles(folder=service.common, name="member0"))
        async with connect(service, service.port, "user0") as connection:
            await carry([Governance(connection, member)], actions)

    asyncio.run(carried())

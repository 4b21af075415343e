"""Opens the service of the compose file, once all its nodes are in.

    open.py NODE[:PORT] …

While a service opens, nodes that may join are trusted at once; afterwards members must
vote for each. So the vote waits for them. What is open already stays as it is.
"""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError
from ccfpy.client.governance import Governance
from ccfpy.client.keys import SERVICE_CERTIFICATE, FileSigner, KeyFiles
from ccfpy.client.opening import open_service, wait_ready
from ccfpy.client.survey import Survey, survey

COMMON = "/common"
PORT = 8000
MEMBERS = ("member0", "member1", "member2")
USERS = ("user0",)
DEADLINE_S = 120.0
POLL_S = 0.5


def certificate(folder: Path) -> str:
    """Wait for the service's certificate, which its first node writes."""
    file = folder / SERVICE_CERTIFICATE
    deadline = time.monotonic() + DEADLINE_S
    while not file.is_file():
        if time.monotonic() > deadline:
            raise ClientError(f"no node has written {file}")
        time.sleep(POLL_S)
    return file.read_text()


async def all_in(urls: Sequence[str], service: str) -> Survey:
    """Wait until every node takes part."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        seen = await survey(urls, service_certificate=service)
        there = [
            node
            for node in seen.nodes
            if node.answer is not None and node.answer.state == "PartOfNetwork"
        ]
        if len(there) == len(urls):
            return seen
        if time.monotonic() > deadline:
            raise ClientError(f"only {len(there)} of {len(urls)} nodes take part")
        await asyncio.sleep(POLL_S)


async def opened_by(
    urls: Sequence[str], folder: Path, service: str, *, deadline: float
) -> None:
    """Open the service, once all its nodes are in, whoever of them leads meanwhile.

    An election between two requests loses what the lost primary had not committed, and
    until its end nobody takes a request. Whatever is asked for here may be asked for
    again, so that each attempt begins anew, with the primary of that time.

    Raises:
        ClientError: it is not open by the deadline.
    """
    while True:
        try:
            return await open_once(urls, folder, service)
        except ClientError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(POLL_S)


async def open_once(urls: Sequence[str], folder: Path, service: str) -> None:
    """Open the service by its members' votes, unless it is open.

    Raises:
        ClientError: no node leads, or a request is refused or not answered.
    """
    seen = await all_in(urls, service)
    if seen.status == "Open":
        return
    if seen.primary is None:
        raise ClientError("no node leads the others")
    url = seen.primary.url
    async with Connection(url, service_certificate=service) as anybody:
        await wait_ready(anybody)
        members = [
            Governance(anybody, FileSigner.load(KeyFiles(folder=folder, name=name)))
            for name in MEMBERS
        ]
        users = [
            KeyFiles(folder=folder, name=name).certificate.read_text() for name in USERS
        ]
        await open_service(anybody, members, users=users)


async def main(nodes: Sequence[str]) -> None:
    """Open the service of these nodes."""
    folder = Path(os.environ.get("CCFPY_COMMON", COMMON))
    service = certificate(folder)
    urls = [f"https://{node if ':' in node else f'{node}:{PORT}'}" for node in nodes]
    await opened_by(urls, folder, service, deadline=time.monotonic() + DEADLINE_S)
    sys.stdout.write(f"the service is open; {len(nodes)} nodes keep its ledger\n")


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1:]))
    except ClientError as error:
        sys.exit(str(error))

"""Members of a lost service bring it back with CCF's own script, of either line.

CCF 6's asks by the classic API unless it is told a version; CCF 7's knows the versioned
one alone.
"""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ccfpy.client.opening import RecoveryMember, carry, go_on_from, wait_recovered
from ccfpy.local.configuration import Placement
from ccfpy.local.network import ProcessNetwork
from tests.e2e.recovered import options_in, read, remains_of, write
from tests.interop.environments import Tools, install, missing

SCRIPT = "submit_recovery_share.sh"
NEEDED = ("curl", "jq", "openssl")
VERSION = ("--api-version", "2024-07-01")


@dataclass(slots=True)
class Waiting:
    """A service that waits for its members' shares, all of them."""

    network: ProcessNetwork

    def hand_in(
        self, tools: Tools, name: str, *words: str
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the script as a member."""
        options = self.network.options
        keys = options.keys(name)
        url = self.network.serving[0].url
        given: list[str | Path] = [url, "--member-enc-privk"]
        given += [keys.encryption_private_key, "--member-id-privk", keys.private_key]
        given += ["--member-id-cert", keys.certificate, *words]
        return tools.run(SCRIPT, *given, "--cacert", options.service_certificate)


async def _lose_and_find(network: ProcessNetwork) -> None:
    """Run a service, kill it, and let its members ask for it back."""
    await network.begin([Placement()])
    await network.open()
    await write(network, 0, 1)
    network.nodes[0].kill()
    remains = remains_of(network.nodes[0], network)
    await network.recover(Placement(), remains)
    async with network.connect(await network.primary()) as anybody:
        options = network.options
        members = [
            RecoveryMember.of_files(anybody, options.keys(name)).governance
            for name in options.members
        ]
        for member in members:
            await member.acknowledge()
        previous = remains.identity.read_text()
        action = go_on_from(previous, under=anybody.service_certificate)
        status = await carry(members, [action])
        assert status.txid is not None
        await anybody.wait_committed(status.txid)


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Waiting]:
    """Start a service that waits for shares, and stop it whatever happens."""
    if absent := [name for name in NEEDED if shutil.which(name) is None]:
        missing(f"CCF's script needs {' and '.join(absent)}")
    network = ProcessNetwork(options_in(tmp_path))
    try:
        asyncio.run(_lose_and_find(network))
        yield Waiting(network)
    finally:
        network.stop()


def test_every_way_of_the_scripts_counts(waiting: Waiting) -> None:
    older, newer = install(6), install(7)
    first = waiting.hand_in(older, "member0")
    assert b"1/3 recovery shares successfully submitted" in first.stdout, first
    second = waiting.hand_in(older, "member1", *VERSION)
    assert b"2/3 recovery shares successfully submitted" in second.stdout, second
    third = waiting.hand_in(newer, "member2")
    assert b"3/3 recovery shares successfully submitted" in third.stdout, third
    assert b"End of recovery procedure initiated" in third.stdout

    async def read_back() -> str:
        network = waiting.network
        async with network.connect(await network.primary()) as anybody:
            await wait_recovered(anybody)
        return await read(network, await network.primary(), 0)

    assert asyncio.run(read_back()) == "secret 0"
    for tools in (older, newer):
        late = waiting.hand_in(tools, "member0")
        assert late.returncode != 0
        assert b"403" in late.stderr

"""A service that lost all its nodes is back, with everything that was committed."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from ccfpy.audit.auditor import ChunkFile, Damage, ServiceSeen, Summary, audit
from ccfpy.audit.chunks import arrange
from ccfpy.base.ids import TxId
from ccfpy.client.connection import Connection
from ccfpy.client.errors import Unreachable
from ccfpy.client.receipts import fetch_receipt, verify_receipt
from ccfpy.client.requests import text_field
from tests.e2e.recovered import (
    MESSAGES,
    Recovered,
    files,
    read,
    recovered_service,
    write,
)
from tests.e2e.running import wait_until


@pytest.fixture(scope="module")
def recovered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recovered]:
    """A service that was lost and is back; the tests of this module share it."""
    with recovered_service(tmp_path_factory.mktemp("recovered")) as service:
        yield service


def test_every_node_reads_what_was_private_in_the_lost_service(
    recovered: Recovered,
) -> None:
    async def read_everywhere() -> list[str]:
        return [
            await read(recovered.network, node, number)
            for node in recovered.nodes
            for number in (0, MESSAGES - 1)
        ]

    assert asyncio.run(read_everywhere()) == ["secret 0", f"secret {MESSAGES - 1}"] * 3


def test_its_files_were_provisional_until_it_opened(recovered: Recovered) -> None:
    for names in recovered.names:
        assert any(name.endswith(".recovery") for name in names)
    for node in recovered.nodes:
        wait_until(
            lambda node=node: not any("recovery" in name for name in files(node)),  # type: ignore[misc]
            what=f"the ledger of {node.name} to be kept",
        )


def test_the_service_goes_on_in_a_view_of_its_own(recovered: Recovered) -> None:
    network = recovered.network

    async def go_on() -> TxId:
        after = await write(network, 100, 3)
        primary = await network.primary()
        async with network.connect(primary) as anybody:
            told = (await anybody.get("/node/network")).object()
            assert told["service_status"] == "Open"
            assert told["recovery_count"] == 1
            previous = await anybody.get("/node/service/previous_identity")
            assert (
                text_field(previous.object(), "previous_service_identity")
                == recovered.remains.identity.read_text()
            )
        for node in recovered.nodes:
            async with network.connect(node) as anybody:
                await anybody.wait_committed(after)
            assert await read(network, node, 102) == "secret 102"
        return after

    after = asyncio.run(go_on())
    assert after.view >= recovered.written.view + 2
    assert after.seqno > recovered.written.seqno


def test_the_new_services_certificate_proves_what_it_did(recovered: Recovered) -> None:
    network = recovered.network

    async def prove() -> None:
        txid = await write(network, 200, 1)
        primary = await network.primary()
        async with network.connect(primary, "user0") as user:
            receipt = await fetch_receipt(user, txid)
            verify_receipt(
                receipt, service_certificate=user.service_certificate, txid=txid
            )

    asyncio.run(prove())


def test_a_client_of_the_lost_service_does_not_trust_the_new_one(
    recovered: Recovered,
) -> None:
    async def ask() -> None:
        pinned = recovered.remains.identity.read_text()
        url = recovered.nodes[0].url
        async with Connection(url, service_certificate=pinned) as client:
            await client.get("/node/network")

    with pytest.raises(Unreachable):
        asyncio.run(ask())


@pytest.mark.parametrize("number", range(3))
def test_an_auditor_follows_the_ledger_from_one_service_to_the_next(
    recovered: Recovered, number: int
) -> None:
    """The node that recovered has the beginning where its operator put it."""
    folders = [recovered.nodes[number].ledger]
    if number == 0:
        folders += recovered.remains.read_only
    found = _read_all(folders)
    findings = list(
        audit(
            ChunkFile(str(name), partial(found.__getitem__, str(name)))
            for name in arrange(name for name in found if "ignored" not in name)
        )
    )
    assert not [finding for finding in findings if isinstance(finding, Damage)]
    summary = findings[-1]
    assert isinstance(summary, Summary)
    assert summary.last_signed is not None
    assert summary.last_signed.view > recovered.written.view
    services = [
        finding.service.pem
        for finding in findings
        if isinstance(finding, ServiceSeen) and finding.is_new_identity
    ]
    assert services == [
        recovered.remains.identity.read_text(),
        recovered.network.options.service_certificate.read_text(),
    ]


def _read_all(folders: Sequence[Path]) -> dict[str, bytes]:
    """Read files by their names; a node renames a file when it is committed."""
    found: dict[str, bytes] = {}

    def have_kept_their_names() -> bool:
        found.clear()
        with contextlib.suppress(FileNotFoundError):
            for folder in folders:
                found.update({it.name: it.read_bytes() for it in folder.iterdir()})
            return True
        return False

    wait_until(have_kept_their_names, what="files that are renamed no more")
    return found

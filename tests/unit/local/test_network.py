"""Waiting for a service that is not there ends, and says for what it waited."""

import asyncio
from pathlib import Path

import pytest

from ccfpy.local.configuration import ServiceOptions
from ccfpy.local.network import NotInTime, ProcessNetwork


def test_a_service_without_living_nodes_has_no_primary(tmp_path: Path) -> None:
    options = ServiceOptions(
        workspace=tmp_path, app="logging", constitution=(), program=("node",)
    )
    network = ProcessNetwork(options)
    network.make_keys(["member0", "user0"])
    assert options.keys("member0").encryption_public_key.is_file()
    assert not options.keys("user0").encryption_public_key.is_file()
    assert network.alive == []
    with pytest.raises(NotInTime, match=r"no primary in 0\.05 s"):
        asyncio.run(network.primary(timeout_s=0.05))
    network.stop()

"""A service that is made to grow does grow, and its measurements exist."""

import asyncio
from pathlib import Path

import pytest

from benchmarks.growing.service import KEYS_PER_FILLING, TEXT, growing, writes
from benchmarks.harness.asking import ask_often
from benchmarks.harness.pinning import Layout

pytestmark = pytest.mark.alone

KEYS = 2 * KEYS_PER_FILLING + 1
WINDOW_S = 1.5
"""Longer than most pauses of a crowded machine: no answer in it is an error."""


async def grow(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with growing(folder, snapshot_every=1_000_000) as service:
        host, enclave = service.pids
        assert host != enclave
        cpu_s, resident_mib = service.cpu_s(), service.resident_mib()
        await service.fill(0, KEYS)
        assert service.cpu_s() > cpu_s
        assert service.resident_mib() > resident_mib
        network = service.network
        async with network.connect(network.nodes[0], network.options.users[0]) as user:
            last = await user.get(f"/app/values/{KEYS - 1}")
            assert last.object() == {"text": TEXT}
            beyond = await user.request("GET", f"/app/values/{KEYS}")
            assert beyond.status == 404
        told = ask_often(
            service.service, writes(KEYS), connections=3, seconds=WINDOW_S, repeats=1
        )
        assert told[Layout.FREE][0].per_s > 0
        before = service.snapshots()
        await network.govern([{"name": "trigger_snapshot"}])
        await service.wait_snapshot(before)
        assert service.snapshots() > before
        patch.setattr("benchmarks.growing.service.REST_CPU", 0)
        patch.setattr("benchmarks.growing.service.REST_S_MAX", 0.1)
        with pytest.raises(TimeoutError, match="does not rest"):
            await service.rest()


def test_a_service_grows_as_it_is_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(grow(tmp_path, monkeypatch))

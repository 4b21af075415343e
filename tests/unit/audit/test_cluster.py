"""A ledger read by the workers of a Dask scheduler, in processes of their own."""

import gc
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client, LocalCluster

from ccfpy.audit.auditor import audit
from ccfpy.audit.chunks import find_chunks
from ccfpy.audit.cluster import NoCluster, cluster_readers
from ccfpy.audit.readers import Readers, in_order
from ccfpy.audit.verification import Verification
from tests.unit.audit.made import process_id, written
from tests.unit.ledger.made import recovered_ledger


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Run a scheduler with two workers, each a process."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0"
    ) as running:
        yield running


@pytest.fixture
def readers(cluster: LocalCluster) -> Iterator[Readers]:
    with cluster_readers(cluster.scheduler_address) as made:
        yield made


@pytest.mark.slow
def test_its_workers_read_in_the_ledgers_order(readers: Readers) -> None:
    assert readers.ahead == 4
    results = list(in_order(readers, process_id, range(20)))
    assert [item for item, _ in results] == list(range(20))
    assert len({process for _, process in results}) == 2


@pytest.mark.newest
def test_they_say_what_the_plain_auditor_says(readers: Readers, tmp_path: Path) -> None:
    ledger = recovered_ledger()
    ledger.sign(close=True)
    ledger.say("after")
    folder = written(ledger, tmp_path)
    findings = list(Verification(find_chunks([folder]), readers).findings())
    assert findings == list(audit(ledger.files()))


@pytest.mark.newest
def test_a_file_that_its_machines_cannot_see_is_an_error(
    readers: Readers, tmp_path: Path
) -> None:
    folder = written(recovered_ledger(), tmp_path)
    chunks = find_chunks([folder])
    chunks[0].path.unlink()
    with pytest.raises(FileNotFoundError):
        list(Verification(chunks, readers).findings())


@pytest.mark.slow
def test_an_address_where_nobody_answers_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with (
            pytest.raises(NoCluster, match="no Dask scheduler answers"),
            cluster_readers(address, timeout_s=0.5),
        ):
            pass
    with (
        pytest.raises(NoCluster, match="no Dask scheduler answers"),
        cluster_readers("nonsense://x", timeout_s=0.5),
    ):
        pass


@pytest.mark.slow
def test_nothing_is_left_of_a_client_that_failed() -> None:
    gc.collect()
    gc.disable()
    try:
        with (
            pytest.raises(NoCluster),
            cluster_readers("tcp://127.0.0.1:1", timeout_s=0.5),
        ):
            pass
        assert not any(isinstance(left, Client) for left in gc.get_objects())
    finally:
        gc.enable()


@pytest.mark.slow
def test_a_scheduler_without_workers_is_told() -> None:
    with (
        LocalCluster(n_workers=0, dashboard_address=":0", processes=False) as idle,
        pytest.raises(NoCluster, match="has no workers"),
        cluster_readers(idle.scheduler_address),
    ):
        pass

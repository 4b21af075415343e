"""Readers on many machines: Dask hands them chunks.

Every machine reads the same paths, as from a shared file system, and has the same ccfpy
installed. The cluster belongs to the auditor: what its workers say is believed.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from distributed import Client
from distributed.comm import CommClosedError
from distributed.scheduler import KilledWorker

from ccfpy.audit.readers import CHUNKS_PER_READER, Readers
from ccfpy.base.errors import CcfpyError

CONNECT_TIMEOUT_S = 10


class NoCluster(CcfpyError):
    """No scheduler answers at the address, or the scheduler has no workers."""


@contextmanager
def cluster_readers(
    address: str, *, timeout_s: float = CONNECT_TIMEOUT_S
) -> Iterator[Readers]:
    """Read with the workers of a Dask scheduler.

    Args:
        address: the scheduler's, such as ``tcp://10.0.0.1:8786``.
        timeout_s: how long to try to reach it.

    Raises:
        NoCluster: it cannot be reached, or has no workers.
    """
    with _connect(address, timeout_s) as client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise NoCluster(f"the Dask scheduler at {address} has no workers")
        with client.get_executor(pure=False) as executor:
            yield Readers(
                executor=executor,
                ahead=CHUNKS_PER_READER * threads,
                failures=(KilledWorker, CommClosedError),
            )


def _connect(address: str, timeout_s: float) -> Client:
    try:
        return Client(address, timeout=timeout_s, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = f"no Dask scheduler answers at {address}: {error}"
    # What is left of the client ends itself when it is collected. If that happened
    # while another was being made, both would wait for one lock for ever.
    gc.collect()
    raise NoCluster(reason)

"""Loads a service with requests, and returns the cost of each request.

Clients connect first. After all clients have connected and received their first
answers, the service's CPU time and the number of sent requests are read at the ends of
one period after another. Each period is a repeat.
"""

import http.client
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from benchmarks.harness import works
from benchmarks.harness.counts import Counts
from benchmarks.harness.generator import Failed, Generator, generator
from benchmarks.harness.pinning import Layout, all_cores, cores, pin
from benchmarks.harness.service import Service
from benchmarks.harness.works import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The results of one period of a load.

    Attributes:
        cpu_us: user and system time of all the service's processes, for each request.
        per_s: the requests sent in a second, each after the answer to the one before
            it.
        p50_ms: the median time from a request to its answer's first bytes.
        p99_ms: the time to the first bytes that one answer in a hundred exceeds.
    """

    cpu_us: float
    per_s: float
    p50_ms: float
    p99_ms: float

    @classmethod
    def of(cls, counted: Counts, *, spent_s: float, passed_s: float) -> Self:
        """Divide the cost of a period by the number of requests in it.

        Raises:
            Failed: no request was sent, or none was answered.
        """
        if not counted.sent or not any(counted.answers):
            raise Failed(f"nothing was answered for {passed_s:.1f} s")
        return cls(
            cpu_us=1e6 * spent_s / counted.sent,
            per_s=counted.sent / passed_s,
            p50_ms=counted.quantile_ms(0.5),
            p99_ms=counted.quantile_ms(0.99),
        )


def ask(service: Service, kind: str, *, connections: int, seconds: float) -> Asked:
    """Run ``connections`` clients that write or read, one request after another."""
    match kind:
        case "write":
            work = works.writes()
        case "read":
            work = works.reads()
        case _:
            work = works.additions(kind)
    told = ask_often(service, work, connections=connections, seconds=seconds, repeats=1)
    return told[Layout.FREE][0]


def ask_often(
    service: Service,
    work: Work,
    *,
    connections: int,
    seconds: float,
    repeats: int,
    layouts: Sequence[Layout] = (Layout.FREE,),
) -> dict[Layout, list[Asked]]:
    """Return the results of ``repeats`` runs of one load, in each layout.

    The layouts take turns, so that a disturbance affects all of them alike.

    Raises:
        Failed: an answer was an error, or clients could not connect.
    """
    pin(service.pids, all_cores())
    send_before(service, work)
    told: dict[Layout, list[Asked]] = {layout: [] for layout in layouts}
    with generator(service, work, connections) as asking:
        asking.wait_connected(connections)
        for _ in range(repeats):
            for layout in layouts:
                for_service, for_load = cores(layout, all_cores())
                pin(service.pids, for_service)
                pin([asking.pid], for_load)
                told[layout].append(_while(service, asking, seconds))
        asking.stop()
    return told


def _while(service: Service, asking: Generator, seconds: float) -> Asked:
    cpu_s, before, began = service.cpu_s(), asking.counts(), time.perf_counter()
    time.sleep(seconds)
    spent_s = service.cpu_s() - cpu_s
    counted, passed_s = asking.counts().since(before), time.perf_counter() - began
    return Asked.of(counted, spent_s=spent_s, passed_s=passed_s)


def send_before(service: Service, work: Work) -> None:
    """Send the requests that must precede the load, on a separate connection."""
    if not work.before:
        return
    with (
        socket.create_connection((service.host, service.port)) as plain,
        service.user_context().wrap_socket(
            plain, server_hostname=service.host
        ) as stream,
    ):
        for request in work.before:
            stream.sendall(request)
            answer = http.client.HTTPResponse(stream)
            answer.begin()
            body = answer.read()
            assert answer.status == http.HTTPStatus.OK, body

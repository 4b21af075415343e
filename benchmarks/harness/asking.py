"""Has a service asked, and tells what each request cost it.

Clients connect first; once all have, and the first answers have come, the service's CPU
time and the requests sent are read at the ends of one while after another. Each while
is a repeat.
"""

import http.client
import os
import socket
import ssl
import time
from dataclasses import dataclass

from benchmarks.harness import works
from benchmarks.harness.generator import generator
from benchmarks.harness.pinning import Layout, cores, pin, started_on
from benchmarks.harness.service import Service
from benchmarks.harness.works import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one while of a load came to.

    Attributes:
        cpu_us: user and system time of all the service's processes, for each request.
        per_s: requests that were sent, each after the last one's answer, in a second.
        p50_ms: the median latency of the whole load, not of this while alone.
        p99_ms: likewise the latency that one in a hundred exceeds.
    """

    cpu_us: float
    per_s: float
    p50_ms: float
    p99_ms: float


def ask(service: Service, kind: str, *, connections: int, seconds: float) -> Asked:
    """Have ``connections`` clients write or read, each one request after another."""
    match kind:
        case "write":
            work = works.writes()
        case "read":
            work = works.reads()
        case _:
            work = works.additions(kind)
    (asked,) = ask_often(
        service, work, connections=connections, seconds=seconds, repeats=1
    )
    return asked


def ask_often(
    service: Service,
    work: Work,
    *,
    connections: int,
    seconds: float,
    repeats: int,
    layout: Layout = Layout.FREE,
) -> list[Asked]:
    """Give what each of ``repeats`` whiles of one load came to.

    Raises:
        Failed: an answer was an error, or clients could not connect.
    """
    for_service, for_load = cores(layout, frozenset(os.sched_getaffinity(0)))
    pin(service.pids, for_service)
    _send_before(service, work)
    spans: list[tuple[float, int, float]] = []
    with started_on(for_load), generator(service, work, connections) as asking:
        asking.wait_connected(connections)
        for _ in range(repeats):
            cpu_s, sent, began = service.cpu_s(), asking.sent(), time.perf_counter()
            time.sleep(seconds)
            spans.append(
                (
                    service.cpu_s() - cpu_s,
                    asking.sent() - sent,
                    time.perf_counter() - began,
                )
            )
        said = asking.stop()
    return [
        Asked(
            cpu_us=1e6 * cpu_s / count,
            per_s=count / passed_s,
            p50_ms=said.p50_ms,
            p99_ms=said.p99_ms,
        )
        for cpu_s, count, passed_s in spans
    ]


def _send_before(service: Service, work: Work) -> None:
    """Send what must be there before the load begins, on a connection of its own."""
    if not work.before:
        return
    context = ssl.create_default_context(cafile=service.common / "service_cert.pem")
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.load_cert_chain(
        service.common / "user0_cert.pem", service.common / "user0_privk.pem"
    )
    with (
        socket.create_connection((service.host, service.port)) as plain,
        context.wrap_socket(plain, server_hostname=service.host) as stream,
    ):
        for request in work.before:
            stream.sendall(request)
            answer = http.client.HTTPResponse(stream)
            answer.begin()
            body = answer.read()
            assert answer.status == http.HTTPStatus.OK, body

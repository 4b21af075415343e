"""What does a network of three nodes cost against one node, on one machine?

One node and three nodes, in turns, are written to by a hundred clients. All that runs
shares the machine's processors, so three nodes can do as many writes a second as one
only if replicating costs nothing. Then, at rest, single writes are followed until they
are known to be committed, as by a client who asks again and again.

Requests per second, and so the ratio of them, hold only when nothing else runs; CPU
time for each write holds roughly in any case.

Budget: three nodes do at least half as many writes a second as one, and the median
write is committed within 20 ms.
"""

import http.client
import json
import random
import ssl
import sys
import time

from benchmarks.harness.asking import Asked, ask
from benchmarks.harness.service import Service, sandbox

BUDGET_RATIO = 0.5
BUDGET_COMMIT_MS = 20
NODES = 3
CONNECTIONS = 100
SECONDS = 6
REPEATS = 3
COMMITS = 200
PAUSE_S_MAX = 0.25
POLL_S = 0.001


def commit_ms(service: Service) -> list[float]:
    """Give, in order, how long each of some writes took to be known as committed."""
    context = ssl.create_default_context(cafile=service.common / "service_cert.pem")
    context.load_cert_chain(
        service.common / "user0_cert.pem", service.common / "user0_privk.pem"
    )
    connection = http.client.HTTPSConnection(
        service.host, service.port, context=context
    )
    times = []
    for number in range(COMMITS):
        time.sleep(random.random() * PAUSE_S_MAX)  # noqa: S311 - no secret
        started = time.perf_counter()
        _follow(connection, {"id": number, "msg": "x" * 40})
        times.append(1000 * (time.perf_counter() - started))
    return sorted(times)


def _follow(connection: http.client.HTTPSConnection, record: dict[str, object]) -> None:
    """Write a record, and ask until that is committed."""
    kind = {"content-type": "application/json"}
    connection.request("POST", "/app/log/private", json.dumps(record), kind)
    response = connection.getresponse()
    response.read()
    transaction = response.headers["x-ms-ccf-transaction-id"]
    while True:
        connection.request("GET", f"/app/tx?transaction_id={transaction}")
        status = json.loads(connection.getresponse().read())["status"]
        if status == "Committed":
            return
        assert status in ("Pending", "Unknown"), status
        time.sleep(POLL_S)


def write_to(nodes: int) -> Asked:
    """Write to a new service of so many nodes."""
    with sandbox(nodes) as service:
        # The first second is no measure: connections are made, code is run first.
        ask(service, "write", connections=CONNECTIONS, seconds=1)
        return ask(service, "write", connections=CONNECTIONS, seconds=SECONDS)


def row(what: str, asked: Asked) -> str:
    return (
        f"| {what} | {asked.cpu_us:.1f} | {asked.per_s:.0f} "
        f"| {asked.p50_ms:.1f} | {asked.p99_ms:.1f} |"
    )


def main() -> int:
    print("| nodes | CPU µs a write, in all | writes per second | p50 ms | p99 ms |")
    print("|---|---|---|---|---|")
    ratios = []
    for _ in range(REPEATS):
        one, three = write_to(1), write_to(NODES)
        print(row("1", one), row(str(NODES), three), sep="\n", flush=True)
        ratios.append((three.per_s / one.per_s, one.cpu_us / three.cpu_us))
    ratios.sort()
    ratio, cpu_ratio = ratios[len(ratios) // 2]
    with sandbox(NODES) as service:
        times = commit_ms(service)
    median = times[len(times) // 2]
    print(
        f"three nodes do {ratio:.2f} of one node's writes "
        f"({ratios[0][0]:.2f} to {ratios[-1][0]:.2f}; by CPU {cpu_ratio:.2f}), "
        f"budget {BUDGET_RATIO}"
    )
    print(
        f"a write is committed after {median:.1f} ms (p90 "
        f"{times[len(times) * 9 // 10]:.1f}, p99 {times[len(times) * 99 // 100]:.1f}), "
        f"budget {BUDGET_COMMIT_MS}"
    )
    return 0 if ratio >= BUDGET_RATIO and median <= BUDGET_COMMIT_MS else 1


if __name__ == "__main__":
    sys.exit(main())

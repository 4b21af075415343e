"""Does a primary keep its place while it runs a long script?

Three nodes have election timeouts of 2 s. The primary runs a script for a part of this
time, or for longer, five times. The node goes on without the script, and sends
heartbeats meanwhile.

Budget: no election.
"""

import json
import time
import urllib.request
from collections.abc import Iterator

from benchmarks.harness.figure import Figure
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import Service, sandbox
from benchmarks.scripts import COUNTING

ELECTION_MS = 2000
PARTS = (0.25, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0)
CALLS = 5
WAIT_S = 60


def measure(settings: Settings) -> Iterator[Figure]:
    options = ["--js-app-bundle", str(COUNTING)]
    with sandbox(nodes=3, options=options) as service:
        calls = settings.repeats or settings.pick(CALLS, 3)
        for part in settings.pick(PARTS, (0.5, 1.0, 2.0)):
            elections = sum(
                _costs_an_election(service, round(part * ELECTION_MS))
                for _ in range(calls)
            )
            yield Figure(
                name=f"elections in {calls} calls of {part:.2f} election timeouts",
                unit="elections",
                values=(elections,),
                budget=0,
            )


def _costs_an_election(service: Service, milliseconds: int) -> bool:
    """Run a script on the primary; return whether this changed the view."""
    primary, view = _primary(service)
    _get(service, f"https://{primary}/app/spin/{milliseconds}")
    time.sleep(ELECTION_MS / 1000)  # as long as an election could take to begin
    return _primary(service)[1] != view


def _primary(service: Service) -> tuple[str, int]:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        for port in service.ports:
            node = f"127.0.0.1:{port}"
            network = _get(service, f"https://{node}/node/network/nodes")
            found = [
                each["rpc_interfaces"]["primary_rpc_interface"]["published_address"]
                for each in network["nodes"]
                if each["primary"]
            ]
            if found:
                view = _get(service, f"https://{found[0]}/node/network")["current_view"]
                return found[0], int(view)
    raise TimeoutError("no node says who is primary")


def _get(service: Service, url: str) -> dict:  # type: ignore[type-arg]  # any JSON
    context = service.user_context()
    with urllib.request.urlopen(url, context=context, timeout=WAIT_S) as answer:  # noqa: S310
        said: dict = json.load(answer)  # type: ignore[type-arg]  # any JSON
    return said


QUESTION = Question(
    slug="long_scripts",
    text="What does a script that takes long do to the primary's place?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)

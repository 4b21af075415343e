"""``/node/snapshot``: where the latest is, and its bytes."""

import re
from dataclasses import dataclass, field, replace

import pytest

from ccfpy.base import json, limits
from ccfpy.base.ids import NodeId, SessionId
from ccfpy.endpoints.declaration import Forwarding, Redirection
from ccfpy.endpoints.frontend import Frontend
from ccfpy.endpoints.pending import Awaited
from ccfpy.endpoints.registry import Registry
from ccfpy.endpoints.session import InterfaceRules, Session
from ccfpy.http.messages import Request, Response
from ccfpy.node.api.snapshots import SNAPSHOTS
from ccfpy.node.running import RunningNode
from ccfpy.service.tables import nodes
from ccfpy.testing.node import INTERFACE, InProcessNode, StoppedClock
from tests.unit.node.host_snapshots import HostSnapshots

NAME = "snapshot_100_102.committed"
DATA = bytes(range(256)) * 40
A, B, SIZE = len(DATA) // 3, 2 * (len(DATA) // 3), len(DATA)
PATH = f"/snapshot/{NAME}"
HERE = "https://127.0.0.1:8000/node/snapshot"


@dataclass
class Service:
    """The endpoints alone, on a real node."""

    running: RunningNode
    host: HostSnapshots = field(
        default_factory=lambda: HostSnapshots(
            (NAME, DATA), ("snapshot_3_4.committed", b""), ("snapshot_200_201", b"x")
        )
    )

    def __post_init__(self) -> None:
        registry = Registry("node", title="", description="", version="")
        self.running.parts = replace(self.running.parts, snapshots=self.host.reads)
        for declared in SNAPSHOTS:
            registry.add(declared(self.running))
        self.frontend = Frontend(
            registry,
            self.running,
            clock=StoppedClock(),
            has_backpressure=False,
            on_unhandled=lambda _, error, __: pytest.fail(repr(error)),
        )
        self.frontend.is_open = True

    def answer(
        self, method: str, path: str, *, interface: str = INTERFACE, **headers: str
    ) -> Response | Awaited:
        target, _, query = path.partition("?")
        request = Request(
            method=method, path=f"/node{target}", query=query, headers=headers
        )
        session = Session(id=SessionId(1), interface=InterfaceRules(name=interface))
        return self.frontend.answer(request, session, target)

    def ask(self, method: str, path: str, **headers: str) -> Response:
        answer = self.answer(method, path, **headers)
        if isinstance(answer, Awaited):
            assert not answer.is_settled
            self.host.perform()
            assert answer.response is not None
            return answer.response
        return answer


@pytest.fixture
def service(node: InProcessNode) -> Service:
    running = node.trusted.running
    assert running is not None
    return Service(running)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "since", ["", "?since=0", "?since=50", "?since=99", "?since=x"]
)
def test_the_latest_is_redirected_to(service: Service, method: str, since: str) -> None:
    answer = service.ask(method, f"/snapshot{since}")
    assert answer.status == 308
    assert answer.headers["location"] == f"{HERE}/{NAME}"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("since", [100, 101, 2**63])
def test_none_is_later_than_the_latest(
    service: Service, method: str, since: int
) -> None:
    answer = service.ask(method, f"/snapshot?since={since}")
    assert answer.status == 404
    assert f"no committed snapshots since {since}" in answer.body.decode()


def test_a_backup_sends_callers_to_the_primary(service: Service) -> None:
    running = service.running
    primary = NodeId("ab" * 32)
    tx = running.begin(read_only=False)
    info = nodes.INFO.of(tx).get(running.node_id)
    assert info is not None
    (interface,) = info.rpc_interfaces.values()
    elsewhere = replace(interface, published_address="10.0.0.9:8000")
    other = replace(
        info, rpc_interfaces={INTERFACE: elsewhere}, node_to_node_interface=elsewhere
    )
    nodes.INFO.of(tx).put(primary, other)
    running.commit(tx, None)
    running.replication.raft.state.leader = primary
    for query in ("", "?since=7"):
        answer = service.answer("GET", f"/snapshot{query}")
        assert isinstance(answer, Response)
        assert answer.status == 308
        assert b"redirecting for preferable snapshot" in answer.body
        location = f"https://10.0.0.9:8000/node/snapshot{query}"
        assert answer.headers["location"] == location
    assert service.ask("HEAD", PATH).status == 200, "its own files it serves"
    running.replication.raft.state.leader = None
    assert service.ask("GET", "/snapshot").headers["location"] == f"{HERE}/{NAME}"


def test_a_node_without_snapshots_says_so(service: Service) -> None:
    service.host.files.clear()
    answer = service.ask("GET", "/snapshot")
    assert answer.status == 404
    assert b"This node has no committed snapshots since 0" in answer.body


def test_an_interface_that_the_node_does_not_publish_is_named(
    service: Service,
) -> None:
    answer = service.answer("GET", "/snapshot", interface="other")
    assert isinstance(answer, Response)
    assert answer.status == 500


def test_head_tells_the_size(service: Service) -> None:
    answer = service.ask("HEAD", PATH)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers == {
        "accept-ranges": "bytes",
        "content-length": str(SIZE),
        "x-ms-ccf-snapshot-name": NAME,
    }


@pytest.mark.parametrize(
    ("start", "stop"),
    [(0, None), (0, SIZE), (0, A), (A, A), (A, B), (B, B), (B, SIZE), (B, None)],
)
def test_a_range_leaves_its_end_out(
    service: Service, start: int, stop: int | None
) -> None:
    answer = service.ask("GET", PATH, range=f"bytes={start}-{stop or ''}")
    end = SIZE if stop is None else stop
    assert answer.status == 206
    assert answer.body == DATA[start:stop]
    assert answer.headers == {
        "accept-ranges": "bytes",
        "content-range": f"bytes {start}-{end}/{SIZE}",
        "content-type": "application/octet-stream",
        "x-ms-ccf-snapshot-name": NAME,
    }


@pytest.mark.parametrize("count", [1, A, B])
def test_a_suffix_is_the_end(service: Service, count: int) -> None:
    assert service.ask("GET", PATH, range=f"bytes=-{count}").body == DATA[-count:]


def test_without_a_range_it_is_all_there(service: Service) -> None:
    answer = service.ask("GET", PATH)
    assert (answer.status, answer.body) == (206, DATA)
    assert service.ask("GET", "/snapshot/snapshot_3_4.committed").body == b""


def test_one_answer_gives_so_much_and_says_how_much(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SNAPSHOT_ANSWER_BYTES_MAX", 1000)
    monkeypatch.setattr(limits, "SNAPSHOT_READ_BYTES_MAX", 300)
    answer = service.ask("GET", PATH, range="bytes=5-1005")
    assert answer.body == DATA[5:1005]
    answer = service.ask("GET", PATH, range="bytes=5-1006")
    assert answer.body == DATA[5:1005]
    assert answer.headers["content-range"] == f"bytes 5-1005/{SIZE}"
    assert len(service.ask("GET", PATH).body) == 1000


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (f"bytes={A}-foo", "Unable to parse end of range value foo"),
        (f"bytes={B}-{A}", "out of order"),
        ("bytes=0-1,2-3", "Multiple ranges are not supported"),
    ],
)
def test_ranges_that_make_no_sense_are_refused(
    service: Service, header: str, message: str
) -> None:
    answer = service.ask("GET", PATH, range=header)
    assert answer.status == 400
    error = json.loads_object(answer.body)["error"]
    assert isinstance(error, dict)
    assert error["code"] == "InvalidHeaderValue"
    assert re.search(message, str(error["message"]))


@pytest.mark.parametrize(
    "name",
    ["snapshot_1_2.committed", "snapshot_200_201", "..%2Fledger", "service_cert.pem"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_only_final_snapshots_are_served(
    service: Service, method: str, name: str
) -> None:
    answer = service.ask(method, f"/snapshot/{name}")
    assert answer.status == 404
    assert b"This node does not have a snapshot named" in answer.body


def test_a_file_that_goes_meanwhile_is_not_found(service: Service) -> None:
    answer = service.answer("GET", PATH)
    assert isinstance(answer, Awaited)
    (asked,) = service.host.outbox.take()
    read = service.host.read(asked)  # type: ignore[arg-type]  # a read is all it asks
    service.host.files.clear()
    service.host.reads.answered(read)
    service.host.perform()
    assert answer.response is not None
    assert answer.response.status == 404


def test_a_caller_that_goes_leaves_nothing_to_do(service: Service) -> None:
    answer = service.answer("GET", PATH)
    assert isinstance(answer, Awaited)
    answer.abandon()
    (asked,) = service.host.outbox.take()
    service.host.reads.answered(service.host.read(asked))  # type: ignore[arg-type]  # as above
    assert service.host.outbox.take() == []


def test_callers_beyond_what_the_host_is_asked_at_once_come_again(
    service: Service,
) -> None:
    waiting = [service.answer("GET", PATH) for _ in range(limits.SNAPSHOT_READS_MAX)]
    assert all(isinstance(each, Awaited) for each in waiting)
    for path in (PATH, "/snapshot"):
        busy = service.answer("GET", path)
        assert isinstance(busy, Response)
        assert busy.status == 503
        assert busy.headers["retry-after"] == str(limits.RETRY_AFTER_S)
    service.host.perform()
    assert {each.response.status for each in waiting if each.response} == {206}  # type: ignore[union-attr]  # all are Awaited


def test_no_node_forwards_or_redirects_them_by_itself(service: Service) -> None:
    endpoints = [declared(service.running) for declared in SNAPSHOTS]
    assert {each.forwarding for each in endpoints} == {Forwarding.NEVER}
    assert {each.redirection for each in endpoints} == {Redirection.NONE}
    assert all(each.operation.hidden for each in endpoints)


def test_a_node_serves_what_its_host_has(node: InProcessNode) -> None:
    node.host.snapshots.files[NAME] = DATA
    client = node.connect()
    found = client.request("GET", "/node/snapshot")
    assert found.status == 308
    assert found.headers["location"] == f"{HERE}/{NAME}"
    for start in range(0, SIZE, 3000):
        part = client.request(
            "GET", f"/node{PATH}", headers={"range": f"bytes={start}-{start + 3000}"}
        )
        assert part.status == 206
        assert part.body == DATA[start : start + 3000]

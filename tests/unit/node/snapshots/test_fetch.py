"""A joiner fetches a snapshot, and checks that its own or an older service made it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError, LimitExceeded, Malformed
from ccfpy.base.ids import CallId
from ccfpy.boundary.configuration import JoinConfiguration
from ccfpy.boundary.effects import ReadSnapshot
from ccfpy.http.messages import Request, Response
from ccfpy.http.resources import parse_range
from ccfpy.http.tls_calls import ClientContext
from ccfpy.node.host_reads import SnapshotReads
from ccfpy.node.outbound import CallFailed, CallFailure, Outcome
from ccfpy.node.outbox import Outbox
from ccfpy.node.snapshots.fetch import (
    Checked,
    SnapshotCheck,
    SnapshotFetching,
    SnapshotSources,
)
from ccfpy.node.snapshots.starting_point import SnapshotRefused, StartingPoint
from tests.damage import with_a_bit_changed
from tests.unit.ledger.made import FIRST, SECOND
from tests.unit.node.host_snapshots import HostSnapshots
from tests.unit.node.snapshots.test_starting_point import DATA, SERVICE

NAME = "snapshot_4_5.committed"
TARGET = "10.0.0.1:8000"
PRIMARY = "10.0.0.2:8000"
SECTION = JoinConfiguration(
    target_rpc_address=TARGET, service_certificate=FIRST.certificate.pem.encode()
)


@dataclass
class Asked:
    """A call under way."""

    url: str
    range: str
    then: Callable[[Outcome], None]


class Way:
    """Takes calls, which the test answers."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.is_full = False

    def request(
        self,
        address: str,
        request: Request,
        *,
        trust: ClientContext,
        then: Callable[[Outcome], None],
        response_bytes_max: int = limits.HTTP_BODY_BYTES_MAX,
    ) -> CallId:
        if self.is_full:
            raise LimitExceeded("too many calls")
        assert isinstance(trust, ClientContext)
        assert response_bytes_max >= limits.SNAPSHOT_READ_BYTES_MAX
        self.asked.append(Asked(address + request.url, request.headers["range"], then))
        return CallId(len(self.asked))


class Joiner:
    """A joining node that looks for a snapshot."""

    def __init__(
        self, section: JoinConfiguration = SECTION, *files: tuple[str, bytes]
    ) -> None:
        self.host = HostSnapshots(*files)
        self.way = Way()
        self.found: list[StartingPoint | None] = []
        self.refused: list[str] = []
        self.fetching = SnapshotFetching(
            section,
            SnapshotSources(self.way, trusting, self.host.reads, self.host.outbox),
            check=lambda data, then: then(checked(data)),
            found=self.found.append,
            refused=self.refused.append,
        )
        self.fetching.start(0)
        self.host.perform()

    def answer(self, outcome: Outcome) -> None:
        """Answer the latest call, with which none but one more may follow."""
        count = len(self.way.asked)
        self.way.asked[-1].then(outcome)
        self.host.perform()
        assert len(self.way.asked) <= count + 1

    def serve(self, data: bytes) -> None:
        """Answer with the bytes that are asked for."""
        start, stop = parse_range(self.way.asked[-1].range, len(data))
        self.answer(part(start, stop, len(data), data[start:stop]))


def checked(data: bytes) -> Checked:
    try:
        return StartingPoint.read(data, SERVICE)
    except CcfpyError as error:
        return error


def trusting(address: str) -> ClientContext:
    return ClientContext(
        trusted_pem=FIRST.certificate.pem,
        host=address.rpartition(":")[0],
        now=datetime(2025, 6, 1, tzinfo=UTC),
        checks_name=False,
    )


def part(start: int, stop: int, total: int, body: bytes) -> Response:
    header = f"bytes {start}-{stop}/{total}"
    return Response(status=206, headers={"content-range": header}, body=body)


def redirect(location: str) -> Response:
    return Response(status=308, headers={"location": location})


UNREACHABLE = CallFailed(failure=CallFailure.UNREACHABLE, detail="refused")


def test_it_is_found_by_way_of_the_primary_and_fetched_in_ranges(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "SNAPSHOT_READ_BYTES_MAX", 1000)
    monkeypatch.setattr(limits, "SNAPSHOT_WRITE_BYTES_MAX", 700)
    joiner = Joiner()
    joiner.answer(redirect(f"https://{PRIMARY}/node/snapshot"))
    joiner.answer(redirect(f"https://{PRIMARY}/node/snapshot/{NAME}"))
    while not joiner.found:
        joiner.serve(DATA)
    (start,) = joiner.found
    assert start == StartingPoint.read(DATA, SERVICE)
    assert joiner.host.files == {NAME: DATA}
    assert [(each.url, each.range) for each in joiner.way.asked[:4]] == [
        (f"{TARGET}/node/snapshot", "bytes=0-1000"),
        (f"{PRIMARY}/node/snapshot", "bytes=0-1000"),
        (f"{PRIMARY}/node/snapshot/{NAME}", "bytes=0-1000"),
        (f"{PRIMARY}/node/snapshot/{NAME}", "bytes=1000-2000"),
    ]
    assert joiner.host.logs == [
        f"Fetching snapshot from {TARGET} (attempt 1/3)",
        (
            f"Received snapshot {NAME} from peer (size: {len(DATA)}) - writing this "
            "to disk and using for join startup"
        ),
    ]


def test_what_fails_is_tried_again_and_then_given_up() -> None:
    joiner = Joiner()
    for attempt in (1, 2):
        joiner.answer(UNREACHABLE)
        joiner.fetching.tick(attempt * 1000 - 1)
        assert len(joiner.way.asked) == attempt
        joiner.fetching.tick(attempt * 1000)
        assert len(joiner.way.asked) == attempt + 1
    joiner.answer(UNREACHABLE)
    joiner.fetching.tick(10_000)
    assert len(joiner.way.asked) == 3
    assert joiner.found == [None]
    assert joiner.host.logs == [
        f"Fetching snapshot from {TARGET} (attempt 1/3)",
        f"Error during snapshot fetch: https://{TARGET}/node/snapshot: refused",
        f"Fetching snapshot from {TARGET} (attempt 2/3)",
        f"Error during snapshot fetch: https://{TARGET}/node/snapshot: refused",
        f"Fetching snapshot from {TARGET} (attempt 3/3)",
        f"Error during snapshot fetch: https://{TARGET}/node/snapshot: refused",
        "Exceeded maximum snapshot fetch retries (3), giving up",
        "No snapshot found: Node will replay all historical transactions",
    ]


def test_a_second_attempt_begins_anew_and_succeeds() -> None:
    joiner = Joiner()
    joiner.answer(redirect(f"https://{PRIMARY}/node/snapshot/{NAME}"))
    joiner.answer(part(0, 10, len(DATA), DATA[:10]))
    joiner.answer(UNREACHABLE)
    joiner.fetching.tick(1000)
    assert joiner.way.asked[-1].url == f"{TARGET}/node/snapshot"
    joiner.serve(DATA)
    assert joiner.host.files == {NAME: DATA}


def test_a_peer_without_one_is_believed_and_the_hosts_own_serves() -> None:
    joiner = Joiner(SECTION, (NAME, DATA))
    joiner.answer(Response(status=404))
    assert len(joiner.way.asked) == 1
    assert joiner.found == [StartingPoint.read(DATA, SERVICE)]
    assert joiner.host.logs[1:] == [
        "Peer has no suitable snapshot",
        f"Found latest local snapshot file: {NAME} (size: {len(DATA)})",
    ]


@pytest.mark.parametrize(
    "section",
    [
        replace(SECTION, fetch_recent_snapshot=False),
        replace(SECTION, fetch_snapshot_max_attempts=0),
    ],
)
def test_nobody_is_asked_where_that_is_not_wanted(section: JoinConfiguration) -> None:
    joiner = Joiner(section, (NAME, DATA))
    assert joiner.way.asked == []
    assert joiner.found == [StartingPoint.read(DATA, SERVICE)]
    assert Joiner(section).found == [None]


def test_a_damaged_one_from_the_peer_is_an_attempt_that_failed() -> None:
    joiner = Joiner()
    joiner.serve(with_a_bit_changed(DATA))
    assert joiner.found == []
    assert joiner.host.files == {}
    assert "not" in joiner.host.logs[-1]
    joiner.fetching.tick(1000)
    joiner.serve(DATA)
    assert joiner.host.files == {NAME: DATA}


def test_a_damaged_one_of_the_host_is_refused_with_the_reason() -> None:
    local = replace(SECTION, fetch_recent_snapshot=False)
    joiner = Joiner(local, ("snapshot_1000_1500.committed", b"\0" * 64))
    assert joiner.found == []
    assert len(joiner.refused) == 1
    assert "snapshot_1000_1500.committed: the snapshot is damaged" in joiner.refused[0]


def test_no_room_for_a_call_is_an_attempt_that_failed() -> None:
    joiner = Joiner()
    joiner.way.is_full = True
    joiner.answer(redirect(f"https://{PRIMARY}/node/snapshot"))
    assert joiner.host.logs[-1] == "Error during snapshot fetch: too many calls"
    joiner.way.is_full = False
    joiner.fetching.tick(1000)
    joiner.serve(DATA)
    assert joiner.host.files == {NAME: DATA}


def test_it_waits_its_turn_where_clients_ask_the_host_too() -> None:
    joiner = Joiner()
    for _ in range(limits.SNAPSHOT_READS_MAX):
        joiner.host.reads.look(then=lambda _: None)
    joiner.way.asked[-1].then(Response(status=404))
    joiner.fetching.tick(1)
    assert joiner.found == []
    joiner.host.perform()
    joiner.fetching.tick(2)
    joiner.host.perform()
    assert joiner.found == [None]
    joiner.fetching.tick(3)
    joiner.host.perform()
    assert joiner.found == [None]


def test_one_of_the_host_that_goes_meanwhile_is_refused() -> None:
    joiner = Joiner()
    joiner.host.files[NAME] = DATA
    joiner.way.asked[-1].then(Response(status=404))
    (*_, look) = joiner.host.outbox.take()
    assert isinstance(look, ReadSnapshot)
    joiner.host.reads.answered(joiner.host.read(look))
    joiner.host.files.clear()
    joiner.host.perform()
    assert joiner.found == []
    assert joiner.refused == [f"the local snapshot {NAME} cannot be read"]


def test_one_of_the_host_that_cannot_be_used_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    local = replace(SECTION, fetch_recent_snapshot=False)
    joiner = Joiner(local, (NAME, b""))
    assert "damaged" in joiner.refused[0]
    monkeypatch.setattr(limits, "SNAPSHOT_BYTES_MAX", len(DATA) - 1)
    joiner = Joiner(local, (NAME, DATA))
    assert f"has {len(DATA)} bytes" in joiner.refused[0]
    monkeypatch.setattr(limits, "SNAPSHOT_BYTES_MAX", len(DATA))
    assert Joiner(local, (NAME, DATA)).refused == []


@pytest.mark.parametrize(
    "answer",
    [
        Response(status=200, body=DATA),
        Response(status=500),
        Response(status=206, body=DATA),
        part(0, 10, 100, b"short"),
        part(5, 15, 100, bytes(10)),
        part(0, 10, 5, bytes(10)),
        part(0, 0, 100, b""),
        redirect("http://10.0.0.2:8000/node/snapshot"),
        redirect("https://10.0.0.2:8000/app/log"),
        redirect("https://10.0.0.2:800000/node/snapshot"),
        redirect("/node/snapshot/x"),
        redirect(""),
    ],
)
def test_an_answer_that_makes_no_sense_is_an_attempt_that_failed(
    answer: Response,
) -> None:
    joiner = Joiner()
    joiner.answer(answer)
    assert joiner.host.logs[-1].startswith("Error during snapshot fetch: ")
    assert joiner.found == []


@pytest.mark.parametrize(
    "answer",
    [
        Response(status=404),
        redirect(f"https://{PRIMARY}/node/snapshot"),
        part(10, 20, 99, bytes(10)),
        part(0, 10, 100, bytes(10)),
    ],
)
def test_the_file_must_stay_what_it_was(answer: Response) -> None:
    joiner = Joiner()
    joiner.answer(part(0, 10, 100, bytes(10)))
    joiner.answer(answer)
    assert joiner.host.logs[-1].startswith("Error during snapshot fetch: ")


def test_it_is_followed_through_so_many_redirects_and_no_more() -> None:
    joiner = Joiner()
    for _ in range(limits.SNAPSHOT_REDIRECTS_MAX - 1):
        joiner.answer(redirect("https://[::1]/node/snapshot?since=3"))
    assert joiner.way.asked[-1].url == "[::1]:443/node/snapshot?since=3"
    assert len(joiner.host.logs) == 1
    joiner.answer(redirect("https://[::1]/node/snapshot"))
    assert joiner.host.logs[-1].endswith("more than 20 redirects")


def test_one_as_large_as_may_be_is_taken_and_no_larger() -> None:
    exact = replace(SECTION, fetch_snapshot_max_bytes=len(DATA))
    joiner = Joiner(exact)
    joiner.serve(DATA)
    assert joiner.host.files == {NAME: DATA}
    joiner = Joiner(replace(SECTION, fetch_snapshot_max_bytes=len(DATA) - 1))
    joiner.serve(DATA)
    assert joiner.host.files == {}
    assert f"a snapshot of {len(DATA)} bytes" in joiner.host.logs[-1]


"""``DATA`` is of the service ``FIRST``."""


class CheckWay:
    """Takes calls, which the test answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.is_full = False
        self._then: Callable[[Outcome], None] | None = None

    def request(
        self,
        address: str,
        request: Request,
        *,
        trust: ClientContext,
        then: Callable[[Outcome], None],
        response_bytes_max: int = limits.HTTP_BODY_BYTES_MAX,
    ) -> CallId:
        if self.is_full:
            raise LimitExceeded("too many calls")
        assert isinstance(trust, ClientContext)
        assert response_bytes_max == limits.HTTP_BODY_BYTES_MAX
        self.asked.append((address, request.url))
        self._then = then
        return CallId(len(self.asked))

    def answer(self, outcome: Outcome) -> None:
        then, self._then = self._then, None
        assert then is not None
        then(outcome)


class CheckingJoiner:
    """A node that joins one service."""

    def __init__(self, pinned: str = SECOND.certificate.pem) -> None:
        self.way = CheckWay()
        self.told: list[Checked] = []
        outbox = Outbox()
        self._check = SnapshotCheck(
            (FIRST if pinned == FIRST.certificate.pem else SECOND).certificate,
            TARGET,
            SnapshotSources(
                calls=self.way,
                trust=lambda address: ClientContext(
                    trusted_pem=pinned,
                    host=address.rpartition(":")[0],
                    now=datetime(2025, 6, 1, tzinfo=UTC),
                    checks_name=False,
                ),
                reads=SnapshotReads(outbox),
                outbox=outbox,
            ),
        )

    def check(self, data: bytes = DATA) -> None:
        self._check.check(data, self.told.append)

    @property
    def refusal(self) -> SnapshotRefused:
        refused = self.told[-1]
        assert isinstance(refused, SnapshotRefused)
        return refused


def succeeding(pem: str) -> Response:
    body = json.dumps({"previous_service_identity": pem}).encode()
    return Response(status=200, headers={}, body=body)


def test_a_snapshot_of_the_pinned_service_is_taken_at_once() -> None:
    joiner = CheckingJoiner(FIRST.certificate.pem)
    joiner.check()
    assert joiner.told == [StartingPoint.read(DATA, [FIRST.certificate])]
    assert joiner.way.asked == []


def test_one_of_the_service_that_it_succeeded_is_taken_once_that_is_known() -> None:
    joiner = CheckingJoiner()
    joiner.check()
    assert joiner.told == []
    assert joiner.way.asked == [(TARGET, "/node/service/previous_identity")]
    joiner.way.answer(succeeding(FIRST.certificate.pem))
    expected = StartingPoint.read(DATA, [FIRST.certificate])
    assert joiner.told == [expected]
    joiner.check()
    assert joiner.told == [expected, expected]
    assert len(joiner.way.asked) == 1, "it knows by now"


@pytest.mark.parametrize(
    "answer",
    [
        Response(status=404, headers={}, body=b'{"error":{}}'),
        CallFailed(failure=CallFailure.UNREACHABLE, detail="refused"),
        Response(status=200, headers={}, body=b"no JSON"),
        Response(status=200, headers={}, body=b"{}"),
        succeeding("no PEM"),
        succeeding(SECOND.certificate.pem),
    ],
)
def test_one_of_any_other_is_refused(answer: Outcome) -> None:
    joiner = CheckingJoiner()
    joiner.check()
    joiner.way.answer(answer)
    assert joiner.refusal.is_of_another_service


def test_a_node_that_does_not_answer_is_asked_again_the_next_time() -> None:
    joiner = CheckingJoiner()
    joiner.check()
    joiner.way.answer(CallFailed(failure=CallFailure.TIMED_OUT, detail="late"))
    joiner.check()
    joiner.way.answer(succeeding(FIRST.certificate.pem))
    assert isinstance(joiner.told[-1], StartingPoint)


def test_a_damaged_one_is_refused_without_asking() -> None:
    joiner = CheckingJoiner()
    joiner.check(DATA[:-1])
    assert isinstance(joiner.told[-1], SnapshotRefused | Malformed)
    assert joiner.way.asked == []


def test_where_nobody_can_be_asked_it_is_refused() -> None:
    joiner = CheckingJoiner()
    joiner.way.is_full = True
    joiner.check()
    assert joiner.refusal.is_of_another_service

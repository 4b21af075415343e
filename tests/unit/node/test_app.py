"""An application runs within limits; its defects are logged, and its jobs run."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.app import App, Context, JobContext, Map, Mode, json_codec
from ccfpy.base import limits
from ccfpy.base.errors import Unwritable
from ccfpy.base.limits import APP_RESPONSE_BYTES_CEILING, APP_RESPONSE_BYTES_MAX
from ccfpy.base.ports import CallGivenUp, CallStopped
from ccfpy.boundary.effects import LogTag, WriteLog
from ccfpy.endpoints.app_calls import AppCalls
from ccfpy.kv.maps import STRING
from ccfpy.kv.store import Store
from ccfpy.node.app import AppCode, AppJobs, limits_of
from ccfpy.node.outbox import Outbox
from ccfpy.service.records import JSON
from ccfpy.service.tables.python import RUNTIME_OPTIONS, PythonRuntimeOptions
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from tests.attacks import attack
from tests.unit.endpoints.test_policies import Threads
from tests.unit.endpoints.world import StoreNode
from tests.unit.node.calling import app_code
from tests.unit.node.conftest import CONSTITUTION
from tests.unit.node.slow_node import SlowNode

SECRET = "a private value"


class World:
    """What calls an application's code, and what it logged."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.app: AppCode = app_code(self.outbox)

    def logged(self) -> list[str]:
        return [e.message for e in self.outbox.take() if isinstance(e, WriteLog)]

    def fail(self) -> list[str]:
        def look_up(_: object) -> str:
            nothing: dict[str, str] = {}
            try:
                return nothing[SECRET]
            except KeyError as error:
                raise ValueError(SECRET) from error

        given = self.app.call_back("GET /x", look_up, None, otherwise="nothing")
        assert given == "nothing"
        return self.logged()


@attack("applications: a private value in an exception")
def test_by_itself_the_log_names_the_kind_and_an_id() -> None:
    (line,) = World().fail()
    assert line.startswith("Unhandled ValueError in GET /x (id ")
    assert SECRET not in line


@attack("applications: a private value in an exception")
def test_places_are_logged_where_they_are_asked_for() -> None:
    world = World()
    world.app.logs_places = True
    summary, raised, cause = world.fail()
    failure = summary.partition("(id ")[2].rstrip(")")
    assert raised.startswith(f"id {failure}: ValueError at ")
    assert "test_app.py:" in raised
    assert cause.startswith(f"id {failure}: after KeyError at ")
    assert SECRET not in raised + cause


def test_texts_are_logged_where_members_decided_so() -> None:
    world = World()
    world.app.calls.limits.log_exception_details = True
    _, raised, cause = world.fail()
    assert f"ValueError ({SECRET}) at " in raised
    assert f"KeyError ('{SECRET}') at " in cause


def test_a_text_that_cannot_be_made_is_left_out() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError(SECRET)

    world = World()
    world.app.calls.limits.log_exception_details = True
    world.app.failed("GET /x", Mute(), tag=LogTag.APP)
    assert "Mute (<no text>) at " in world.logged()[1]


def test_each_failure_has_an_id_of_its_own() -> None:
    app = World().app
    ids = {app.failed("GET /x", KeyError(), tag=LogTag.APP) for _ in range(10)}
    assert len(ids) == 10


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CallStopped("it took 9 ms", is_late=True), "Stopped, as it took 9 ms, in "),
        (Unwritable("9 bytes"), "Unwritable answer (9 bytes) in "),
    ],
)
def test_a_limit_is_named_with_what_was_used(error: Exception, words: str) -> None:
    world = World()
    world.app.failed("GET /x", error, tag=LogTag.APP)
    assert world.logged()[0].startswith(f"{words}GET /x (id ")


def test_members_decide_of_limits() -> None:
    world, store = World(), Store()
    world.app.watch(store)
    tx = store.begin()
    RUNTIME_OPTIONS.of(tx).put(PythonRuntimeOptions(max_execution_time_ms=7))
    seqno = store.commit(tx)
    assert seqno is not None
    assert world.app.calls.limits.execution_ms_max == 1000
    store.compact(store.version)
    assert world.app.calls.limits.execution_ms_max == 7
    tx = store.begin()
    RUNTIME_OPTIONS.of(tx).remove()
    store.commit(tx)
    store.compact(store.version)
    assert world.app.calls.limits.execution_ms_max == 1000


def test_what_they_decided_before_is_read() -> None:
    world, store = World(), Store()
    tx = store.begin()
    RUNTIME_OPTIONS.of(tx).put(PythonRuntimeOptions(log_exception_details=True))
    world.app.read(tx)
    assert world.app.calls.limits.log_exception_details


def test_options_of_no_known_form_change_nothing() -> None:
    world, store = World(), Store()
    tx = store.begin()
    RUNTIME_OPTIONS.of(tx).raw.put(bytes(8), b'{"max_execution_time_ms":"soon"}')
    world.app.read(tx)
    assert world.app.calls.limits.execution_ms_max == 1000
    assert "stay as they are" in world.logged()[0]


def test_no_decision_takes_a_limit_away() -> None:
    decided = PythonRuntimeOptions(max_execution_time_ms=0, max_response_bytes=2**40)
    limits = limits_of(decided)
    assert limits.execution_ms_max == 1
    assert limits.response_bytes_max == APP_RESPONSE_BYTES_CEILING
    assert limits_of(PythonRuntimeOptions()).response_bytes_max == (
        APP_RESPONSE_BYTES_MAX
    )


COUNTS = Map("public:counts", json_codec(str), json_codec(int))
TEXTS = Map("texts", STRING, JSON)
SECOND = 1000


def _count(ctx: JobContext | Context, name: str) -> None:
    counts = COUNTS.of(ctx.tx)
    counts.put(name, (counts.get(name) or 0) + 1)


@dataclass
class JobWorld:
    """A node of one store, and the jobs of an app on it.

    Attributes:
        now_ms: the time, which a test moves.
    """

    app: App
    threads: Threads = field(default_factory=Threads)
    node: StoreNode = field(default_factory=StoreNode)
    now_ms: int = 5 * SECOND
    writes_bytes_max: int = limits.JOB_WRITES_BYTES_MAX

    def __post_init__(self) -> None:
        self.outbox = Outbox()
        self.jobs = AppJobs(
            self.app.jobs(),
            self.node,
            app_code=AppCode(
                AppCalls(self.threads),
                outbox=self.outbox,
                entropy=SeededEntropy(9),
            ),
            store=lambda: self.node.store,
            now_ms=lambda: self.now_ms,
            writes_bytes_max=self.writes_bytes_max,
        )
        self.jobs.work()

    def after(self, ms: int) -> None:
        self.now_ms += ms
        self.jobs.work()

    def counted(self, name: str = "runs") -> int:
        return COUNTS.of(self.node.begin(read_only=True)).get(name) or 0

    def logged(self) -> list[str]:
        return [e.message for e in self.outbox.take() if isinstance(e, WriteLog)]


def _counting(interval_ms: int = SECOND, *, on_each_node: bool = False) -> App:
    app = App("counting")

    @app.every(interval_ms, on_each_node=on_each_node)
    def count(ctx: JobContext) -> None:
        _count(ctx, "runs")

    return app


def test_a_job_runs_an_interval_after_the_node_serves_and_then_again() -> None:
    world = JobWorld(_counting())
    assert world.counted() == 0
    world.after(SECOND - 1)
    assert world.counted() == 0
    world.after(1)
    assert world.counted() == 1
    world.after(0)
    world.after(SECOND - 1)
    assert world.counted() == 1
    world.after(10 * SECOND)
    assert world.counted() == 2, "what was missed is not made up for"
    assert world.logged() == []


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.booleans(), st.booleans()), max_size=30)
)
def test_only_a_primary_that_takes_writes_runs_it_and_never_too_early(
    moves: list[tuple[int, bool, bool]],
) -> None:
    world = JobWorld(_counting(2 * SECOND))
    due_ms, expected = world.now_ms + 2 * SECOND, 0
    for ms, is_primary, is_full in moves:
        world.node.is_primary = is_primary
        world.node.at_capacity = is_full
        world.after(ms)
        if not is_primary:
            due_ms = world.now_ms + 2 * SECOND
        elif world.now_ms >= due_ms and not is_full:
            expected += 1
            due_ms = world.now_ms + 2 * SECOND
        assert world.counted() == expected


def test_a_start_hook_runs_once() -> None:
    app, seen = App("starting"), []

    @app.on_start
    def start(ctx: JobContext) -> None:
        seen.append((ctx.node.node_id, COUNTS.of(ctx.tx).get("runs")))

    world = JobWorld(app)
    world.after(10 * SECOND)
    assert seen == [(world.node.node_id, None)]


@pytest.mark.parametrize("is_start", [True, False])
def test_what_runs_on_each_node_cannot_write(*, is_start: bool) -> None:
    app = App("writing")

    def write(ctx: JobContext) -> None:
        _count(ctx, "runs")

    if is_start:
        app.on_start(write)
    else:
        app.every(SECOND, on_each_node=True)(write)
    world = JobWorld(app)
    world.after(SECOND)
    (line,) = world.logged()
    assert line.startswith("Unhandled ReadOnlyTransaction in job write (id ")
    assert world.counted() == 0


def test_a_job_that_fails_is_logged_without_its_text_and_runs_again() -> None:
    app, attempts = App("failing"), []

    @app.every(SECOND)
    def fail(ctx: JobContext) -> None:
        _count(ctx, "runs")
        attempts.append(1)
        raise ValueError("a private value")

    @app.every(SECOND)
    def count(ctx: JobContext) -> None:
        _count(ctx, "others")

    world = JobWorld(app)
    for _ in range(3):
        world.after(SECOND)
    lines = world.logged()
    assert len(lines) == len(attempts) == 3
    for line in lines:
        assert line.startswith("Unhandled ValueError in job fail (id ")
        assert "private" not in line
    assert (world.counted(), world.counted("others")) == (0, 3)


def test_a_program_that_ends_itself_in_a_job_does_not_end_the_node() -> None:
    app = App("leaving")

    @app.every(SECOND)
    def leave(_: JobContext) -> None:
        raise SystemExit

    world = JobWorld(app)
    world.after(SECOND)
    (line,) = world.logged()
    assert "in job leave" in line


def test_a_job_has_the_limits_of_a_call() -> None:
    app = _counting()

    @app.every(SECOND, execution_ms_max=30)
    def quick(ctx: JobContext) -> None:
        _count(ctx, "quick")

    world = JobWorld(app)
    world.after(SECOND)
    assert world.threads.limits_ms == [limits.APP_EXECUTION_MS_MAX, 30]


def test_a_job_that_is_stopped_leaves_nothing() -> None:
    world = JobWorld(_counting(), Threads(is_late=True))
    world.after(SECOND)
    (line,) = world.logged()
    assert line.startswith("Stopped, as it takes too long, in job count (id ")
    assert world.counted() == 0


def test_without_room_a_job_waits() -> None:
    threads = Threads(is_full=True)
    world = JobWorld(_counting(), threads)
    world.after(2 * SECOND)
    assert threads.limits_ms == []
    threads.has_room = True
    world.after(0)
    assert world.counted() == 0, "the interval begins when the node first looks"
    world.after(SECOND)
    assert world.counted() == 1


def _racing(times: int) -> App:
    app, runs = App("racing"), []

    @app.every(SECOND)
    def race(ctx: JobContext) -> None:
        runs.append(1)
        _count(ctx, "runs")
        if len(runs) <= times:
            other = ctx.node.begin(read_only=False)
            COUNTS.of(other).put("runs", 100 * len(runs))
            ctx.node.commit(other, None)

    return app


def test_a_job_runs_again_if_others_changed_what_it_read() -> None:
    world = JobWorld(_racing(2))
    world.after(SECOND)
    assert world.counted() == 201
    assert world.logged() == []


def test_a_job_that_always_loses_fails_like_any_other() -> None:
    world = JobWorld(_racing(limits.TX_ATTEMPTS_MAX))
    world.after(SECOND)
    assert world.counted() == 100 * limits.TX_ATTEMPTS_MAX
    (line,) = world.logged()
    assert line.startswith("Unhandled Conflict in job race (id ")
    last = JobWorld(_racing(limits.TX_ATTEMPTS_MAX - 1))
    last.after(SECOND)
    assert last.logged() == []


@pytest.mark.parametrize(("beyond", "is_written"), [(0, True), (1, False)])
def test_a_job_writes_only_so_much(beyond: int, *, is_written: bool) -> None:
    app = App("large")

    @app.every(SECOND)
    def write(ctx: JobContext) -> None:
        TEXTS.of(ctx.tx).put("key", "x" * (100 - 32 - 3 - 2 + beyond))

    world = JobWorld(app, writes_bytes_max=100)
    world.after(SECOND)
    assert world.node.store.version == int(is_written)
    if not is_written:
        (line,) = world.logged()
        assert line.startswith("Unhandled LimitExceeded in job write (id ")


def test_a_call_that_came_back_too_late_does_not_keep_jobs_from_running() -> None:
    app, times = App("late"), []

    @app.every(SECOND)
    def late(_: JobContext) -> None:
        times.append(1)
        if len(times) == 1:
            raise CallGivenUp

    world = JobWorld(app)
    with pytest.raises(CallGivenUp):
        world.after(SECOND)
    world.after(SECOND)
    assert len(times) == 2


# On whole nodes


def _service_app() -> tuple[App, list[str]]:
    """Return an app with jobs, and where its functions write down their calls."""
    app, calls = App("service"), []

    @app.on_start
    def start(ctx: JobContext) -> None:
        calls.append(f"start {ctx.node.node_id[:4]}")

    @app.every(2 * SECOND)
    def expire(ctx: JobContext) -> None:
        calls.append(f"expire {ctx.node.node_id[:4]}")
        _count(ctx, "expired")

    @app.every(3 * SECOND, on_each_node=True)
    def look(ctx: JobContext) -> None:
        calls.append(f"look {ctx.node.node_id[:4]} {COUNTS.of(ctx.tx).get('expired')}")

    @app.get("/expired", auth=[], mode=Mode.READ_ONLY)
    def expired(ctx: Context) -> int:
        return COUNTS.of(ctx.tx).get("expired") or 0

    @app.post("/reset", auth=[])
    def reset(ctx: Context) -> None:
        COUNTS.of(ctx.tx).put("expired", 1000)

    return app, calls


def test_a_node_starts_its_app_when_the_service_is_open(
    members: tuple[Person, ...], alice: Person
) -> None:
    app, calls = _service_app()
    node = InProcessNode(app, constitution=CONSTITUTION, members=members)
    node.advance(10 * SECOND)
    assert calls == [], "the service is not open"
    node.open_service(alice)
    here = node.node_id[:4]
    assert calls == [f"start {here}"]
    for _ in range(61):
        node.advance(100)
    assert calls.count(f"expire {here}") == 3
    assert [call for call in calls if "look" in call] == [
        f"look {here} 1",
        f"look {here} 3",
    ]
    assert node.request("GET", "/app/expired").body == b"3"
    committed = node.request("GET", "/app/commit")
    node.advance(200)
    assert node.request("GET", "/app/commit").body == committed.body


def test_of_several_nodes_the_primary_writes_and_the_next_one_goes_on(
    members: tuple[Person, ...], alice: Person
) -> None:
    app, calls = _service_app()
    network = Network(app, constitution=CONSTITUTION, members=members)
    first = network.start()
    first.open_service(alice)
    for _ in range(2):
        joiner = network.join()
        network.advance(500)
        first.trust(joiner)
        network.wait_until_settled(*network.nodes)
    names = {node.node_id[:4] for node in network.nodes}
    network.wait_until(
        lambda: {call.split()[1] for call in calls if "look" in call} == names
    )
    assert {call for call in calls if "start" in call} == {f"start {n}" for n in names}
    here = first.node_id[:4]
    assert {call for call in calls if "expire" in call} == {f"expire {here}"}
    network.kill(first)
    calls.clear()
    network.wait_until(lambda: any("expire" in call for call in calls), most_ms=60_000)
    assert f"expire {here}" not in calls


@pytest.fixture
def slow(members: tuple[Person, ...], alice: Person) -> Iterator[SlowNode]:
    app, _ = _service_app()
    node = SlowNode(app, constitution=CONSTITUTION, members=members)
    node.open_service(alice)
    yield node
    node.slow.end()


def _until_away(node: SlowNode) -> None:
    node.slow.next_stops = 1
    for _ in range(500):
        if node.slow.away:
            return
        node.advance(10)
    raise AssertionError("no job was slow")


def test_the_node_answers_beside_a_slow_job_and_runs_it_again_after_a_race(
    slow: SlowNode,
) -> None:
    _until_away(slow)
    assert slow.request("POST", "/app/reset").status == 204
    slow.advance(10 * SECOND)
    assert slow.request("GET", "/app/expired").body == b"1000", "no job beside it"
    slow.run_on(slow.slow.away[0])
    assert slow.request("GET", "/app/expired").body == b"1001"
    slow.advance(2 * SECOND)
    assert slow.request("GET", "/app/expired").body == b"1002"


def test_a_job_that_hangs_holds_up_no_request(slow: SlowNode) -> None:
    _until_away(slow)
    slow.give_up(slow.slow.away[0])
    assert slow.request("GET", "/app/expired").body == b"0"
    logs = [e.message for e in slow.host.effects if isinstance(e, WriteLog)]
    assert any("in what the node called (id " in line for line in logs)


def test_an_app_without_jobs_costs_no_look(members: tuple[Person, ...]) -> None:
    node = InProcessNode(App("plain"), constitution=CONSTITUTION, members=members)
    assert node.trusted.running is not None
    assert node.trusted.running.jobs is None

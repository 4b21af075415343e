"""Calls of endpoints, counted for their application alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.app import App, Context, EndpointCounts, Mode, UserCertCaller
from ccfpy.base import json, limits
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.metrics import CountsByEndpoint
from ccfpy.http.messages import Response
from ccfpy.js.serving import GOVERNED, Scripts
from ccfpy.js.serving.code import Code
from ccfpy.kv.changes import Conflict
from ccfpy.service.tables.js import EndpointKey
from ccfpy.testing.node import InProcessNode, Person
from tests.attacks import attack
from tests.unit.endpoints.world import Front
from tests.unit.js.serving.installed import of_f
from tests.unit.node.conftest import CONSTITUTION


def _endpoint(
    path: str = "/x", *, status: int = 200, is_hidden: bool = True
) -> Endpoint:
    return Endpoint(
        method="GET",
        path=path,
        handler=lambda _: Response(status=status),
        is_counted=True,
        hides_counts=is_hidden,
    )


@given(st.lists(st.integers(100, 599)))
def test_answers_count_by_whose_fault_they_name(statuses: list[int]) -> None:
    counts = CountsByEndpoint()
    for status in statuses:
        counts.answered("/x", "GET", status)
    expected = EndpointCounts(
        path="/x",
        method="GET",
        calls=len(statuses),
        errors=sum(400 <= status < 500 for status in statuses),
        failures=sum(status >= 500 for status in statuses),
    )
    assert counts.all() == ([expected] if statuses else [])


@pytest.mark.parametrize(
    ("status", "errors", "failures"),
    [(399, 0, 0), (400, 1, 0), (499, 1, 0), (500, 0, 1), (999, 0, 1)],
)
def test_a_status_at_the_edge_counts(status: int, errors: int, failures: int) -> None:
    counts = CountsByEndpoint()
    counts.answered("/x", "GET", status)
    (counted,) = counts.all()
    assert (counted.errors, counted.failures) == (errors, failures)


def test_what_is_listed_does_not_change_later() -> None:
    counts = CountsByEndpoint()
    counts.answered("/b", "GET", 200)
    counts.answered("/a", "GET", 200)
    listed = counts.all()
    counts.answered("/a", "GET", 200)
    assert [(each.path, each.calls) for each in listed] == [("/a", 1), ("/b", 1)]


def test_endpoints_beyond_the_bound_are_not_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "APP_ENDPOINTS_COUNTED_MAX", 2)
    counts = CountsByEndpoint()
    for path in ("/a", "/b", "/c", "/a"):
        counts.answered(path, "GET", 200)
        counts.retried(path, "GET")
    assert [(each.path, each.calls, each.retries) for each in counts.all()] == [
        ("/a", 2, 2),
        ("/b", 1, 1),
    ]


def test_a_frontend_counts_answers_and_further_runs() -> None:
    runs = []

    def race(_: Context) -> Response:
        runs.append(1)
        if len(runs) < 3:
            raise Conflict("again")
        return Response(status=200)

    racing = Endpoint(method="POST", path="/race", handler=race, is_counted=True)
    front = Front([_endpoint(), _endpoint("/bad", status=404), racing])
    front.call("GET", "/x")
    front.call("GET", "/bad")
    front.call("POST", "/race")
    front.call("GET", "/nowhere")
    assert front.frontend.counts_apart.for_app.all() == [
        EndpointCounts(path="/bad", method="GET", calls=1, errors=1),
        EndpointCounts(path="/race", method="POST", calls=1, retries=2),
        EndpointCounts(path="/x", method="GET", calls=1),
    ]


@pytest.mark.parametrize("is_hidden", [True, False])
def test_the_host_sees_no_more_than_before(*, is_hidden: bool) -> None:
    endpoint = _endpoint(is_hidden=is_hidden)
    assert endpoint.is_shown is not is_hidden
    front = Front([endpoint])
    front.call("GET", "/x")
    shown = front.frontend.counts_apart.by_path
    assert list(shown) == ([] if is_hidden else ["/x"])
    among_others = front.frontend.counts.by_method["GET"]
    assert sum(among_others) == int(is_hidden)


@pytest.mark.parametrize("is_hidden", [True, False])
def test_a_trace_names_the_endpoint_only_if_the_host_may_know(
    *, is_hidden: bool
) -> None:
    front = Front([_endpoint("/a/{id}", is_hidden=is_hidden)], traces=[])
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    front.call("GET", "/a/7", headers={"traceparent": parent})
    assert front.traces is not None
    (reported,) = front.traces
    assert reported.endpoint == ("" if is_hidden else "/a/{id}")


@attack("applications: paths without end that no endpoint has")
def test_callers_cannot_make_counts_grow() -> None:
    front = Front([_endpoint("/a/{id}")])
    for number in range(100):
        front.call("GET", f"/a/{number}")
        front.call("GET", f"/b/{number}")
    (counted,) = front.frontend.counts_apart.for_app.all()
    assert (counted.path, counted.calls) == ("/a/{id}", 100)


def _app(*, counts: bool) -> App:
    app = App("shop", auth=["user_cert"], counts_endpoints=counts)

    @app.get("/orders/{order}")
    def read(ctx: Context, order: str) -> str:
        assert isinstance(ctx.caller, UserCertCaller)
        return order

    @app.get("/open", auth=[], metrics=True)
    def shown(_: Context) -> str:
        return "open"

    @app.get("/calls", auth=[], mode=Mode.COMMAND)
    def calls(ctx: Context) -> list[EndpointCounts]:
        return list(ctx.node.endpoint_counts())

    @app.default_endpoint(auth=[])
    def anything(ctx: Context) -> str:
        return ctx.request.path

    return app


def test_an_app_that_does_not_ask_counts_what_the_host_sees() -> None:
    registry = _app(counts=False).registry()
    counted = [endpoint.path for endpoint in registry if endpoint.is_counted]
    assert counted == ["/open"]
    assert registry.default is not None
    assert not registry.default.is_counted


def test_a_node_tells_its_app_how_often_each_endpoint_was_called() -> None:
    members, alice = (Person.make("member", can_recover=True),), Person.make("alice")
    node = InProcessNode(_app(counts=True), constitution=CONSTITUTION, members=members)
    node.open_service(alice)
    user = node.connect(alice)
    user.request("GET", "/app/orders/1")
    user.request("GET", "/app/orders/2")
    node.request("GET", "/app/orders/3")
    node.request("GET", "/app/open")
    node.request("PATCH", "/app/tea")
    node.request("GET", "/app/tx?transaction_id=x")
    told = json.loads(node.request("GET", "/app/calls").body)
    assert told == [
        {"path": "/open", "method": "GET", "calls": 1},
        {"path": "/orders/{order}", "method": "GET", "calls": 3, "errors": 1},
        {"path": "/tx", "method": "GET", "calls": 1, "errors": 1},
        {"path": "/{path}", "method": "*", "calls": 1},
    ]
    running = node.trusted.running
    assert running is not None
    assert list(running.frontends["app"].counts_apart.by_path) == ["/open"]


@pytest.mark.parametrize(
    ("asks", "says", "is_counted", "is_shown"),
    [
        (False, False, False, False),
        (False, True, True, True),
        (True, False, True, False),
        (True, True, True, True),
    ],
)
def test_endpoints_of_scripts_are_counted_if_the_app_asks_or_they_say(
    *, asks: bool, says: bool, is_counted: bool, is_shown: bool
) -> None:
    code = Code(
        Scripts(tables=GOVERNED, counts_endpoints=asks),
        lambda _, __: lambda ___: Response(status=200),
    )
    said = {"x-ccfpy-metrics": True} if says else {}
    front = Front([])
    tx = front.node.begin(read_only=False)
    GOVERNED.endpoints.of(tx).put(EndpointKey("GET", "/a"), of_f(openapi=said))
    (endpoint,) = code.routes(tx)
    assert (endpoint.is_counted, endpoint.is_shown) == (is_counted, is_shown)

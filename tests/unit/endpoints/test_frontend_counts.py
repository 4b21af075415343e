"""What a frontend counts, for its node's metrics."""

from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.pending import Awaited
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.http.messages import Request, Response
from ccfpy.kv.maps import STRING, Map
from tests.unit.endpoints.world import Front, session

NOTES = Map("notes", STRING, STRING)


def _ok(_: Context) -> Response:
    return Response(status=200)


def _endpoint(path: str = "/x", *, is_counted: bool = False) -> Endpoint:
    return Endpoint(method="GET", path=path, handler=_ok, is_counted=is_counted)


def test_answers_count_whoever_gives_them() -> None:
    front = Front([_endpoint()])
    front.call("GET", "/x")
    front.call("GET", "/nowhere")
    front.call("PUT", "/x")
    assert front.frontend.counts.by_method["GET"] == [0, 0, 1, 0, 1, 0]
    assert front.frontend.counts.by_method["PUT"] == [0, 0, 0, 0, 1, 0]


def test_an_answer_that_comes_later_counts_when_it_comes() -> None:
    awaited = Awaited()
    front = Front([Endpoint(method="GET", path="/x", handler=lambda _: awaited)])
    request = Request(method="GET", path="/app/x")
    assert front.frontend.answer(request, session(), "/x") is awaited
    counts = front.frontend.counts
    assert not any(counts.by_method["GET"])
    front.clock.now_ns = 3_000_000
    awaited.settle(Response(status=504))
    awaited.settle(Response(status=200))
    assert counts.by_method["GET"] == [0, 0, 0, 0, 0, 1]
    assert counts.total_ns == 3_000_000


def test_a_run_for_a_caller_that_waits_already_is_not_counted_again() -> None:
    front = Front([_endpoint()])
    request = Request(method="GET", path="/app/x")
    front.frontend.answer(request, session(), "/x", is_again=True)
    assert not any(front.frontend.counts.by_method["GET"])


def test_an_endpoint_counts_apart_only_if_it_says_so() -> None:
    front = Front([_endpoint(), _endpoint("/y/{id}", is_counted=True)])
    front.call("GET", "/x")
    front.call("GET", "/y/secret")
    front.call("GET", "/y/other")
    assert front.frontend.counts.by_method["GET"] == [0, 0, 1, 0, 0, 0]
    assert list(front.frontend.counts_apart.by_path) == ["/y/{id}"]
    apart = front.frontend.counts_apart.by_path["/y/{id}"]
    assert apart.by_method["GET"] == [0, 0, 2, 0, 0, 0]


def test_refusals_under_pressure_and_of_a_closed_frontend_are_counted() -> None:
    front = Front([_endpoint()])
    front.node.at_capacity = True
    front.call("GET", "/x")
    front.node.at_capacity = False
    front.frontend.is_open = False
    front.call("GET", "/x")
    assert (front.frontend.turned_away, front.frontend.closed_to) == (1, 1)
    assert front.frontend.counts.by_method["GET"] == [0, 0, 0, 0, 1, 1]


def test_a_handler_that_loses_a_race_is_a_conflict() -> None:
    def increment(context: Context) -> Response:
        NOTES.of(context.tx).get("a")
        if not front.frontend.conflicts:
            rival = front.node.begin(read_only=False)
            NOTES.of(rival).put("a", "rival")
            front.node.commit(rival, None)
        NOTES.of(context.tx).put("a", "mine")
        return Response(status=200)

    front = Front([])
    endpoint = Endpoint(method="PUT", path="/x", handler=increment)
    front.frontend.registry.add(endpoint)
    assert front.call("PUT", "/x").status == 200
    assert front.frontend.conflicts == 1


def test_an_error_counts_by_its_class() -> None:
    def refuse(_: Context) -> Response:
        raise ApiError(403, ErrorCode.AuthorizationFailed, "no")

    front = Front([Endpoint(method="GET", path="/x", handler=refuse)])
    front.call("GET", "/x")
    assert front.frontend.counts.by_method["GET"] == [0, 0, 0, 0, 1, 0]

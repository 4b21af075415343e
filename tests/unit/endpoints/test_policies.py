"""Policies that an application declares: by name, beside others, within limits."""

from collections.abc import Callable

import pytest

from ccfpy.app import (
    App,
    AppCaller,
    Context,
    Json,
    Map,
    Misdeclared,
    RequestCredentials,
    Response,
    Set,
    Unauthenticated,
    UserCertCaller,
    all_of,
    custom_policy,
    json_codec,
    sha256_hex,
)
from ccfpy.base import json, limits
from ccfpy.base.app_threads import AppThreads
from ccfpy.base.ports import CallStopped, Clock, Given, Result
from ccfpy.endpoints.app_calls import AppCalls
from ccfpy.endpoints.app_policies import policies_by_name
from ccfpy.endpoints.auth import CustomAuth, UserCert
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.frontend import Frontend
from ccfpy.endpoints.refusals import Marks
from ccfpy.http.messages import Request
from ccfpy.kv.changes import Conflict
from ccfpy.testing.node import CountedClock, StoppedClock
from tests.attacks import attack
from tests.unit.endpoints.auth.people import add_user, certificate
from tests.unit.endpoints.notes import code_of
from tests.unit.endpoints.test_openapi import check
from tests.unit.endpoints.world import StoreNode, session

KEYS = Map("keys", json_codec(str), json_codec(str))
SCHEME: dict[str, Json] = {"type": "apiKey", "in": "header", "name": "x-api-key"}
STRANGER_CALLS = 200


@custom_policy("api_key", reads=[KEYS], security_scheme=SCHEME)
def api_key(shown: RequestCredentials) -> AppCaller:
    """Accept whoever shows a key that the service knows."""
    key = shown.header("x-api-key")
    if key is None:
        raise Unauthenticated("No API key", challenge="ApiKey")
    owner = shown.get(KEYS, sha256_hex(key.encode()))
    if owner is None:
        raise Unauthenticated("Unknown API key")
    return shown.caller(owner, {"length": len(key)})


class Threads(AppThreads):
    """One thread that writes down the limits of calls, and may be full.

    Attributes:
        limits_ms: the limits on time, call by call.
        taken_up_ns: from when those count, call by call.
        has_room: whether a call may begin.
    """

    def __init__(self, *, is_full: bool = False, is_late: bool = False) -> None:
        self.has_room = not is_full
        self.limits_ms: list[int] = []
        self.taken_up_ns: list[int] = []
        self._is_late = is_late

    @property
    def is_python_full(self) -> bool:
        return not self.has_room

    def call(
        self,
        function: Callable[[Given], Result],
        given: Given,
        execution_ms_max: int,
        memory_bytes_max: int,
        taken_up_ns: int = 0,
    ) -> Result:
        del memory_bytes_max
        self.limits_ms.append(execution_ms_max)
        self.taken_up_ns.append(taken_up_ns)
        if self._is_late:
            raise CallStopped("it takes too long", is_late=True)
        return function(given)


class Service:
    """A node that serves an app, and knows one key and one user."""

    def __init__(
        self, app: App, threads: Threads | None = None, clock: Clock | None = None
    ) -> None:
        self.node = StoreNode()
        tx = self.node.begin(read_only=False)
        KEYS.of(tx).put(sha256_hex(b"secret"), "ann")
        self.node.commit(tx, None)
        self.user_id = add_user(self.node, certificate())
        self.unhandled: list[BaseException] = []
        self.frontend = Frontend(
            app.registry(),
            self.node,
            clock=StoppedClock() if clock is None else clock,
            has_backpressure=True,
            on_unhandled=self._note,
            calls=AppCalls(threads or Threads()),
            is_app=True,
        )
        self.frontend.is_open = True

    def _note(self, _: Endpoint, error: BaseException, __: Marks) -> str:
        self.unhandled.append(error)
        return "id"

    def get(
        self,
        path: str,
        *,
        is_user: bool = False,
        key: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Response:
        sent = dict(headers or {})
        if key is not None:
            sent["x-api-key"] = key
        answer = self.frontend.answer(
            Request(method="GET", path=f"/app{path}", headers=sent),
            session(certificate() if is_user else None),
            path,
        )
        assert isinstance(answer, Response)
        return answer


def _app() -> App:
    app = App("keys", policies=[api_key], auth=["api_key"])

    @app.get("/me")
    def me(ctx: Context) -> str:
        match ctx.caller:
            case AppCaller(policy=policy, id=name, data=data):
                return f"{policy} {name} {data}"
            case UserCertCaller(user_id=user_id):
                return user_id
            case other:
                return str(other)

    app.get("/either", auth=["api_key", "user_cert"])(me)
    app.get("/both", auth=[all_of(api_key, "user_cert")])(me)
    app.get("/users", auth=["user_cert", api_key])(me)
    return app


def test_a_policy_names_the_caller_it_accepts() -> None:
    answer = Service(_app()).get("/me", key="secret")
    assert json.loads(answer.body) == "api_key ann {'length': 6}"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [({}, "No API key"), ({"x-api-key": "guess"}, "Unknown API key")],
)
def test_a_refusal_has_the_reason_that_the_policy_gives(
    headers: dict[str, str], reason: str
) -> None:
    answer = Service(_app()).get("/me", headers=headers)
    assert (answer.status, code_of(answer)) == (401, "InvalidAuthenticationInfo")
    error = json.loads_object(answer.body)["error"]
    assert isinstance(error, dict)
    assert error["details"] == [
        {
            "auth_policy": "api_key",
            "code": "InvalidAuthenticationInfo",
            "message": reason,
        }
    ]
    assert answer.headers.get("www-authenticate") == ("ApiKey" if not headers else None)


def test_it_stands_beside_other_policies() -> None:
    service = Service(_app())
    assert service.get("/either", is_user=True).status == 200
    assert service.get("/either", key="secret").status == 200
    assert service.get("/either").status == 401
    assert service.get("/both", is_user=True).status == 401
    assert service.get("/both", key="secret").status == 401
    both = service.get("/both", is_user=True, key="secret")
    assert both.status == 200
    assert b"api_key+user_cert" in both.body


def test_the_document_describes_it() -> None:
    document = _app().openapi()
    check(document)
    components = document["components"]
    assert isinstance(components, dict)
    assert components["securitySchemes"] == {"api_key": SCHEME}
    operation = document["paths"]["/app/either"]["get"]  # type: ignore[index,call-overload]
    assert operation["security"] == [{"api_key": []}, {}]  # type: ignore[index,call-overload]
    assert operation["x-ccfpy-policies"] == ["api_key", "user_cert"]  # type: ignore[index,call-overload]


def test_a_default_endpoint_may_name_it() -> None:
    app = _app()

    @app.default_endpoint(auth=["api_key"])
    def anything(ctx: Context) -> str:
        return ctx.request.path

    service = Service(app)
    assert service.get("/x").status == 401
    assert service.get("/x", key="secret").body == b'"/app/x"'


def test_a_table_that_its_declaration_lacks_is_a_defect() -> None:
    @custom_policy("careless")
    def careless(shown: RequestCredentials) -> AppCaller:
        return shown.caller(str(shown.get(KEYS, "private")))

    app = App("careless", policies=[careless], auth=["careless"])

    @app.get("/me")
    def me(_: Context) -> str:
        return "never"

    service = Service(app)
    answer = service.get("/me")
    assert answer.status == 500
    assert b"private" not in answer.body
    assert [type(error) for error in service.unhandled] == [LookupError]


@pytest.mark.parametrize(
    ("name", "scheme", "problem"),
    [
        ("", None, "write a letter"),
        ("a+b", None, "write a letter"),
        ("9", None, "write a letter"),
        ("a" * 65, None, "at most 63"),
        ("jwt", None, "is one of the service"),
        ("mine", {}, 'of the type "None"'),
        ("mine", {"type": ["http"]}, 'write one of "apiKey", "http"'),
        ("mine", {"type": "apiKey", "in": "header"}, 'without "name": add it'),
        ("mine", {"type": "http"}, 'without "scheme": add it'),
    ],
)
def test_a_wrong_declaration_is_refused_in_a_sentence(
    name: str, scheme: dict[str, Json] | None, problem: str
) -> None:
    def judge(shown: RequestCredentials) -> AppCaller:
        return shown.caller("somebody")

    with pytest.raises(Misdeclared, match=f"judge is declared .*{problem}"):
        custom_policy(name, security_scheme=scheme)(judge)


def test_names_of_64_letters_and_schemes_of_each_kind_are_accepted() -> None:
    kinds: list[dict[str, Json]] = [
        SCHEME,
        {"type": "http", "scheme": "basic"},
        {"type": "oauth2", "flows": {}},
        {"type": "openIdConnect", "openIdConnectUrl": "https://a"},
    ]
    for number, scheme in enumerate(kinds):
        name = f"{number}".rjust(64, "a")
        declare = custom_policy(name, security_scheme=scheme)
        made = declare(lambda shown: shown.caller(""))
        assert made.name == name
        assert made.security_scheme is not None
        assert made.security_scheme.definition == scheme


def test_an_async_function_judges_nobody() -> None:
    async def judge(shown: RequestCredentials) -> AppCaller:
        return shown.caller("somebody")

    with pytest.raises(Misdeclared, match="async def"):
        custom_policy("mine")(judge)  # type: ignore[arg-type]  # that is the mistake


def test_a_name_means_one_policy() -> None:
    other = CustomAuth("api_key", lambda _: AppCaller(policy="api_key", id=""))
    assert list(policies_by_name([api_key])) == ["api_key"]
    with pytest.raises(ValueError, match="two policies"):
        policies_by_name([api_key, other])
    with pytest.raises(ValueError, match="a policy of the service"):
        policies_by_name([UserCert()])
    with pytest.raises(ValueError, match="no policy 'api_key'"):
        App("keys", auth=["api_key"])


def test_sets_may_be_read_too() -> None:
    known = Set("public:known", json_codec(str))

    @custom_policy("known", reads=[known])
    def policy(shown: RequestCredentials) -> AppCaller:
        name = shown.header("x-name") or ""
        if not shown.contains(known, name):
            raise Unauthenticated("Unknown name")
        return shown.caller(name)

    app = App("known", policies=[policy], auth=["known"])

    @app.get("/me")
    def me(_: Context) -> str:
        return "in"

    service = Service(app)
    assert service.get("/me", headers={"x-name": "ann"}).status == 401
    tx = service.node.begin(read_only=False)
    known.of(tx).insert("ann")
    service.node.commit(tx, None)
    assert service.get("/me", headers={"x-name": "ann"}).status == 200


@attack("applications: a policy that strangers make slow")
def test_a_policy_has_the_limits_of_any_call_and_is_not_asked_without_room() -> None:
    threads = Threads()
    assert Service(_app(), threads).get("/me").status == 401
    assert threads.limits_ms == [limits.APP_EXECUTION_MS_MAX]

    late = Service(_app(), Threads(is_late=True)).get("/me")
    assert late.status == 500
    assert b"took too long" in late.body

    full = Threads(is_full=True)
    crowded = Service(_app(), full)
    answer = crowded.get("/me", key="secret")
    assert (answer.status, code_of(answer)) == (503, "TooManyPendingTransactions")
    assert full.limits_ms == []


def test_a_handlers_time_counts_from_when_its_request_was_taken_up() -> None:
    """Unless a policy of the application's was asked before, or the handler has run."""
    app, runs = _app(), []

    @app.get("/twice", auth=[])
    def twice(_: Context) -> str:
        runs.append(1)
        if len(runs) % 2:
            raise Conflict
        return "done"

    clock, threads = CountedClock(), Threads()
    service = Service(app, threads, clock)
    before_ns = clock.monotonic_ns()
    assert service.get("/twice").status == 200
    taken_up_ns, again_ns = threads.taken_up_ns
    assert before_ns < taken_up_ns < clock.monotonic_ns()
    assert again_ns == 0

    threads.taken_up_ns.clear()
    assert service.get("/me", key="secret").status == 200
    assert threads.taken_up_ns == [0, 0]


@attack("applications: keys without end that a policy does not know")
def test_strangers_who_guess_leave_nothing_behind() -> None:
    service = Service(_app())
    version = service.node.store.version
    for number in range(STRANGER_CALLS):
        assert service.get("/me", key=str(number)).status == 401
    assert service.node.store.version == version
    assert service.unhandled == []
    assert service.frontend.counts_apart.by_path == {}

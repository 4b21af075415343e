"""A node of one store that serves whatever JavaScript a test installs in it."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from ccfpy.boundary.effects import ReportTrace
from ccfpy.crypto.certs import Certificate
from ccfpy.endpoints.app_calls import AppCalls
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.frontend import Frontend
from ccfpy.endpoints.refusals import Marks
from ccfpy.endpoints.tracing import RequestTracer
from ccfpy.http.messages import Request, Response
from ccfpy.js.quickjs import QuickJs
from ccfpy.js.serving import GOVERNED, ScriptedRegistry, Scripts, ScriptTables
from ccfpy.js.serving.scripts import ScriptLog, ScriptNode
from ccfpy.service.tables.js import EndpointKey, EndpointProperties, JsRuntimeOptions
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.endpoints.world import HostMoment, StoreNode, session


@dataclass
class WorkClock:
    """Deadlines that pass while this process works, however busy its machine is.

    With ``leap_ns`` they pass more quickly the more often one looks.
    """

    leap_ns: int = 0
    ahead_ns: int = 0

    def monotonic_ns(self) -> int:
        self.ahead_ns += self.leap_ns
        return time.process_time_ns() + self.ahead_ns


@dataclass
class TestScriptNode:
    """The node, as its scripts see it."""

    __test__ = False

    node: StoreNode
    clock: WorkClock = field(default_factory=WorkClock)
    entropy: SeededEntropy = field(default_factory=lambda: SeededEntropy(b"scripts"))
    app_calls: AppCalls = field(default_factory=AppCalls)
    lines: list[tuple[ScriptLog, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = QuickJs(self.clock)

    @property
    def seen_by_scripts(self) -> ScriptNode:
        return ScriptNode(
            engine=self.engine,
            entropy=self.entropy,
            clock=self.clock,
            app_calls=self.app_calls,
            begin=lambda: self.node.begin(read_only=True),
            log=self.log,
        )

    def log(self, tag: ScriptLog, level: str, text: str) -> None:
        self.lines.append((tag, level, text))


class Installed:
    """An application's JavaScript, served."""

    def __init__(
        self,
        scripts: Scripts | None = None,
        *,
        traces: list[ReportTrace] | None = None,
    ) -> None:
        self.node = StoreNode()
        self.script_node = TestScriptNode(self.node)
        self.unhandled: list[BaseException] = []
        self._scripts = scripts or Scripts(tables=GOVERNED)
        self.registry = ScriptedRegistry(
            "app", title="t", description="d", version="1", scripts=self._scripts
        )
        self.registry.attach(self.script_node.seen_by_scripts)
        self.frontend = Frontend(
            self.registry,
            self.node,
            clock=self.script_node.clock,
            has_backpressure=True,
            on_unhandled=self._note,
            is_app=True,
            tracer=None if traces is None else self._tracer(traces),
        )
        self.frontend.is_open = True

    def _tracer(self, traces: list[ReportTrace]) -> RequestTracer:
        return RequestTracer(
            time=HostMoment(),
            clock=self.script_node.clock,
            entropy=self.script_node.entropy,
            report=traces.append,
        )

    def _note(self, _: Endpoint, error: BaseException, __: Marks) -> str:
        self.unhandled.append(error)
        return f"id{len(self.unhandled)}"

    @property
    def tables(self) -> ScriptTables:
        return self._scripts.tables

    def install(
        self,
        modules: Mapping[str, str],
        endpoints: Mapping[str, EndpointProperties],
    ) -> None:
        """Install modules by path, and endpoints by verb and path."""
        tx = self.node.begin(read_only=False)
        self.tables.modules.of(tx).clear()
        self.tables.endpoints.of(tx).clear()
        for name, source in modules.items():
            self.tables.modules.of(tx).put(name, source)
        for key, properties in endpoints.items():
            verb, path = key.split()
            self.tables.endpoints.of(tx).put(EndpointKey(verb, path), properties)
        self.tables.flush.of(tx).put(True)
        self.node.commit(tx, None)

    def function(self, body: str, **properties: object) -> None:
        """Serve ``POST /f`` by the body of a function of ``request``."""
        source = f"export function f(request) {{ {body} }}"
        self.install({"/m.js": source}, {"POST /f": of_f(**properties)})

    def options(self, **options: int | bool) -> None:
        """Set runtime options."""
        tx = self.node.begin(read_only=False)
        value = JsRuntimeOptions(**options)  # type: ignore[arg-type]
        self.tables.options.of(tx).put(value)
        self.node.commit(tx, None)

    def call(
        self,
        method: str = "POST",
        path: str = "/f",
        *,
        query: str = "",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        caller: Certificate | None = None,
    ) -> Response:
        request = Request(
            method=method,
            path=f"/app{path}",
            query=query,
            headers=dict(headers or {}),
            body=body,
        )
        response = self.frontend.answer(request, session(caller), path)
        assert isinstance(response, Response)
        return response

    def value(self, body: str, *, sent: bytes = b"", **properties: object) -> object:
        """Return what a function answers as JSON."""
        self.function(body, **properties)
        response = self.call(body=sent)
        assert response.status == 200, response.body
        return json.loads(response.body)


def of_f(**properties: object) -> EndpointProperties:
    """An endpoint served by ``f``, which anybody may call unless told otherwise."""
    given: dict[str, object] = {
        "forwarding_required": "always",
        "js_module": "/m.js",
        "js_function": "f",
        **properties,
    }
    given["authn_policies"] = tuple(given.get("authn_policies", ()))  # type: ignore[arg-type]
    return EndpointProperties(**given)  # type: ignore[arg-type]


def error_of(response: Response) -> dict[str, object]:
    """Return the error an answer carries."""
    error = json.loads(response.body)["error"]
    assert isinstance(error, dict)
    return error

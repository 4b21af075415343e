"""A frontend's endpoints where some lie in tables, and may change with any transaction.

Those in tables are looked at first, so that an application may take the place even of
``/commit`` (``find_endpoint`` in ``src/js/registry.cpp``).
"""

from typing import TYPE_CHECKING

from ccfpy.base.errors import Malformed
from ccfpy.endpoints.registry import Match, Registry
from ccfpy.js.serving.execution import Executor
from ccfpy.js.serving.ports import ScriptHost
from ccfpy.js.serving.scripts import Scripts

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject


class ScriptedRegistry(Registry):
    """Endpoints of the node's code, and of an application's tables.

    Until it is attached to a node there are only the former.
    """

    def __init__(
        self,
        prefix: str,
        *,
        title: str,
        description: str,
        version: str,
        scripts: Scripts,
    ) -> None:
        super().__init__(prefix, title=title, description=description, version=version)
        self._scripts = scripts
        self._host: ScriptHost | None = None
        self._executor: Executor | None = None

    def attach(self, host: ScriptHost) -> None:
        """Serve on a node."""
        self._host = host
        self._executor = Executor(host, self._scripts)

    def find(self, method: str, path: str) -> Match | None:
        """Find the endpoint for a request's path, in the tables as they are now."""
        routes = self._routes()
        found = None if routes is None else routes.find(method, path)
        return found or super().find(method, path)

    def methods_of(self, path: str) -> list[str]:
        """List the verbs that the path answers to."""
        methods = set(super().methods_of(path))
        routes = self._routes()
        if routes is not None:
            methods.update(routes.methods_of(path))
        return sorted(methods)

    def describe_more(self, paths: "dict[str, JsonObject]") -> None:
        """Describe the endpoints in tables with what their metadata says of them."""
        if self._host is None:
            return
        table = self._scripts.tables.endpoints
        for key, value in table.of(self._host.begin()).raw.range():
            try:
                verb, path = table.key_codec.decode(key)
                properties = table.value_codec.decode(value)
            except Malformed:
                continue
            if not properties.openapi_hidden:
                described = properties.openapi
                item = paths.setdefault(f"/{self.prefix}{path}", {})
                item[verb.lower()] = (
                    {**described} if isinstance(described, dict) else {}
                )

    def _routes(self) -> Registry | None:
        if self._host is None or self._executor is None:
            return None
        return self._executor.code.routes(self._host.begin())

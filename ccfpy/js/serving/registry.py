"""A frontend's endpoints, some of which are in tables and change as tables do.

The tables are searched first, so an application may replace even ``/commit``
(``find_endpoint`` in ``src/js/registry.cpp``).
"""

from collections.abc import Iterator

from ccfpy.base.compiling import mypyc_attr
from ccfpy.endpoints.declaration import Endpoint, Match
from ccfpy.endpoints.registry import Registry
from ccfpy.js.serving.execution import Executor
from ccfpy.js.serving.scripts import ScriptNode, Scripts


@mypyc_attr(allow_interpreted_subclasses=True)
class ScriptedRegistry(Registry):
    """Endpoints of the node's code, and endpoints in an application's tables.

    Those in tables are served once the registry is attached to a node.

    Attributes:
        executor: runs the scripts, once the registry is attached.
    """

    def __init__(
        self,
        prefix: str,
        *,
        title: str,
        description: str,
        version: str,
        has_metrics: bool = True,
        scripts: Scripts,
    ) -> None:
        super().__init__(
            prefix,
            title=title,
            description=description,
            version=version,
            has_metrics=has_metrics,
        )
        self.scripts = scripts
        self._node: ScriptNode | None = None
        self.executor: Executor | None = None

    def attach(self, node: ScriptNode) -> None:
        """Serve on a node."""
        self._node = node
        self.executor = Executor(node, self.scripts)

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

    def described(self) -> Iterator[Endpoint]:
        """Return all endpoints; those in tables replace others of the same path."""
        routes = self._routes()
        scripted = () if routes is None else tuple(routes)
        hidden = {(endpoint.method, endpoint.path) for endpoint in scripted}
        for endpoint in self:
            if (endpoint.method, endpoint.path) not in hidden:
                yield endpoint
        yield from scripted

    def _routes(self) -> Registry | None:
        if self._node is None or self.executor is None:
            return None
        return self.executor.code.routes(self._node.begin())

"""An application's endpoints and modules, read from its tables when these change."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ccfpy.base.errors import Malformed
from ccfpy.endpoints.app_calls import UNLIMITED
from ccfpy.endpoints.auth import POLICIES, AllOf
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Handler,
    Match,
    Mode,
    Operation,
    Redirection,
)
from ccfpy.endpoints.history_endpoints import describe_historical
from ccfpy.endpoints.registry import Registry, template_pattern
from ccfpy.http.errors import internal_error
from ccfpy.js.engine import Library
from ccfpy.js.serving.scripts import Scripts
from ccfpy.service.tables.js import EndpointKey, EndpointProperties

if TYPE_CHECKING:
    from ccfpy.base.json import Json
    from ccfpy.endpoints.auth import AuthPolicy
    from ccfpy.endpoints.context import Context
    from ccfpy.http.messages import Response
    from ccfpy.kv.tx import MapHandle, Tx
    from ccfpy.kv.versions import VersionedMap

MakeHandler = Callable[[EndpointProperties, Mode], Handler]

_POLICY_NAMES = frozenset(
    {"user_cert", "member_cert", "any_cert", "jwt", "user_cose_sign1", "no_auth"}
)
"""What a bundle may name (``include/ccf/endpoints/authentication/js.h``)."""


METRICS_EXTENSION: Final = "x-ccfpy-metrics"
"""In an endpoint's ``openapi``: the node's metrics count its requests apart."""


class UnusableEndpoint(Exception):
    """An endpoint that cannot be served as its properties stand."""


class _Seen:
    """The version of a table that was read last."""

    def __init__(self) -> None:
        self._map: VersionedMap | None = None
        self._version = -1
        self._generation = -1

    def is_still(self, handle: "MapHandle", tx: "Tx") -> bool:
        """Return whether the table has not changed since the last call."""
        table = handle.map
        if (
            self._map is table
            and self._version == table.version
            and self._generation == tx.generation
        ):
            return True
        self._map = table
        self._version = table.version
        self._generation = tx.generation
        return False


class Code:
    """An application's endpoints and modules, as the KV has them now."""

    def __init__(
        self,
        scripts: Scripts,
        make_handler: MakeHandler,
    ) -> None:
        self._tables = scripts.tables
        self._counts_endpoints = scripts.counts_endpoints
        self._policies: dict[str, AuthPolicy] = {
            name: POLICIES[name] for name in _POLICY_NAMES
        }
        self._policies.update(scripts.policies)
        self._make_handler = make_handler
        self._library = Library({})
        self._library_seen = _Seen()
        self._routes = _no_routes()
        self._routes_seen = _Seen()

    def library(self, tx: "Tx") -> Library:
        """Return the modules; the same object until a module changes."""
        handle = tx.raw(self._tables.modules.name)
        if not self._library_seen.is_still(handle, tx):
            sources = {_text(name): _text(source) for name, source in handle.range()}
            self._library = Library(sources)
        return self._library

    def routes(self, tx: "Tx") -> Registry:
        """Return the endpoints."""
        handle = tx.raw(self._tables.endpoints.name)
        if not self._routes_seen.is_still(handle, tx):
            self._routes = routes = _no_routes()
            table = self._tables.endpoints
            for key, value in handle.range():
                self._route(routes, table.key_codec.decode, key, value)
        return self._routes

    def _route(
        self,
        routes: Registry,
        decode_key: Callable[[bytes], EndpointKey],
        key: bytes,
        value: bytes,
    ) -> None:
        """Add an endpoint; a key that is no verb and path is skipped."""
        try:
            method, path = decode_key(key)
        except Malformed:
            return
        try:
            properties = self._tables.endpoints.value_codec.decode(value)
            endpoint = self._endpoint(method, path, properties)
        except (Malformed, UnusableEndpoint) as error:
            endpoint = _broken(method, path, str(error))
        try:
            routes.add(endpoint)
        except ValueError:  # a template that matches nothing
            return

    def _endpoint(
        self, method: str, path: str, properties: EndpointProperties
    ) -> Endpoint:
        mode = Mode(properties.mode)
        operation = Operation(
            metadata=properties.openapi or {}, hidden=properties.openapi_hidden
        )
        if mode is Mode.HISTORICAL:
            operation = describe_historical(operation)
        is_shown = _is_counted(properties.openapi)
        return Endpoint(
            method=method,
            path=path,
            handler=self._make_handler(properties, mode),
            mode=mode,
            forwarding=Forwarding(properties.forwarding_required),
            redirection=Redirection(properties.redirection_strategy),
            auth=tuple(map(self._policy, properties.authn_policies)),
            operation=operation,
            execution_ms_max=UNLIMITED,  # an interpreter has limits of its own
            is_counted=is_shown or self._counts_endpoints,
            hides_counts=not is_shown,
        )

    def _policy(self, described: "Json") -> "AuthPolicy":
        """Return the policy of this name, or the policies that must all accept.

        Raises:
            UnusableEndpoint: there is no such policy.
        """
        if isinstance(described, str):
            return self._named(described)
        if isinstance(described, dict):
            names = described.get("all_of")
            if isinstance(names, list) and names:
                texts = [name for name in names if isinstance(name, str)]
                if len(texts) == len(names) == len(set(texts)):
                    return AllOf([self._named(name) for name in texts])
        raise UnusableEndpoint(
            "Unsupported auth policy. Policies must be either a string, or an object "
            'containing an "all_of" key with list-of-strings value. Unsupported value: '
            f"{described}"
        )

    def _named(self, name: str) -> "AuthPolicy":
        policy = self._policies.get(name)
        if policy is None:
            raise UnusableEndpoint(f"Unknown auth policy: {name}")
        return policy


class _Routes(Registry):
    """Endpoints of scripts, which get a path's parameters as they were sent."""

    def find(self, method: str, path: str) -> Match | None:
        """Find the endpoint for a request's path."""
        match = super().find(method, path)
        if match is None or not match.params or "%" not in path:
            return match
        pattern = template_pattern(match.endpoint.path)
        assert pattern is not None, "only a template has parameters"
        found = pattern.fullmatch(path)
        assert found is not None, "the endpoint was found by its template"
        return replace(
            match, params=dict(zip(match.params, found.groups(), strict=True))
        )


def _no_routes() -> Registry:
    return _Routes("app", title="", description="", version="")


def _broken(method: str, path: str, reason: str) -> Endpoint:
    def refuse(_: "Context") -> "Response":
        raise internal_error(reason)

    return Endpoint(
        method=method,
        path=path,
        handler=refuse,
        mode=Mode.COMMAND,
        forwarding=Forwarding.NEVER,
        redirection=Redirection.NONE,
        operation=Operation(hidden=True),
    )


def _is_counted(openapi: "Json") -> bool:
    """Return whether an endpoint's description asks for metrics of its own.

    The record of an endpoint has CCF's fields alone, and keeps its description whole.
    """
    return isinstance(openapi, dict) and openapi.get(METRICS_EXTENSION) is True


def _text(data: bytes) -> str:
    return data.decode(errors="replace")

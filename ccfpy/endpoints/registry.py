"""The endpoints of one frontend, found by verb and path as CCF finds them.

A path without parameters wins over templates. One template may match; two matching
templates are an error of the frontend (``src/endpoints/endpoint_registry.cpp``).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from ccfpy.base.compiling import mypyc_attr
from ccfpy.endpoints.declaration import Endpoint, Match

ANY_METHOD: Final = "*"
ANY_PATH: Final = "/{path}"
"""Of the endpoint that answers what no other does; its one parameter is the path."""
_NOT_THE_APPS: Final = frozenset(("/gov", "/node"))
"""Paths that reach an application only because they lack the slash at the end."""
_NO_PARAMS: Mapping[str, str] = {}
_PARAMETER = re.compile(r"\{([^}]*)\}")


def template_pattern(path: str) -> re.Pattern[str] | None:
    """Compile a path with ``{name}`` parts; ``None`` if it has none.

    A parameter runs to the next ``/`` or to the character that follows it in the
    template, so that ``{id}:submit`` ends at the colon.

    Raises:
        ValueError: a brace is not closed, or a name comes twice.
    """
    if "{" not in path:
        return None
    parts: list[str] = []
    rest = path
    while (start := rest.find("{")) >= 0:
        stop = rest.find("}", start)
        if stop < 0:
            raise ValueError(f"path template lacks a closing brace: {path}")
        follower = rest[stop + 1 : stop + 2]
        excluded = "/" + (follower if follower != "/" else "")
        parts += [re.escape(rest[:start]), f"([^{re.escape(excluded)}]+)"]
        rest = rest[stop + 1 :]
    names = parameter_names(path)
    if len(set(names)) != len(names):
        raise ValueError(f"path template names a parameter twice: {path}")
    return re.compile("".join(parts) + re.escape(rest))


def parameter_names(path: str) -> tuple[str, ...]:
    """List the names of a path's parameters."""
    return tuple(_PARAMETER.findall(path))


def unnamed(path: str) -> str:
    """Return a path without its parameters' names: it matches the same requests."""
    return _PARAMETER.sub("{}", path)


@dataclass(slots=True)
class _Templated:
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    fixed_chars: int
    by_method: dict[str, Endpoint] = field(default_factory=dict)


class AmbiguousPath(Exception):
    """More than one template matches a request's path."""

    def __init__(self, path: str, templates: list[str]) -> None:
        super().__init__(
            f"Found multiple potential templated matches for request path {path}: "
            + ", ".join(templates)
        )


@mypyc_attr(allow_interpreted_subclasses=True)
class Registry:
    """A frontend's endpoints and what its OpenAPI document says of itself.

    Attributes:
        prefix: the first path component: ``app``, ``gov`` or ``node``.
        is_exact: a path belongs to the template that fits it most closely, and has that
            one's verbs alone, as OpenAPI reads paths. Where this is not set, as for
            applications, a template answers the verbs that a closer one has not, as in
            CCF.
        has_metrics: the host may ask what callers do here, in numbers.
        default: answers requests that no endpoint answers, whatever their verb; no
            document describes it.
    """

    def __init__(
        self,
        prefix: str,
        *,
        title: str,
        description: str,
        version: str,
        is_exact: bool = False,
        has_metrics: bool = True,
    ) -> None:
        self.prefix = prefix
        self.title = title
        self.description = description
        self.version = version
        self.is_exact = is_exact
        self.has_metrics = has_metrics
        self.default: Endpoint | None = None
        # What a path without parameters matches is always the same, so it is kept.
        self._fixed: dict[str, dict[str, Match]] = {}
        self._templated: dict[str, _Templated] = {}
        self._live: list[tuple[str, str, re.Pattern[str] | None]] = []

    def add(self, endpoint: Endpoint) -> None:
        """Install an endpoint; a second one on the same verb and path replaces it.

        Raises:
            ValueError: the path's template is wrong.
        """
        pattern = template_pattern(endpoint.path)
        if endpoint.is_live:
            self._live.append((endpoint.method, endpoint.path, pattern))
        if pattern is None:
            match = self._match(endpoint, _NO_PARAMS)
            self._fixed.setdefault(endpoint.path, {})[endpoint.method] = match
            return
        templated = self._templated.get(endpoint.path)
        if templated is None:
            fixed_chars = len(_PARAMETER.sub("", endpoint.path))
            templated = _Templated(pattern, parameter_names(endpoint.path), fixed_chars)
            self._templated[endpoint.path] = templated
        templated.by_method[endpoint.method] = endpoint

    def find(self, method: str, path: str) -> Match | None:
        """Find the endpoint for a request's path (without the prefix).

        Raises:
            AmbiguousPath: two templates match.
        """
        by_method = self._fixed.get(path)
        if by_method is not None:
            fixed = by_method.get(method)
            if fixed is not None:
                return fixed
            if self.is_exact:
                return None
        found: list[Match] = []
        templates = self._closest(path) if self.is_exact else self._templated.values()
        for templated in templates:
            endpoint = templated.by_method.get(method)
            if endpoint is None:
                continue
            match = templated.pattern.fullmatch(path)
            if match is not None:
                values = map(unquote, match.groups())
                params = dict(zip(templated.names, values, strict=True))
                found.append(self._match(endpoint, params))
        if len(found) > 1:
            raise AmbiguousPath(path, [m.endpoint.path for m in found])
        return found[0] if found else None

    def has_fixed(self, path: str) -> bool:
        """Return whether an endpoint's path without parameters is this path."""
        return path in self._fixed

    def find_default(self, whole_path: str, path: str) -> Match | None:
        """Return what answers a request that no endpoint answers, if anything does.

        Args:
            whole_path: the request's, as it was sent.
            path: the same without the prefix.
        """
        if self.default is None or whole_path in _NOT_THE_APPS:
            return None
        is_prefix_alone = whole_path == f"/{self.prefix}"
        return self._match(
            self.default, {"path": "/" if is_prefix_alone else unquote(path)}
        )

    def _match(self, endpoint: Endpoint, params: Mapping[str, str]) -> Match:
        full_path = f"/{self.prefix}{endpoint.path}"
        return Match(endpoint=endpoint, params=params, full_path=full_path)

    def is_live(self, method: str, path: str) -> bool:
        """Return whether a request may be for an endpoint that answers by a stream."""
        for live_method, live_path, pattern in self._live:
            if method == live_method and (
                path == live_path if pattern is None else pattern.fullmatch(path)
            ):
                return True
        return False

    def methods_of(self, path: str) -> list[str]:
        """List the verbs that the path answers to, in alphabetical order."""
        methods = set(self._fixed.get(path, ()))
        if self.is_exact and methods:
            return sorted(methods)
        for templated in self._closest(path):
            methods |= templated.by_method.keys()
        return sorted(methods)

    def _closest(self, path: str) -> list[_Templated]:
        """List the templates that a path may belong to."""
        found = [
            templated
            for templated in self._templated.values()
            if templated.pattern.fullmatch(path)
        ]
        if self.is_exact:
            most = max((each.fixed_chars for each in found), default=0)
            found = [each for each in found if each.fixed_chars == most]
        return found

    def described(self) -> Iterator[Endpoint]:
        """Return the endpoints that the OpenAPI document describes, hidden ones too."""
        yield from self

    def __iter__(self) -> Iterator[Endpoint]:
        """Yield every endpoint, by path, then by verb."""
        groups = {p: t.by_method for p, t in self._templated.items()}
        for path, fixed in self._fixed.items():
            groups[path] = {method: match.endpoint for method, match in fixed.items()}
        for path in sorted(groups):
            for method in sorted(groups[path]):
                yield groups[path][method]

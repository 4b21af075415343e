"""Who could call an app's endpoints after a proposal and cannot call them today.

A caller needs to satisfy one of an endpoint's policies, so each policy that is added
lets more callers in. What a policy demands is in ``ccfpy/endpoints/auth``; the words
for each policy are in ``ccfpy/endpoints/api_page/callers.py``.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, loads_object
from ccfpy.client.review.characters import plain
from ccfpy.client.review.description import Fact, Quote, Severity
from ccfpy.client.review.quoting import quoted
from ccfpy.endpoints.api_page.callers import ANYBODY, CALLERS, EVERYBODY, all_of, one
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.store import Store
from ccfpy.service.tables import js


def wider_access(before: Store, writes: WriteSet) -> Iterator[Fact]:
    """Yield a warning for each endpoint that lets in more callers, or does more.

    Args:
        before: the service's public tables.
        writes: what the proposal would change.
    """
    table = js.ENDPOINTS.name
    old = before.begin(read_only=True).raw(table)
    for key, new in sorted(writes.get(table, {}).items()):
        if new is None:
            continue
        subject = quoted(key.decode(errors="backslashreplace"))
        was, would_be = _fields(old.get(key)), _fields(new)
        quotes, module = tuple(_quotes(was, would_be)), _module(was)
        texts = [_callers(was, would_be)]
        if was and _mode(was) == "readonly" and _mode(would_be) == "readwrite":
            texts.append("may write; today it only reads")
        for text in filter(None, texts):
            yield Fact(
                label=subject,
                text=text,
                is_warning=True,
                severity=Severity.SERIOUS,
                quotes=quotes,
                module=module,
            )


def _callers(was: dict[str, Json], would_be: dict[str, Json]) -> str:
    """Return who may call, if that is more than today; nothing otherwise."""
    policies, today = _policies(would_be), _policies(was)
    is_called = was and (_is_open(today) or any(map(_is_met, today)))
    if policies and not any(map(_is_met, policies)):
        if not was:
            return f"new, and may be called by {callers(policies)}"
        if is_called:
            said = f"may be called by {callers(policies)}"
            return f"{said}; today by {callers(today)}"
    policies = [policy for policy in policies if _is_met(policy)] or policies
    added = [policy for policy in policies if policy not in today]
    is_open, was_open = _is_open(policies), bool(was) and _is_open(today)
    if not was:
        return f"new, and may be called by {EVERYBODY}" if is_open else ""
    if was_open or not (is_open or added):
        return ""
    return f"may be called by {callers(policies)}; today only by {callers(today)}"


def callers(policies: Sequence[Json]) -> str:
    """Return in words who may call an endpoint that has these policies."""
    return EVERYBODY if _is_open(policies) else " or ".join(map(_caller, policies))


def _caller(policy: Json) -> str:
    if isinstance(policy, str):
        return one(policy) if policy in CALLERS else one(quoted(policy))
    demanded = policy.get("all_of") if isinstance(policy, Mapping) else None
    if isinstance(demanded, list) and _is_met(policy):
        return all_of(map(_caller, demanded))
    return f"nobody, as no caller can meet {quoted(json.dumps(policy))}"


def _is_met(policy: Json) -> bool:
    """Return whether a caller may meet a policy: a node refuses others of this form."""
    if isinstance(policy, str):
        return True
    names = policy.get("all_of") if isinstance(policy, Mapping) else None
    return (
        isinstance(names, list)
        and bool(names)
        and all(isinstance(name, str) for name in names)
        and len(set(map(str, names))) == len(names)
    )


def _is_open(policies: Sequence[Json]) -> bool:
    """Return whether no caller is asked for anything."""
    return not policies or ANYBODY in policies


def _policies(fields: dict[str, Json]) -> list[Json]:
    given = fields.get("authn_policies")
    return list(given) if isinstance(given, list) else []


def _quotes(was: dict[str, Json], would_be: dict[str, Json]) -> Iterator[Quote]:
    """Yield what the app says of an endpoint today, and what it would say."""
    for by, fields in (
        ("the installed app says of it", was),
        ("the proposed app would say of it", would_be),
    ):
        openapi = fields.get("openapi")
        said = openapi if isinstance(openapi, Mapping) else {}
        for name in ("summary", "description"):
            if isinstance(text := said.get(name), str) and text:
                yield Quote(by=f"{by} ({name})", text=plain(text))


def _module(fields: dict[str, Json]) -> str:
    """Return the module of an endpoint, by the name that tables have."""
    name = fields.get("js_module")
    if not isinstance(name, str) or not name:
        return ""
    return name if name.startswith("/") else f"/{name}"


def _mode(fields: dict[str, Json]) -> Json:
    return fields.get("mode", "readwrite")


def _fields(stored: bytes | None) -> dict[str, Json]:
    if stored is None:
        return {}
    try:
        return dict(loads_object(stored))
    except Malformed:
        return {}

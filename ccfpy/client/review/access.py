"""Who could call an app's endpoints after a proposal and cannot call them today.

A caller needs to satisfy one of an endpoint's policies, so each policy that is added
lets more callers in. What a policy demands is in ``ccfpy/endpoints/auth``.
"""

from collections.abc import Iterator, Sequence

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, dumps, loads_object
from ccfpy.client.review.description import Fact, plain
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.store import Store
from ccfpy.service.tables import js

ANYBODY = "no_auth"
EVERYBODY = "anybody, without a certificate or a token"


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
        subject = plain(key.decode(errors="backslashreplace"))
        was, would_be = _fields(old.get(key)), _fields(new)
        if told := _callers(was, would_be):
            yield Fact(label=subject, text=told, is_warning=True)
        if was and _mode(was) == "readonly" and _mode(would_be) == "readwrite":
            text = "may write; today it only reads"
            yield Fact(label=subject, text=text, is_warning=True)


def _callers(was: dict[str, Json], would_be: dict[str, Json]) -> str:
    """Return who may call, if that is more than today; nothing otherwise."""
    policies, today = _policies(would_be), _policies(was)
    added = [policy for policy in policies if policy not in today]
    is_open, was_open = _is_open(policies), bool(was) and _is_open(today)
    if not was:
        return f"new, and may be called by {EVERYBODY}" if is_open else ""
    if was_open or not (is_open or added):
        return ""
    return f"may be called by {_words(policies)}; today by {_words(today)}"


def _words(policies: Sequence[str]) -> str:
    return EVERYBODY if _is_open(policies) else plain(" or ".join(policies))


def _is_open(policies: Sequence[str]) -> bool:
    """Return whether no caller is asked for anything."""
    return not policies or ANYBODY in policies


def _policies(fields: dict[str, Json]) -> list[str]:
    given = fields.get("authn_policies")
    return [
        policy if isinstance(policy, str) else dumps(policy).decode()
        for policy in (given if isinstance(given, list) else [])
    ]


def _mode(fields: dict[str, Json]) -> Json:
    return fields.get("mode", "readwrite")


def _fields(stored: bytes | None) -> dict[str, Json]:
    if stored is None:
        return {}
    try:
        return dict(loads_object(stored))
    except Malformed:
        return {}

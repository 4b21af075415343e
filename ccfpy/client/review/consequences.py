"""What a reader must not miss of what would come of a proposal.

The warnings are about power: who decides, who holds shares, who is a member, who may
call an app, and whether the code that runs is the code that is shown. They rest on what
the proposal would write, and not on the names of its actions, which a constitution
defines.

A caller needs to satisfy one of an endpoint's policies, so each policy that is added
lets more callers in. What a policy demands is in ``ccfpy/endpoints/auth``; the words
for each policy are in ``ccfpy/endpoints/api_page/document.py``.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId
from ccfpy.base.json import Json, loads_object
from ccfpy.client.review.characters import inline, plain, quoted
from ccfpy.client.review.description import Fact, Quote, Severity
from ccfpy.client.review.dry_run import Outcome, Rule
from ccfpy.client.review.values import short
from ccfpy.endpoints.api_page.document import ANYBODY, CALLERS, EVERYBODY, all_of, one
from ccfpy.js.engine import JsModuleFailed
from ccfpy.js.quickjs import VERSION, compile_module
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.service.tables import js, members, service
from ccfpy.service.tables.members import MemberStatus


def consequences(outcome: Outcome) -> Iterator[Fact]:
    """Yield a warning for each thing that must not be missed.

    Args:
        outcome: what would come of the proposal.
    """
    now, then = outcome.before.begin(), outcome.before.begin()
    for table, rows in outcome.writes.items():
        handle = then.raw(table)
        for key, value in rows.items():
            if value is None:
                handle.remove(key)
            else:
                handle.put(key, value)
    if outcome.rule is not None:
        yield from _rule(outcome.rule, outcome.rule_today)
    try:
        yield from _members(outcome, now, then)
        yield from _recovery(outcome, now, then)
        yield from _bytecode(outcome, then)
    except Malformed as error:
        yield _warning(
            "what would be written",
            "cannot be read as tables of governance are",
            Severity.GRAVE,
            quotes=(Quote(by="why", text=plain(str(error))),),
        )
    yield from wider_access(outcome.before, outcome.writes)


def _warning(
    label: str,
    text: str,
    severity: Severity,
    *,
    headline: str = "",
    quotes: tuple[Quote, ...] = (),
) -> Fact:
    return Fact(
        label=label,
        text=text,
        is_warning=True,
        severity=severity,
        headline=headline,
        quotes=quotes,
    )


def _rule(rule: Rule, today: Rule | None) -> Iterator[Fact]:
    """Yield who would decide alone, and what nobody could decide any more."""
    already = {} if today is None else today.alone
    for action, deciding in rule.alone.items():
        who = ", ".join(inline(short(each)) for each in deciding)
        one = "one member" if len(deciding) > 1 else f"member {who}"
        text = f"{one} alone would decide {quoted(action)}"
        if len(deciding) > 1:
            text += f": each of {who}"
        if action in already:
            text += "; that is so today, too"
        yield _warning(
            "who decides",
            text,
            Severity.GRAVE,
            headline="" if action in already else "one member would decide alone",
        )
    for action in rule.nobody:
        yield _warning(
            "who decides",
            f"not even all active members together could decide {quoted(action)}",
            Severity.GRAVE,
            headline="nobody could decide any more",
        )
    if rule.failure:
        yield _warning(
            "who decides",
            "the proposed constitution decides nothing: it fails",
            Severity.GRAVE,
            headline="nobody could decide any more",
            quotes=(Quote(by="its error", text=plain(rule.failure)),),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """What decides a member's power."""

    status: str
    share_key: str | None
    role: str
    data: object

    @classmethod
    def of(cls, tx: Tx, member_id: MemberId) -> "_Standing | None":
        info = members.INFO.of(tx).get(member_id)
        if info is None:
            return None
        return cls(
            status=info.status.value,
            share_key=members.ENCRYPTION_PUBLIC_KEYS.of(tx).get(member_id),
            role=str(info.recovery_role),
            data=info.member_data,
        )


def _members(outcome: Outcome, now: Tx, then: Tx) -> Iterator[Fact]:
    """Yield what would become of members, new ones and those who are."""
    tables = (members.INFO, members.CERTS, members.ENCRYPTION_PUBLIC_KEYS)
    keys = {key for table in tables for key in outcome.writes.get(table.name, {})}
    for key in sorted(keys):
        member_id = MemberId(key.decode(errors="backslashreplace"))
        was, would_be = (_Standing.of(tx, member_id) for tx in (now, then))
        label = f"member {quoted(short(member_id))}"
        if was is None and would_be is not None:
            told = "would be a new member"
            told += ", with a recovery share" if would_be.share_key else ""
            yield _warning(label, told, Severity.SERIOUS)
        elif was is not None and would_be is None:
            yield _warning(label, "would be no member any more", Severity.SERIOUS)
        elif was is not None and would_be is not None:
            changed = list(_changed(was, would_be))
            if members.CERTS.of(now).get(member_id) != members.CERTS.of(then).get(
                member_id
            ):
                changed.insert(0, "another certificate would sign as this member")
            if changed:
                is_grave = any("certificate" in it or "key" in it for it in changed)
                yield _warning(
                    label,
                    f"is a member already: {'; '.join(changed)}",
                    Severity.GRAVE if is_grave else Severity.SERIOUS,
                    headline="a living member's keys are replaced" if is_grave else "",
                )


def _changed(was: _Standing, would_be: _Standing) -> Iterator[str]:
    if was.share_key != would_be.share_key:
        if was.share_key is None:
            yield "a recovery key would be added, which gets a share"
        elif would_be.share_key is None:
            yield "the recovery key would be removed, and with it the share"
        else:
            yield "the recovery key would be replaced: shares go to another key"
    if was.status != would_be.status:
        yield (
            f"would be {would_be.status} and not {was.status}, and so has no vote "
            "before acknowledging again"
            if would_be.status == MemberStatus.ACCEPTED.value
            else f"would be {would_be.status} and not {was.status}"
        )
    if was.role != would_be.role:
        yield "the role in a recovery would be another"
    if was.data != would_be.data:
        yield "the data would be others, where constitutions read roles"


def _recovery(outcome: Outcome, now: Tx, then: Tx) -> Iterator[Fact]:
    """Yield how many shares would be enough, if that or their holders change."""
    tables = (
        members.INFO.name,
        members.ENCRYPTION_PUBLIC_KEYS.name,
        service.CONFIGURATION.name,
    )
    if not any(table in outcome.writes for table in tables):
        return
    (was, _), (wanted, holders) = map(_shares, (now, then))
    if wanted is None:
        return
    if wanted > holders:
        yield _warning(
            "recovery",
            f"{wanted} shares would be needed, and {holders} members would hold one: a "
            "lost service could not be recovered",
            Severity.GRAVE,
            headline="a lost service could not be recovered",
        )
    if was is not None and wanted < was:
        yield _warning(
            "recovery",
            f"{wanted} of {holders} shares would be enough to open all that is kept "
            f"secret; today {was} are needed",
            Severity.SERIOUS,
        )


def _shares(tx: Tx) -> tuple[int | None, int]:
    """Return how many shares are needed, and how many active members hold one."""
    configuration = service.CONFIGURATION.of(tx).get()
    keys = members.ENCRYPTION_PUBLIC_KEYS.of(tx)
    holders = sum(
        info.status is MemberStatus.ACTIVE and keys.get(member_id) is not None
        for member_id, info in members.INFO.of(tx).items()
    )
    return None if configuration is None else configuration.recovery_threshold, holders


def _bytecode(outcome: Outcome, then: Tx) -> Iterator[Fact]:
    """Yield modules whose compiled form is not what their text gives.

    Nodes of CCF run the compiled form where there is one, and nobody can read it.
    """
    tables = (js.MODULES.name, js.MODULES_BYTECODE.name, js.MODULES_VERSION.name)
    if not any(table in outcome.writes for table in tables):
        return
    texts = dict(then.raw(js.MODULES.name).items())
    is_ours = js.MODULES_VERSION.of(then).get() == VERSION
    for name, code in sorted(then.raw(js.MODULES_BYTECODE.name).items()):
        text = texts.get(name)
        label = f"compiled form of module {quoted(name.decode(errors='replace'))}"
        if text is None:
            told = "there would be no module of this name"
        elif not is_ours:
            told = "is of another engine: whether it does what the text says is unknown"
        elif code != _compiled(name, text):
            told = "is not what its text gives: nodes of CCF would run something else"
        else:
            continue
        yield _warning(
            label, told, Severity.GRAVE, headline="code that nobody can read is written"
        )


def _compiled(name: bytes, text: bytes) -> bytes | None:
    try:
        return compile_module(
            name.decode(errors="replace"), text.decode(errors="replace")
        )
    except JsModuleFailed:
        return None


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

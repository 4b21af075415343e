"""Actions of a proposal in words."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ccfpy.base.json import Json, JsonObject
from ccfpy.client.review.characters import inline, mark, plain, quoted_name
from ccfpy.client.review.description import Change, Diff, Fact, Severity
from ccfpy.client.review.values import PEM_ARGUMENTS, shown_short, validity_warnings
from ccfpy.crypto.hashing import sha256_hex

INSTALLS = "set_js_app"
TITLED_MAX = 3
"""Kinds of actions that a title names; it counts the others."""
PLACES_MAX = 3
"""Numbers of actions of one kind that a warning names; it counts the others."""
NO_NAME = mark("no name")
UNFOLDED_NAMES_MAX = 3
"""Of an app's endpoints or modules; where there are more, they may be folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """What is known of an action here.

    Attributes:
        purpose: what the action is for.
        arguments: the arguments that the purpose and the diffs account for.
        severity: how much an action of this kind puts at stake.
        warning: what a reader must not miss of each action of this kind; empty if only
            what would change says whether there is something.
    """

    purpose: str
    arguments: frozenset[str]
    severity: Severity
    warning: str = ""


def _shown(
    purpose: str,
    *arguments: str,
    severity: Severity = Severity.ROUTINE,
    warning: str = "",
) -> Rendering:
    return Rendering(
        purpose=purpose,
        arguments=frozenset(arguments),
        severity=severity,
        warning=warning,
    )


_CODE = "nodes with this code may join, and read all that the service keeps secret"
_TOKENS = "whoever has these keys may call the app as any user who has a token"


RENDERINGS: Mapping[str, Rendering] = {
    "set_constitution": _shown(
        "replace the rules by which members decide",
        "constitution",
        severity=Severity.GRAVE,
        warning="another text decides from then on who may change what: read all of it",
    ),
    "set_member": _shown(
        "add a member, or replace what is known of one",
        "cert",
        "encryption_pub_key",
        "member_data",
        "recovery_role",
        severity=Severity.GRAVE,
    ),
    "remove_member": _shown("remove a member", "member_id", severity=Severity.GRAVE),
    "set_member_data": _shown(
        "attach data to a member", "member_id", "member_data", severity=Severity.SERIOUS
    ),
    "set_user": _shown(
        "add a user, or replace what is known of one",
        "cert",
        "user_data",
        severity=Severity.NOTABLE,
    ),
    "remove_user": _shown("remove a user", "user_id", severity=Severity.NOTABLE),
    "set_user_data": _shown(
        "attach data to a user", "user_id", "user_data", severity=Severity.NOTABLE
    ),
    "set_recovery_threshold": _shown(
        "change how many shares recover the service",
        "recovery_threshold",
        severity=Severity.SERIOUS,
    ),
    "set_service_configuration": _shown(
        "change the service's configuration",
        "reconfiguration_type",
        "recovery_threshold",
        "recent_cose_proposals_window_size",
        severity=Severity.SERIOUS,
    ),
    "trigger_recovery_shares_refresh": _shown(
        "issue new recovery shares", severity=Severity.NOTABLE
    ),
    "trigger_ledger_rekey": _shown(
        "encrypt the ledger with a new key from now on", severity=Severity.NOTABLE
    ),
    "trigger_ledger_chunk": _shown("close the ledger's chunk"),
    "trigger_snapshot": _shown("make a snapshot"),
    "transition_service_to_open": _shown(
        "open the service to its users",
        "next_service_identity",
        "previous_service_identity",
        severity=Severity.SERIOUS,
        warning="the service answers its users, under the identity that is named",
    ),
    "set_service_certificate_validity": _shown(
        "renew the service's certificate",
        "valid_from",
        "validity_period_days",
        severity=Severity.NOTABLE,
    ),
    "assert_service_identity": _shown(
        "fail if the service has another certificate", "service_identity"
    ),
    "set_js_app": _shown(
        "install a JavaScript app in place of the one that is installed",
        "bundle",
        "disable_bytecode_cache",
        severity=Severity.SERIOUS,
    ),
    "remove_js_app": _shown(
        "remove the JavaScript app",
        severity=Severity.SERIOUS,
        warning="the app answers nobody from then on",
    ),
    "set_js_runtime_options": _shown(
        "change the limits of scripts",
        "max_heap_bytes",
        "max_stack_bytes",
        "max_execution_time_ms",
        "log_exception_details",
        "return_exception_details",
        "max_cached_interpreters",
        severity=Severity.NOTABLE,
    ),
    "set_python_runtime_options": _shown(
        "change the limits of handlers in Python",
        "max_execution_time_ms",
        "max_memory_bytes",
        "max_response_bytes",
        "log_exception_details",
        severity=Severity.NOTABLE,
    ),
    "refresh_js_app_bytecode_cache": _shown(
        "compile the JavaScript app again", severity=Severity.NOTABLE
    ),
    "set_ca_cert_bundle": _shown(
        "trust certificate authorities under a name",
        "name",
        "cert_bundle",
        severity=Severity.SERIOUS,
        warning="these authorities may vouch for issuers of tokens",
    ),
    "remove_ca_cert_bundle": _shown(
        "trust certificate authorities no longer", "name", severity=Severity.NOTABLE
    ),
    "set_jwt_issuer": _shown(
        "accept tokens of an issuer",
        "issuer",
        "auto_refresh",
        "ca_cert_bundle_name",
        "jwks",
        severity=Severity.SERIOUS,
        warning=_TOKENS,
    ),
    "set_jwt_public_signing_keys": _shown(
        "replace the keys of an issuer of tokens",
        "issuer",
        "jwks",
        severity=Severity.SERIOUS,
        warning=_TOKENS,
    ),
    "remove_jwt_issuer": _shown(
        "accept an issuer's tokens no longer", "issuer", severity=Severity.NOTABLE
    ),
    "add_node_code": _shown(
        "let nodes with this code join (SGX)",
        "code_id",
        severity=Severity.GRAVE,
        warning=_CODE,
    ),
    "remove_node_code": _shown(
        "let nodes with this code join no longer (SGX)",
        "code_id",
        severity=Severity.NOTABLE,
    ),
    "add_snp_measurement": _shown(
        "let nodes with this code join (SEV-SNP)",
        "measurement",
        severity=Severity.GRAVE,
        warning=_CODE,
    ),
    "remove_snp_measurement": _shown(
        "let nodes with this code join no longer (SEV-SNP)",
        "measurement",
        severity=Severity.NOTABLE,
    ),
    "add_snp_host_data": _shown(
        "let nodes with this security policy join",
        "security_policy",
        "host_data",
        severity=Severity.GRAVE,
        warning=_CODE,
    ),
    "remove_snp_host_data": _shown(
        "let nodes with this security policy join no longer",
        "host_data",
        severity=Severity.NOTABLE,
    ),
    "add_snp_uvm_endorsement": _shown(
        "trust an endorser of the utility VM",
        "did",
        "feed",
        "svn",
        severity=Severity.GRAVE,
        warning=_CODE,
    ),
    "remove_snp_uvm_endorsement": _shown(
        "trust an endorser of the utility VM no longer",
        "did",
        "feed",
        severity=Severity.NOTABLE,
    ),
    "set_snp_minimum_tcb_version": _shown(
        "require a TCB version of a processor",
        "cpuid",
        "tcb_version",
        severity=Severity.SERIOUS,
        warning="older firmware may have known flaws: compare the version with today's",
    ),
    "set_snp_minimum_tcb_version_hex": _shown(
        "require a TCB version of a processor",
        "cpuid",
        "tcb_version",
        severity=Severity.SERIOUS,
        warning="older firmware may have known flaws: compare the version with today's",
    ),
    "remove_snp_minimum_tcb_version": _shown(
        "require no TCB version of a processor",
        "cpuid",
        severity=Severity.GRAVE,
        warning="processors with any firmware may join, also with known flaws",
    ),
    "add_virtual_measurement": _shown(
        "let nodes with this code join (virtual)",
        "measurement",
        severity=Severity.GRAVE,
        warning=_CODE,
    ),
    "remove_virtual_measurement": _shown(
        "let nodes with this code join no longer (virtual)",
        "measurement",
        severity=Severity.NOTABLE,
    ),
    "add_virtual_host_data": _shown(
        "let nodes with this host data join (virtual)",
        "host_data",
        severity=Severity.GRAVE,
        warning=_CODE,
    ),
    "remove_virtual_host_data": _shown(
        "let nodes with this host data join no longer",
        "host_data",
        severity=Severity.NOTABLE,
    ),
    "set_node_data": _shown("attach data to a node", "node_id", "node_data"),
    "transition_node_to_trusted": _shown(
        "trust a node that asked to join",
        "node_id",
        "valid_from",
        "validity_period_days",
        severity=Severity.SERIOUS,
        warning="the node gets all that the service keeps secret",
    ),
    "remove_node": _shown("retire a node", "node_id", severity=Severity.NOTABLE),
    "set_node_certificate_validity": _shown(
        "renew a node's certificate",
        "node_id",
        "valid_from",
        "validity_period_days",
        severity=Severity.NOTABLE,
    ),
    "set_all_nodes_certificate_validity": _shown(
        "renew every node's certificate", "valid_from", "validity_period_days"
    ),
}
"""What CCF's own actions are for.

A service's constitution may define an action of the same name otherwise: what a
proposal would do is said by a run of the constitution, and not by this table. An action
that is not here is `Severity.UNKNOWN`.
"""


def names(document: JsonObject) -> tuple[str, ...]:
    """Return the names of a proposal's actions."""
    return tuple(name for name, _ in _actions(document))


def title(
    document: JsonObject,
    diffs: Iterable[Diff] | None = None,
    *,
    worst: str = "",
) -> str:
    """Return what a proposal does, in a line: what puts most at stake comes first.

    What puts much at stake is named, however many actions there are.

    Args:
        document: the proposal.
        diffs: what would change, if that is known.
        worst: what a run found to be worse than any action's name says.
    """
    counts = Counter(names(document))
    kinds = sorted(counts, key=lambda name: -severity_of(name))
    named = [
        name
        for name in kinds
        if name in RENDERINGS and severity_of(name) >= Severity.SERIOUS
    ]
    others = [name for name in kinds if name not in named]
    named += others[: max(1, TITLED_MAX - len(named))]
    told = [
        part if counts[name] == 1 else f"{part} ({counts[name]:,} times)"
        for name in sorted(named, key=kinds.index)
        for part in [_titled(name, document, diffs)]
    ]
    if left := len(kinds) - len(named):
        told.append(f"{left:,} other action{'' if left == 1 else 's'}")
    said = "; ".join([worst, *told] if worst else told)
    return said[:1].upper() + said[1:] or "No action"


def severity_of(name: str) -> Severity:
    """Return how much an action puts at stake, by its name."""
    return RENDERINGS[name].severity if name in RENDERINGS else Severity.UNKNOWN


def warnings(document: JsonObject) -> Iterator[Fact]:
    """Yield a warning for each kind of action that must not be missed."""
    places: dict[str, list[int]] = {}
    for number, (name, _) in enumerate(_actions(document), 1):
        places.setdefault(name, []).append(number)
    total = sum(map(len, places.values()))
    for name, numbers in places.items():
        known = RENDERINGS.get(name)
        if known is None:
            text = (
                "nothing is known here of this action: only the run says what it does"
            )
        else:
            text = known.warning
        if text:
            yield Fact(
                label=f"{quoted_name(name)}, {_places(numbers, total)}",
                text=text,
                is_warning=True,
                severity=severity_of(name),
            )


def _places(numbers: Sequence[int], total: int) -> str:
    """Return in words which actions these are, such as ``action 151 of 195``."""
    named = " and ".join(f"{each:,}" for each in numbers[:PLACES_MAX])
    if (left := len(numbers) - PLACES_MAX) > 0:
        named = f"{named} and {left:,} more"
    return f"action{'' if len(numbers) == 1 else 's'} {named} of {total:,}"


def _titled(name: str, document: JsonObject, diffs: Iterable[Diff] | None) -> str:
    if name != INSTALLS:
        return purpose(name) or f"{quoted_name(name)}, which is not known here"
    if diffs is None:
        bundles = [args for each, args in _actions(document) if each == INSTALLS]
        endpoints, modules = _named(bundles[-1].get("bundle"))
        return (
            f"replace the app: {counted(len(endpoints), 'endpoint')} "
            f"in {counted(len(modules), 'file')}"
        )
    changed = Counter(each.kind for each in diffs if each.change != Change.UNCHANGED)
    parts = [
        counted(changed[kind], noun)
        for kind, noun in (("endpoint", "endpoint"), ("module", "file"))
        if changed[kind]
    ]
    if not parts:
        return "replace the app: no endpoint and no file changes"
    is_one = sum(changed[kind] for kind in ("endpoint", "module")) == 1
    return f"replace the app: {' and '.join(parts)} change{'s' if is_one else ''}"


def counted(count: int, noun: str) -> str:
    """Return a number of things, such as ``1 file`` or ``12 files``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def purpose(name: str) -> str:
    """Return what an action is for; nothing of an action that is not known here."""
    return RENDERINGS[name].purpose if name in RENDERINGS else ""


def facts(document: JsonObject) -> Iterator[Fact]:
    """Yield each action with its number, below it each of its arguments, and the rest.

    A constitution may read whatever the proposal has, so whatever it has is told.
    """
    for number, action in enumerate(_listed(document.get("actions")), 1):
        name, arguments = inline(str(action.get("name"))), action.get("args")
        yield Fact(
            label=f"{number}. {name or NO_NAME}",
            text=purpose(name),
            is_unknown=name not in RENDERINGS,
        )
        if isinstance(arguments, dict):
            yield from _arguments(name, arguments)
        elif "args" in action:
            yield _fact("args", arguments, is_unknown=True)
        for other, value in action.items():
            if other not in {"name", "args"}:
                yield _fact(f"beside its arguments, {other}", value, is_unknown=True)
    for other, value in document.items():
        if other != "actions":
            yield _fact(f"beside the actions, {other}", value, depth=0, is_unknown=True)


def _arguments(name: str, arguments: Mapping[str, Json]) -> Iterator[Fact]:
    known = RENDERINGS.get(name)
    for argument, value in arguments.items():
        if (name, argument) == (INSTALLS, "bundle"):
            yield from _bundle(value)
        else:
            yield _fact(
                argument,
                value,
                is_pem=argument in PEM_ARGUMENTS.get(name, ()),
                is_unknown=known is None or argument not in known.arguments,
            )
            if argument in PEM_ARGUMENTS.get(name, ()) and isinstance(value, str):
                for told in validity_warnings(value, now=datetime.now(tz=UTC)):
                    yield Fact(label="certificate", text=told, depth=1, is_warning=True)


def _fact(
    label: str,
    value: Json,
    *,
    depth: int = 1,
    is_pem: bool = False,
    is_unknown: bool,
) -> Fact:
    text, whole = shown_short(value, is_pem=is_pem), _whole(value)
    return Fact(
        label=inline(label) or NO_NAME,
        text=text,
        depth=depth,
        whole="" if whole == text else whole,
        is_unknown=is_unknown,
    )


def _whole(value: Json) -> str:
    if isinstance(value, str):
        return plain(value)
    return plain(json.dumps(value, ensure_ascii=False))


def _listed(value: Json) -> list[JsonObject]:
    found = value if isinstance(value, list) else []
    return [each for each in found if isinstance(each, dict)]


def _actions(document: JsonObject) -> Iterator[tuple[str, Mapping[str, Json]]]:
    for action in _listed(document.get("actions")):
        arguments = action.get("args")
        yield (
            inline(str(action.get("name"))),
            arguments if isinstance(arguments, dict) else {},
        )


def _bundle(bundle: Json) -> Iterator[Fact]:
    """Name an app's endpoints and modules; the diffs show what is in them."""
    for label, told in zip(("endpoints", "modules"), _named(bundle), strict=True):
        yield Fact(
            label=label,
            text=", ".join(map(_name, told)) or "none",
            depth=1,
            is_folded=len(told) > UNFOLDED_NAMES_MAX,
        )
    text = json.dumps(bundle, ensure_ascii=False)
    digest = sha256_hex(text.encode(errors="surrogatepass"))
    yield Fact(
        label="bundle", text=f"{len(text):,} characters, SHA-256 {digest}", depth=1
    )


def _name(name: str) -> str:
    """Return a name that could not be two of a list."""
    return inline(json.dumps(name, ensure_ascii=False) if "," in name else name)


def _named(bundle: Json) -> tuple[list[str], list[str]]:
    """Return the names of an app's endpoints and of its modules."""
    fields = bundle if isinstance(bundle, dict) else {}
    metadata, modules = fields.get("metadata"), fields.get("modules")
    endpoints = metadata.get("endpoints") if isinstance(metadata, dict) else None
    told = [
        f"{method.upper()} {path}"
        for path, methods in (endpoints if isinstance(endpoints, dict) else {}).items()
        for method in (methods if isinstance(methods, dict) else {})
    ]
    listed = [
        str(module.get("name"))
        for module in (modules if isinstance(modules, list) else [])
        if isinstance(module, dict)
    ]
    return told, listed

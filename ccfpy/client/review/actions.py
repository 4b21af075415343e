"""Actions of a proposal in words."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ccfpy.base.json import Json, JsonObject
from ccfpy.client.review.characters import inline, plain
from ccfpy.client.review.description import Change, Diff, Fact
from ccfpy.client.review.values import PEM_ARGUMENTS, shown_short, validity_warnings
from ccfpy.crypto.hashing import sha256_hex

INSTALLS = "set_js_app"
TITLED_MAX = 3
"""Kinds of actions that a title names; it counts the others."""
UNFOLDED_NAMES_MAX = 3
"""Of an app's endpoints or modules; where there are more, they may be folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """What is known of an action here.

    Attributes:
        purpose: what the action is for.
        arguments: the arguments that the purpose and the diffs account for.
    """

    purpose: str
    arguments: frozenset[str]


def _shown(purpose: str, *arguments: str) -> Rendering:
    return Rendering(purpose=purpose, arguments=frozenset(arguments))


RENDERINGS: Mapping[str, Rendering] = {
    "set_constitution": _shown(
        "replace the rules by which members decide", "constitution"
    ),
    "set_member": _shown(
        "add a member, or replace what is known of one",
        "cert",
        "encryption_pub_key",
        "member_data",
        "recovery_role",
    ),
    "remove_member": _shown("remove a member", "member_id"),
    "set_member_data": _shown("attach data to a member", "member_id", "member_data"),
    "set_user": _shown(
        "add a user, or replace what is known of one", "cert", "user_data"
    ),
    "remove_user": _shown("remove a user", "user_id"),
    "set_user_data": _shown("attach data to a user", "user_id", "user_data"),
    "set_recovery_threshold": _shown(
        "change how many shares recover the service", "recovery_threshold"
    ),
    "set_service_configuration": _shown(
        "change the service's configuration",
        "reconfiguration_type",
        "recovery_threshold",
        "recent_cose_proposals_window_size",
    ),
    "trigger_recovery_shares_refresh": _shown("issue new recovery shares"),
    "trigger_ledger_rekey": _shown("encrypt the ledger with a new key from now on"),
    "trigger_ledger_chunk": _shown("close the ledger's chunk"),
    "trigger_snapshot": _shown("make a snapshot"),
    "transition_service_to_open": _shown(
        "open the service to its users",
        "next_service_identity",
        "previous_service_identity",
    ),
    "set_service_certificate_validity": _shown(
        "renew the service's certificate", "valid_from", "validity_period_days"
    ),
    "assert_service_identity": _shown(
        "fail if the service has another certificate", "service_identity"
    ),
    "set_js_app": _shown(
        "install a JavaScript app in place of the one that is installed",
        "bundle",
        "disable_bytecode_cache",
    ),
    "remove_js_app": _shown("remove the JavaScript app"),
    "set_js_runtime_options": _shown(
        "change the limits of scripts",
        "max_heap_bytes",
        "max_stack_bytes",
        "max_execution_time_ms",
        "log_exception_details",
        "return_exception_details",
        "max_cached_interpreters",
    ),
    "set_python_runtime_options": _shown(
        "change the limits of handlers in Python",
        "max_execution_time_ms",
        "max_memory_bytes",
        "max_response_bytes",
        "log_exception_details",
    ),
    "refresh_js_app_bytecode_cache": _shown("compile the JavaScript app again"),
    "set_ca_cert_bundle": _shown(
        "trust certificate authorities under a name", "name", "cert_bundle"
    ),
    "remove_ca_cert_bundle": _shown("trust certificate authorities no longer", "name"),
    "set_jwt_issuer": _shown(
        "accept tokens of an issuer",
        "issuer",
        "auto_refresh",
        "ca_cert_bundle_name",
        "jwks",
    ),
    "set_jwt_public_signing_keys": _shown(
        "replace the keys of an issuer of tokens", "issuer", "jwks"
    ),
    "remove_jwt_issuer": _shown("accept an issuer's tokens no longer", "issuer"),
    "add_node_code": _shown("let nodes with this code join (SGX)", "code_id"),
    "remove_node_code": _shown(
        "let nodes with this code join no longer (SGX)", "code_id"
    ),
    "add_snp_measurement": _shown(
        "let nodes with this code join (SEV-SNP)", "measurement"
    ),
    "remove_snp_measurement": _shown(
        "let nodes with this code join no longer (SEV-SNP)", "measurement"
    ),
    "add_snp_host_data": _shown(
        "let nodes with this security policy join", "security_policy", "host_data"
    ),
    "remove_snp_host_data": _shown(
        "let nodes with this security policy join no longer", "host_data"
    ),
    "add_snp_uvm_endorsement": _shown(
        "trust an endorser of the utility VM", "did", "feed", "svn"
    ),
    "remove_snp_uvm_endorsement": _shown(
        "trust an endorser of the utility VM no longer", "did", "feed"
    ),
    "set_snp_minimum_tcb_version": _shown(
        "require a TCB version of a processor", "cpuid", "tcb_version"
    ),
    "set_snp_minimum_tcb_version_hex": _shown(
        "require a TCB version of a processor", "cpuid", "tcb_version"
    ),
    "remove_snp_minimum_tcb_version": _shown(
        "require no TCB version of a processor", "cpuid"
    ),
    "add_virtual_measurement": _shown(
        "let nodes with this code join (virtual)", "measurement"
    ),
    "remove_virtual_measurement": _shown(
        "let nodes with this code join no longer (virtual)", "measurement"
    ),
    "add_virtual_host_data": _shown(
        "let nodes with this host data join (virtual)", "host_data"
    ),
    "remove_virtual_host_data": _shown(
        "let nodes with this host data join no longer", "host_data"
    ),
    "set_node_data": _shown("attach data to a node", "node_id", "node_data"),
    "transition_node_to_trusted": _shown(
        "trust a node that asked to join",
        "node_id",
        "valid_from",
        "validity_period_days",
    ),
    "remove_node": _shown("retire a node", "node_id"),
    "set_node_certificate_validity": _shown(
        "renew a node's certificate", "node_id", "valid_from", "validity_period_days"
    ),
    "set_all_nodes_certificate_validity": _shown(
        "renew every node's certificate", "valid_from", "validity_period_days"
    ),
}
"""What CCF's own actions are for.

A service's constitution may define an action of the same name otherwise: what a
proposal would do is said by a run of the constitution, and not by this table.
"""


def names(document: JsonObject) -> tuple[str, ...]:
    """Return the names of a proposal's actions."""
    return tuple(name for name, _ in _actions(document))


def title(document: JsonObject, diffs: Iterable[Diff] | None = None) -> str:
    """Return what a proposal does, in a line.

    Args:
        document: the proposal.
        diffs: what would change, if that is known.
    """
    counts = Counter(names(document))
    told = [_titled(name, document, diffs) for name in list(counts)[:TITLED_MAX]]
    told = [
        part if counts[name] == 1 else f"{part} ({counts[name]} times)"
        for name, part in zip(counts, told, strict=False)
    ]
    if (left := len(counts) - len(told)) > 0:
        told.append(f"{left} other action{'' if left == 1 else 's'}")
    said = "; ".join(told)
    return said[:1].upper() + said[1:] or "No action"


def _titled(name: str, document: JsonObject, diffs: Iterable[Diff] | None) -> str:
    if name != INSTALLS:
        return purpose(name) or f"{name}, which is not known here"
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
            label=f"{number}. {name}",
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
        label=inline(label),
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

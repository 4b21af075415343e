"""Actions of a proposal in words."""

from collections.abc import Iterator, Mapping

from ccfpy.base.json import Json, JsonObject
from ccfpy.client.review.description import Row, plain
from ccfpy.client.review.values import shown_short

PURPOSES = {
    "set_constitution": "replace the rules by which members decide",
    "set_member": "add a member, or replace what is known of one",
    "remove_member": "remove a member",
    "set_member_data": "attach data to a member",
    "set_user": "add a user, or replace what is known of one",
    "remove_user": "remove a user",
    "set_user_data": "attach data to a user",
    "set_recovery_threshold": "change how many shares recover the service",
    "set_service_configuration": "change the service's configuration",
    "trigger_recovery_shares_refresh": "issue new recovery shares",
    "trigger_ledger_rekey": "encrypt the ledger with a new key from now on",
    "trigger_ledger_chunk": "close the ledger's chunk",
    "trigger_snapshot": "make a snapshot",
    "transition_service_to_open": "open the service to its users",
    "set_service_certificate_validity": "renew the service's certificate",
    "assert_service_identity": "fail if the service has another certificate",
    "set_js_app": "install a JavaScript app in place of the one that is installed",
    "remove_js_app": "remove the JavaScript app",
    "set_js_runtime_options": "change the limits of scripts",
    "set_python_runtime_options": "change the limits of handlers in Python",
    "refresh_js_app_bytecode_cache": "compile the JavaScript app again",
    "set_ca_cert_bundle": "trust certificate authorities under a name",
    "remove_ca_cert_bundle": "trust certificate authorities no longer",
    "set_jwt_issuer": "accept tokens of an issuer",
    "set_jwt_public_signing_keys": "replace the keys of an issuer of tokens",
    "remove_jwt_issuer": "accept an issuer's tokens no longer",
    "add_node_code": "let nodes with this code join (SGX)",
    "remove_node_code": "let nodes with this code join no longer (SGX)",
    "add_snp_measurement": "let nodes with this code join (SEV-SNP)",
    "remove_snp_measurement": "let nodes with this code join no longer (SEV-SNP)",
    "add_snp_host_data": "let nodes with this security policy join",
    "remove_snp_host_data": "let nodes with this security policy join no longer",
    "add_snp_uvm_endorsement": "trust an endorser of the utility VM",
    "remove_snp_uvm_endorsement": "trust an endorser of the utility VM no longer",
    "set_snp_minimum_tcb_version": "require a TCB version of a processor",
    "set_snp_minimum_tcb_version_hex": "require a TCB version of a processor",
    "remove_snp_minimum_tcb_version": "require no TCB version of a processor",
    "add_virtual_measurement": "let nodes with this code join (virtual)",
    "remove_virtual_measurement": "let nodes with this code join no longer (virtual)",
    "add_virtual_host_data": "let nodes with this host data join (virtual)",
    "remove_virtual_host_data": "let nodes with this host data join no longer",
    "set_node_data": "attach data to a node",
    "transition_node_to_trusted": "trust a node that asked to join",
    "remove_node": "retire a node",
    "set_node_certificate_validity": "renew a node's certificate",
    "set_all_nodes_certificate_validity": "renew every node's certificate",
}
"""What CCF's own actions are for.

A service's constitution may define an action of the same name otherwise: what a
proposal would do is said by a run of the constitution, and not by this table.
"""


def names(document: JsonObject) -> tuple[str, ...]:
    """Return the names of a proposal's actions."""
    return tuple(name for name, _ in _actions(document))


def rows(document: JsonObject) -> Iterator[Row]:
    """Yield each action with its number, and below it each of its arguments."""
    for number, (name, arguments) in enumerate(_actions(document), 1):
        yield Row(label=f"{number}. {name}", text=PURPOSES.get(name, ""))
        for argument, value in arguments.items():
            if (name, argument) == ("set_js_app", "bundle"):
                yield from _bundle(value)
            else:
                yield Row(label=plain(argument), text=shown_short(value), depth=1)


def _actions(document: JsonObject) -> Iterator[tuple[str, Mapping[str, Json]]]:
    given = document.get("actions")
    for action in given if isinstance(given, list) else ():
        if isinstance(action, dict):
            arguments = action.get("args")
            yield (
                plain(str(action.get("name"))),
                arguments if isinstance(arguments, dict) else {},
            )


def _bundle(bundle: Json) -> Iterator[Row]:
    """Name an app's endpoints and modules; the diffs show what is in them."""
    fields = bundle if isinstance(bundle, dict) else {}
    metadata, modules = fields.get("metadata"), fields.get("modules")
    endpoints = metadata.get("endpoints") if isinstance(metadata, dict) else None
    told = [
        f"{method.upper()} {path}"
        for path, methods in (endpoints if isinstance(endpoints, dict) else {}).items()
        for method in (methods if isinstance(methods, dict) else {})
    ]
    yield Row(label="endpoints", text=plain(", ".join(told)) or "none", depth=1)
    listed = [
        str(module.get("name"))
        for module in (modules if isinstance(modules, list) else [])
        if isinstance(module, dict)
    ]
    yield Row(label="modules", text=plain(", ".join(listed)) or "none", depth=1)

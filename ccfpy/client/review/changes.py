"""What a proposal would change, as diffs of a service's tables."""

import difflib
import json
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Final

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json
from ccfpy.client.review.characters import inline
from ccfpy.client.review.description import Change, Diff
from ccfpy.client.review.differences import CONTEXT_LINES, split
from ccfpy.client.review.quoting import quoted
from ccfpy.client.review.reading import read_json
from ccfpy.client.review.values import FILE_TABLES, as_text, comparable, shown_whole
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.maps import UNIT
from ccfpy.kv.store import Store
from ccfpy.service.tables import (
    ca_certs,
    constitution,
    js,
    jwt,
    members,
    nodes,
    proposals,
    service,
    users,
)
from ccfpy.service.tables import join_policy as policy

PREFIX = "public:ccf.gov."

TITLES = {
    constitution.CONSTITUTION.name: "constitution",
    members.INFO.name: "member",
    members.CERTS.name: "certificate of member",
    members.ENCRYPTION_PUBLIC_KEYS.name: "encryption key of member",
    members.ACKS.name: "state to be signed by member",
    users.INFO.name: "user",
    users.CERTS.name: "certificate of user",
    nodes.INFO.name: "node",
    nodes.ENDORSED_CERTIFICATES.name: "certificate of node",
    policy.SGX_MEASUREMENTS.name: "code id of SGX",
    policy.SNP_MEASUREMENTS.name: "code id of SEV-SNP",
    policy.SNP_HOST_DATA.name: "host data of SEV-SNP",
    policy.SNP_UVM_ENDORSEMENTS.name: "endorser of SEV-SNP's utility VM",
    policy.SNP_TCB_VERSIONS.name: "least TCB version of processor",
    policy.VIRTUAL_MEASUREMENTS.name: "code id of virtual nodes",
    policy.VIRTUAL_HOST_DATA.name: "host data of virtual nodes",
    js.MODULES.name: "module",
    js.ENDPOINTS.name: "endpoint",
    js.MODULES_BYTECODE.name: "compiled form of module",
    js.INTERPRETER_FLUSH.name: "interpreters in use, which are dropped",
    js.MODULES_VERSION.name: "engine that compiled the modules",
    js.RUNTIME_OPTIONS.name: "limits of scripts",
    jwt.ISSUERS.name: "JWT issuer",
    jwt.SIGNING_KEYS.name: "signing key of tokens",
    ca_certs.CA_CERT_BUNDLES.name: "CA certificates",
    service.INFO.name: "service",
    service.CONFIGURATION.name: "configuration of the service",
    proposals.INFO.name: "proposal",
}
"""What a row of each table is, for people."""

FOLDED = frozenset({js.MODULES_BYTECODE.name})
"""Tables whose rows say little to people. They are shown all the same, folded."""

UNFOLDED = frozenset({constitution.CONSTITUTION.name, js.ENDPOINTS.name})
"""Tables that say who may do what: their diffs are shown whole at first."""


_ENDPOINT_DEFAULTS: Final = {
    field.name: field.default
    for field in fields(js.EndpointProperties)
    if isinstance(field.default, str | bool | None)
}
"""What an endpoint's fields mean where they are not written. A service leaves out of
its answers what equals these, and a proposal may write them."""


def changes(before: Store, writes: WriteSet) -> Iterator[Diff]:
    """Yield each row that would be written, by table and key.

    Rows that would stay as they are come too, as such: an app's modules that another
    version of the app has again.
    """
    tx = before.begin(read_only=True)
    for table, rows in writes.items():
        old = tx.raw(table)
        for key, new in sorted(rows.items()):
            was = old.get(key)
            if was is None and new is None:
                continue
            subject, kind = _title(table, key), _noun(table)
            told = _compared(subject, table, was, new)
            is_module = table == js.MODULES.name and was is not None and new is not None
            is_alike = is_module and told.change is Change.CHANGED
            alike = _alike(was or b"", new or b"") if is_alike else ""
            is_folded = told.is_folded or table in FOLDED
            yield replace(told, kind=kind, alike=alike, is_folded=is_folded)


def _compared(subject: str, table: str, was: bytes | None, new: bytes | None) -> Diff:
    """Compare a row as it is written, and show what differs."""
    rows = [None if each is None else _comparable(table, each) for each in (was, new)]
    if rows[0] == rows[1]:
        return Diff(subject=subject, change=Change.UNCHANGED)
    shown = [None if each is None else shown_whole(table, each) for each in rows]
    if shown[0] == shown[1]:  # in words both are the same; their bytes are not
        shown = [None if each is None else as_text(each) for each in (was, new)]
    return Diff.of(
        subject,
        *shown,
        may_fold=table not in UNFOLDED,
        is_file=table in FILE_TABLES,
    )


def _alike(was: bytes, new: bytes) -> str:
    """Return a digest of the lines that change, byte for byte, in their order.

    What is shown of two lines may be the same where their bytes are not.
    """
    old_lines, new_lines = (split(as_text(value)) for value in (was, new))
    # What stands around them counts: the same line may do something else elsewhere.
    found = difflib.unified_diff(old_lines, new_lines, n=CONTEXT_LINES, lineterm="")
    changed = [line for line in list(found)[2:] if not line.startswith("@@ ")]
    return sha256_hex("\n".join(changed).encode(errors="surrogatepass"))


def _comparable(table: str, value: bytes) -> bytes:
    """Return a row in the form that two are compared in."""
    if table != js.ENDPOINTS.name:
        return comparable(table, value)
    try:
        endpoint = read_json(value)
    except Malformed:
        return value
    if isinstance(endpoint, dict):
        told = {name: field for name, field in endpoint.items() if _says(name, field)}
        return comparable(table, json.dumps(told).encode())
    return value


def _says(name: str, field: Json) -> bool:
    """Return whether a field of an endpoint says something by being there."""
    default = _ENDPOINT_DEFAULTS.get(name, ...)
    return type(field) is not type(default) or field != default


def _noun(table: str) -> str:
    return TITLES.get(table) or quoted(table.removeprefix(PREFIX))


def _title(table: str, key: bytes) -> str:
    noun = _noun(table)
    if key == UNIT:
        return noun
    return f"{noun} {inline(as_text(key))}"

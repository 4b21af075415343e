"""What a proposal would change, as diffs of a service's tables."""

import difflib
import json
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Final

from ccfpy.base.errors import Malformed
from ccfpy.base.json import dumps, loads_object
from ccfpy.client.review.description import Change, Diff, plain
from ccfpy.client.review.values import shown_whole
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
    js.RUNTIME_OPTIONS.name: "limits of scripts",
    jwt.ISSUERS.name: "JWT issuer",
    jwt.SIGNING_KEYS.name: "signing key of tokens",
    ca_certs.CA_CERT_BUNDLES.name: "CA certificates",
    service.INFO.name: "service",
    service.CONFIGURATION.name: "configuration of the service",
    proposals.INFO.name: "proposal",
}
"""What a row of each table is, for people."""

UNTOLD = frozenset(
    {
        js.MODULES_BYTECODE.name,
        js.MODULES_VERSION.name,
        js.INTERPRETER_FLUSH.name,
        jwt.LEGACY_KEYS.name,
        jwt.LEGACY_KEY_ISSUER.name,
        jwt.LEGACY_METADATA.name,
    }
)
"""Tables that follow from others, in a form that says nothing to people."""

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
        if table in UNTOLD:
            continue
        old = tx.raw(table)
        for key, new in sorted(rows.items()):
            was = old.get(key)
            if was is None and new is None:
                continue
            subject, kind = _title(table, key), _noun(table)
            if was == new:
                yield Diff(subject=subject, change=Change.UNCHANGED, kind=kind)
                continue
            texts = (
                None if each is None else shown_whole(_comparable(table, each))
                for each in (was, new)
            )
            told = Diff.of(subject, *texts, may_fold=table not in UNFOLDED)
            is_module = table == js.MODULES.name and was is not None and new is not None
            alike = _alike(was or b"", new or b"") if is_module else ""
            yield replace(told, kind=kind, alike=alike)


def _alike(was: bytes, new: bytes) -> str:
    """Return a digest of the lines that change, byte for byte, in their order.

    What is shown of two lines may be the same where their bytes are not.
    """
    old_lines, new_lines = (_source(value).split("\n") for value in (was, new))
    found = difflib.unified_diff(old_lines, new_lines, n=0, lineterm="")
    changed = [line for line in list(found)[2:] if not line.startswith("@@ ")]
    return sha256_hex("\n".join(changed).encode(errors="surrogatepass"))


def _source(stored: bytes) -> str:
    """Return a module's text, which its table has as a JSON string."""
    try:
        value = json.loads(stored)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, str) else stored.decode("latin-1")


def _comparable(table: str, value: bytes) -> bytes:
    """Return an endpoint without what is said by saying nothing."""
    if table != js.ENDPOINTS.name:
        return value
    try:
        endpoint = loads_object(value)
    except Malformed:
        return value
    return dumps(
        {
            name: field
            for name, field in endpoint.items()
            if name not in _ENDPOINT_DEFAULTS or field != _ENDPOINT_DEFAULTS[name]
        }
    )


def _noun(table: str) -> str:
    return TITLES.get(table, table.removeprefix(PREFIX))


def _title(table: str, key: bytes) -> str:
    noun = _noun(table)
    if key == UNIT:
        return noun
    return f"{noun} {plain(key.decode(errors='backslashreplace'))}"

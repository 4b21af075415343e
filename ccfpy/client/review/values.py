"""Values of governance in words, and what a proposal would change of them, as diffs.

A certificate or a key is decoded where its argument or table has nothing else, and
nowhere by how a text looks. What is counted or cut stands beside its digest, and what
is decoded was written in the one form that tools write: values that differ are shown
differently.
"""

import base64
import binascii
import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.json import Json
from ccfpy.client.review.characters import inline, mark, plain, quoted
from ccfpy.client.review.description import Change, Diff
from ccfpy.client.review.differences import CONTEXT_LINES, split
from ccfpy.client.review.reading import read_json
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.maps import RAW, STRING, UNIT, Map, Value
from ccfpy.kv.store import Store
from ccfpy.service.served_tables import served_tables
from ccfpy.service.tables import (
    join_policy,
    js,
    jwt,
    members,
    nodes,
    proposals,
    service,
    users,
)
from ccfpy.service.tables import join_policy as policy

ID_CHARACTERS = 8
"""Characters of an id that are shown: enough to tell a service's ids apart."""
TEXT_CHARACTERS_MAX = 200
"""A longer text of an argument is shown by its size and its beginning."""
_BEGINNING = 50

PEM_ARGUMENTS: Final[Mapping[str, frozenset[str]]] = {
    "set_member": frozenset({"cert", "encryption_pub_key"}),
    "set_user": frozenset({"cert"}),
    "set_ca_cert_bundle": frozenset({"cert_bundle"}),
    "transition_service_to_open": frozenset(
        {"next_service_identity", "previous_service_identity"}
    ),
    "assert_service_identity": frozenset({"service_identity"}),
}
"""By action, the arguments that are certificates or keys."""
PEM_TABLES: Final = frozenset(
    {
        members.CERTS.name,
        members.ENCRYPTION_PUBLIC_KEYS.name,
        users.CERTS.name,
        nodes.ENDORSED_CERTIFICATES.name,
        jwt.CA_CERT_BUNDLES.name,
    }
)
"""Tables whose values are certificates or keys."""
PEM_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    service.INFO.name: frozenset({"cert"}),
    nodes.INFO.name: frozenset({"cert", "public_key", "encryption_pub_key"}),
}
"""By table, the fields that are certificates or keys."""
FILE_TABLES: Final = frozenset(
    {js.MODULES.name, service.CONSTITUTION.name, join_policy.SNP_HOST_DATA.name}
)
"""Tables whose values are files: programs, and policies for containers."""
_QUOTED_TABLES: Final = frozenset(
    {
        jwt.CA_CERT_BUNDLES.name,
        service.CONSTITUTION.name,
        join_policy.SNP_HOST_DATA.name,
    }
)
"""Tables whose values are texts, written as JSON has them."""
_JSON_TABLES: Final = frozenset(
    table.name
    for table, _ in served_tables()
    if isinstance(table, Map | Value)
    and (table.value_codec if isinstance(table, Map) else table.codec)
    not in (STRING, RAW)
)
"""CCF's tables whose values are JSON. Bytes decide in all others."""
_PEM: Final = re.compile(
    r"-----BEGIN (CERTIFICATE|(?:RSA |EC )?PUBLIC KEY)-----\n"
    r"([A-Za-z0-9+/=\n]+)\n-----END \1-----\n"
)
EXPIRES_SOON = timedelta(days=14)
"""A certificate that ends sooner is worth a word."""
CLOCK_SKEW = timedelta(minutes=5)
"""Clocks of members and nodes differ."""
_CERTIFICATE: Final = re.compile(
    "-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----"
)
_PEM_LINE = 64


def short(identity: str) -> str:
    """Return the beginning of an id."""
    return identity[:ID_CHARACTERS]


def decoded(text: str) -> str | None:
    """Return what certificates and keys say; nothing if the text is something else.

    Blocks are in the one form that tools write; a text that says the same otherwise is
    shown as it is.
    """
    told, at = [], 0
    whole = text if text.endswith("\n") else f"{text}\n"
    while at < len(whole):
        found = _PEM.match(whole, at)
        said = None if found is None else _block(found[0], found[1], found[2])
        if found is None or said is None:
            return None
        told.append(said)
        at = found.end()
    if not told:
        return None
    if whole != text:
        told[-1] += ", without a line break at its end"
    return "\n".join(told)


def comparable(table: str, stored: bytes) -> bytes:
    """Return what two values of a table have in common if they are the same.

    A service gives out its tables of JSON with the names in order, however they were
    written, so the order is nothing that differs. All other values are their bytes: who
    reads a table that CCF does not define may tell apart what means the same as JSON.
    """
    if table not in _JSON_TABLES:
        return stored
    try:
        value = read_json(stored)
    except Malformed:
        return stored
    return json.dumps(value, sort_keys=True).encode()


def shown_whole(table: str, stored: bytes) -> str:
    """Return a value of a table as lines that can be compared with another's."""
    try:
        value = read_json(stored) if table in _JSON_TABLES else as_text(stored)
    except Malformed:
        return as_text(stored)
    if isinstance(value, str) and table not in _JSON_TABLES - _QUOTED_TABLES:
        said = decoded(value) if table in PEM_TABLES else None
        return value if said is None else said
    fields = PEM_FIELDS.get(table, frozenset())
    if isinstance(value, dict) and fields:
        value = {
            name: (decoded(field) or field)
            if name in fields and isinstance(field, str)
            else field
            for name, field in value.items()
        }
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


def as_text(stored: bytes) -> str:
    """Return bytes as text; those that are no UTF-8 are shown by their numbers."""
    return stored.decode(errors="surrogateescape")


def shown_short(value: Json, *, is_pem: bool = False) -> str:
    """Return an argument of an action in words.

    Args:
        value: the argument.
        is_pem: whether it is a certificate or a key.
    """
    if not isinstance(value, str):
        return _cut(value, json.dumps(value, ensure_ascii=False))
    if is_pem:
        said = decoded(value)
        return _quoted(value) if said is None else said
    if len(value) > TEXT_CHARACTERS_MAX:
        lines = value.count("\n") + (not value.endswith("\n"))
        said = (
            f"{lines} lines, {len(value)} characters, SHA-256 {_digest(value)}, "
            "beginning with"
        )
        return f"{mark(said)} {plain(' '.join(value[:_BEGINNING].split()))}".rstrip()
    return shown_text(value)


def validity_warnings(value: str, *, now: datetime) -> Iterator[str]:
    """Yield what is to be said of certificates that are not valid, or not for long.

    Args:
        value: one or several certificates, as PEM.
        now: what the reader's clock says.
    """
    for block in _CERTIFICATE.findall(value):
        try:
            certificate = Certificate.from_pem(f"{block}\n")
            begin, end = certificate.not_before, certificate.not_after
        except CcfpyError:
            continue
        if end < now:
            yield f"expired on {end.astimezone(UTC):%Y-%m-%d}"
        elif begin > now + CLOCK_SKEW:
            yield f"not valid before {begin.astimezone(UTC):%Y-%m-%d}"
        elif end < now + EXPIRES_SOON:
            yield f"expires soon, on {end.astimezone(UTC):%Y-%m-%d}"


def shown_text(value: str) -> str:
    """Return a text as it is, unless it could be taken for something else."""
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        pass
    else:
        return _quoted(value)
    if not value or value != value.strip() or value.startswith('"'):
        return _quoted(value)
    return plain(value)


def _quoted(value: str) -> str:
    return plain(json.dumps(value, ensure_ascii=False))


def _cut(value: Json, text: str) -> str:
    if len(text) <= TEXT_CHARACTERS_MAX:
        return plain(text)
    of = f"a list of {len(value)}, " if isinstance(value, list) else ""
    said = f"{of}{len(text)} characters, SHA-256 {_digest(text)}, beginning with"
    return f"{mark(said)} {plain(text[:TEXT_CHARACTERS_MAX])}"


def _digest(text: str) -> str:
    return sha256_hex(text.encode(errors="surrogatepass"))


def _block(block: str, label: str, body: str) -> str | None:
    """Return what a block says; nothing if the block is not as tools write it."""
    try:
        der = base64.b64decode(body.replace("\n", ""), validate=True)
    except binascii.Error:
        return None
    if _written(label, der) != block:
        return None
    if label != "CERTIFICATE":
        return f"{label.lower()} of {len(der)} bytes, SHA-256 {sha256_hex(der)}"
    try:
        certificate = Certificate.from_pem(block)
        until = certificate.not_after.astimezone(UTC)
        subject = certificate.subject
    except CcfpyError:
        return f"a certificate that cannot be read, SHA-256 {sha256_hex(der)}"
    return (
        f"certificate of {_subject(subject)}, valid until {until:%Y-%m-%d}, "
        f"SHA-256 {certificate.digest_hex}"
    )


def _subject(name: str) -> str:
    """Return a certificate's name; one that could go on as this sentence is quoted."""
    return quoted(name) if "\\" in name else inline(name)


def _written(label: str, der: bytes) -> str:
    text = base64.b64encode(der).decode()
    rows = (text[at : at + _PEM_LINE] for at in range(0, len(text), _PEM_LINE))
    return f"-----BEGIN {label}-----\n" + "\n".join(rows) + f"\n-----END {label}-----\n"


PREFIX = "public:ccf.gov."

TITLES = {
    service.CONSTITUTION.name: "constitution",
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
    jwt.CA_CERT_BUNDLES.name: "CA certificates",
    service.INFO.name: "service",
    service.CONFIGURATION.name: "configuration of the service",
    proposals.INFO.name: "proposal",
}
"""What a row of each table is, for people."""

FOLDED = frozenset({js.MODULES_BYTECODE.name})
"""Tables whose rows say little to people. They are shown all the same, folded."""

UNFOLDED = frozenset({service.CONSTITUTION.name, js.ENDPOINTS.name})
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

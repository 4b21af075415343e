"""Values of governance in words: certificates decoded, long texts counted.

A certificate or a key is decoded where its argument or table has nothing else, and
nowhere by how a text looks. What is counted or cut stands beside its digest, and what
is decoded was written in the one form that tools write: values that differ are shown
differently.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.json import Json
from ccfpy.client.review.characters import inline, mark, plain
from ccfpy.client.review.quoting import quoted
from ccfpy.client.review.reading import read_json
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.kv.maps import RAW, STRING, Map, Value
from ccfpy.service.served_tables import served_tables
from ccfpy.service.tables import (
    ca_certs,
    constitution,
    join_policy,
    js,
    members,
    nodes,
    service,
    users,
)

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
        ca_certs.CA_CERT_BUNDLES.name,
    }
)
"""Tables whose values are certificates or keys."""
PEM_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    service.INFO.name: frozenset({"cert"}),
    nodes.INFO.name: frozenset({"cert", "public_key", "encryption_pub_key"}),
}
"""By table, the fields that are certificates or keys."""
FILE_TABLES: Final = frozenset(
    {js.MODULES.name, constitution.CONSTITUTION.name, join_policy.SNP_HOST_DATA.name}
)
"""Tables whose values are files: programs, and policies for containers."""
_QUOTED_TABLES: Final = frozenset(
    {
        ca_certs.CA_CERT_BUNDLES.name,
        constitution.CONSTITUTION.name,
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

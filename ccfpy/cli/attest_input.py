"""Where commands on evidence read it, and what kind of evidence it is.

Evidence comes from a file, from stdin, from a node's address or from a ledger's folder.
Its kind follows from its bytes, or from the form in which a node reports it.
"""

import base64
import binascii
import http.client
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ccfpy.attestation import virtual
from ccfpy.attestation.snp_report import REPORT_BYTES
from ccfpy.audit.chunks import ChunkPath
from ccfpy.base import json
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.json import JsonObject
from ccfpy.base.limits import MIB
from ccfpy.cli.attest_evidence import FORMAT as MAA
from ccfpy.cli.attest_kind import Piece
from ccfpy.cli.errors import CommandFailed, no_such_file
from ccfpy.cli.ledger_files import failing_plainly, ledger_chunks
from ccfpy.client.transport import trust_only
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256
from ccfpy.ledger.chunk import Chunk
from ccfpy.ledger.entry import Transaction
from ccfpy.service.tables.nodes import INFO, NODE_INFO, QuoteFormat

EVIDENCE_BYTES_MAX = 16 * MIB
TIMEOUT_S = 10
OWN_QUOTE = "/node/quotes/self"
_TOKEN = re.compile(rb"\s*[\w-]+\.[\w-]+\.[\w-]+\s*")
_SGX_VERSION = b"\x03\x00\x02\x00"
"""The first bytes of a quote of an SGX enclave: version 3, by a key on P-256."""


def gather(
    what: str, *, cacert: Path | None, endorsements: bytes, uvm: bytes | None
) -> list[Piece]:
    """Return the evidence that is meant.

    Args:
        what: a file, a ledger's folder, ``https://HOST:PORT``, or ``-``.
        cacert: the service's certificate, for an address.
        endorsements: what supports a bare quote.
        uvm: endorsements of what a bare report measured.

    Raises:
        CommandFailed: it cannot be read, or is no evidence.
    """
    if what.startswith("https://"):
        data, key_digest = _fetch(what, cacert)
        pieces = _told_by_a_node(json.loads_object(data), what, key_digest)
        if not pieces:
            raise CommandFailed(f"{what} gave no evidence")
        return pieces
    if what != "-" and Path(what).is_dir():
        return list(_recorded(Path(what)))
    data = _read(what)
    label = "stdin" if what == "-" else what
    try:
        return recognise(data, label, endorsements=endorsements, uvm=uvm)
    except CcfpyError as error:
        raise CommandFailed(f"{label} holds no evidence: {error}") from error


def recognise(
    data: bytes, label: str, *, endorsements: bytes = b"", uvm: bytes | None = None
) -> list[Piece]:
    """Recognise evidence by its bytes.

    Raises:
        Malformed: it is of no known kind.
    """

    def bare(kind: str) -> list[Piece]:
        return [
            Piece(
                label=label,
                format=kind,
                quote=data,
                endorsements=endorsements,
                uvm_endorsements=uvm,
            )
        ]

    if len(data) == REPORT_BYTES:
        return bare(QuoteFormat.AMD_SEV_SNP_V1)
    if data.startswith(_SGX_VERSION):
        return bare(QuoteFormat.OE_SGX_V1)
    if _TOKEN.fullmatch(data):
        data = data.strip()
        return bare(MAA)
    if not data.lstrip().startswith(b"{"):
        raise Malformed("neither a report, a quote, a token, nor JSON")
    fields = json.loads_object(data)
    token = fields.get("token")
    if isinstance(token, str):
        data = token.strip().encode()
        return bare(MAA)
    if "measurement" in fields and "report_data" in fields:
        return bare(virtual.FORMAT)
    pieces = _told_by_a_node(fields, label, None)
    if not pieces:
        raise Malformed("JSON of no form that nodes give evidence in")
    return pieces


def _told_by_a_node(
    fields: JsonObject, label: str, key_digest: bytes | None
) -> list[Piece]:
    """Read a node's answer about itself or about all, or a node's record."""
    for name in ("quotes", "attestations"):
        listed = fields.get(name)
        if isinstance(listed, list):
            return [
                _piece(each, _label(each, label)) for each in listed
                if isinstance(each, dict)
            ]  # fmt: skip
    record = fields.get("quote_info", fields)
    if not isinstance(record, dict) or "format" not in record:
        return []
    piece = _piece(record, _label(fields, label), key_digest)
    return [piece]


def _label(fields: JsonObject, label: str) -> str:
    node_id = fields.get("node_id")
    return f"node {node_id}" if isinstance(node_id, str) else label


def _piece(fields: JsonObject, label: str, key_digest: bytes | None = None) -> Piece:
    quote = _decoded(fields, "raw") or _decoded(fields, "quote")
    if quote is None:
        raise Malformed("a node's answer without its quote")

    def text(name: str) -> str | None:
        value = fields.get(name)
        return value if isinstance(value, str) else None

    return Piece(
        label=label,
        format=text("format") or "",
        quote=quote,
        endorsements=_decoded(fields, "endorsements") or b"",
        uvm_endorsements=_decoded(fields, "uvm_endorsements"),
        endorsed_tcb=text("endorsed_tcb"),
        node_id=text("node_id"),
        key_digest=key_digest,
    )


def _decoded(fields: JsonObject, name: str) -> bytes | None:
    value = fields.get(name)
    if value is None:
        return None
    try:
        if isinstance(value, str):
            return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise Malformed(f"{name} is not base64")


def _recorded(folder: Path) -> Iterator[Piece]:
    """Read the nodes in a ledger, each as it was last recorded; nothing is verified."""
    nodes: dict[str, Piece] = {}
    for chunk in ledger_chunks([folder]):
        for node_id, value in _records(chunk):
            try:
                info = NODE_INFO.read(json.loads(value))
            except Malformed as error:
                raise CommandFailed(f"{chunk.path}: node {node_id}: {error}") from error
            quote = info.quote_info
            nodes[node_id] = Piece(
                label=f"node {node_id}",
                format=quote.format,
                quote=quote.quote,
                endorsements=quote.endorsements,
                uvm_endorsements=quote.uvm_endorsements,
                endorsed_tcb=quote.endorsed_tcb,
                node_id=node_id,
            )
    if not nodes:
        raise CommandFailed(f"no node is recorded in {folder}")
    yield from nodes.values()


def _records(chunk: ChunkPath) -> Iterator[tuple[str, bytes]]:
    with failing_plainly():
        file = Chunk.parse(chunk.name, chunk.path.read_bytes())
        for _seqno, _position, data in file.entries():
            writes = Transaction.parse(data).domain.write_set.get(INFO.name, {})
            for key, value in writes.items():
                if value is not None:
                    yield key.decode("utf-8", "replace"), value


def _read(what: str) -> bytes:
    if what == "-":
        return sys.stdin.buffer.read(EVIDENCE_BYTES_MAX)
    try:
        path = Path(what)
        if path.stat().st_size > EVIDENCE_BYTES_MAX:
            raise CommandFailed(f"{what} is too large for evidence")
        return path.read_bytes()
    except OSError as error:
        raise no_such_file(what, error) from error


def _fetch(url: str, cacert: Path | None) -> tuple[bytes, bytes]:
    """Ask a node; return its answer, and the digest of the key that its TLS showed."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/") or OWN_QUOTE
    if cacert is None:
        raise CommandFailed(
            "an address needs the service's certificate: say where it is with --cacert "
            "or --common"
        )
    try:
        context = trust_only(cacert.read_text("utf-8", "replace"))
    except OSError as error:
        raise no_such_file(str(cacert), error) from error
    try:
        port = parts.port or 443
        connection: Any = http.client.HTTPSConnection(
            parts.hostname or "", port, context=context, timeout=TIMEOUT_S
        )
        connection.request("GET", path)
        shown = connection.sock.getpeercert(binary_form=True)
        response = connection.getresponse()
        data = response.read(EVIDENCE_BYTES_MAX)
        connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise CommandFailed(f"{url} does not answer: {error}") from error
    if response.status != http.client.OK:
        raise CommandFailed(f"{url} answered {response.status} to {path}")
    return data, sha256(Certificate.from_der(shown).public_key_der)

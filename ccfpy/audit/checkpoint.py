"""The progress of an audit, as a file from which the next audit continues.

A person who can write this file can make an audit believe anything about the earlier
part of the ledger. The file therefore belongs to the auditor, not beside the ledger.
"""

import os
from pathlib import Path
from typing import TypeVar

from ccfpy.audit.auditor import AuditState
from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import NodeId, TxId
from ccfpy.base.vocabulary import NodeStatus, ServiceStatus
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger import record
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.trust import LedgerTrust

FORMAT = "ccfpy audit 1"

_Status = TypeVar("_Status", NodeStatus, ServiceStatus)


def save(checkpoint: AuditState, path: Path) -> None:
    """Write the file anew, whole or not at all."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(serialise(checkpoint) + b"\n")
    os.replace(beside, path)  # noqa: PTH105 - Path.replace says less well what it does


def load(path: Path) -> AuditState | None:
    """Read the file; ``None`` if there is none yet.

    Raises:
        Malformed: it is not what ``save`` writes.
        OSError: it cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    return parse(data)


def serialise(checkpoint: AuditState) -> bytes:
    """Write a checkpoint as JSON."""
    trust = checkpoint.trust
    fields: json.JsonObject = {
        "format": FORMAT,
        "last_signed": str(checkpoint.last_signed),
        "last_root": checkpoint.last_root.hex(),
        "tree": record.as_base64(checkpoint.tree),
        "view": checkpoint.view,
        "signatures": checkpoint.signatures,
        "signature_at": list(checkpoint.signature_at),
        "signed_end": list(checkpoint.signed_end),
        "status": trust.status,
        "service": _pem(trust.service),
        "previous_service": _pem(trust.previous_service),
        "nodes": {node: str(status) for node, status in trust.nodes.items()},
        "certificates": {node: each.pem for node, each in trust.certificates.items()},
    }
    return json.dumps(fields)


def parse(data: bytes) -> AuditState:
    """Read a checkpoint.

    Raises:
        Malformed: it is not what ``serialise`` writes.
    """
    fields = json.loads_object(data)
    if fields.get("format") != FORMAT:
        raise Malformed(f"expected the format {FORMAT!r}, found another")
    last_signed = TxId.parse(record.text(fields, "last_signed"))
    tree = record.blob(fields, "tree")
    if len(MerkleTree.deserialise(tree)) != last_signed.seqno + 1:
        raise Malformed("the tree does not end at the last signature")
    return AuditState(
        trust=_trust(fields),
        tree=tree,
        view=record.positive(fields, "view"),
        signatures=record.positive(fields, "signatures"),
        last_signed=last_signed,
        last_root=record.digest(fields, "last_root"),
        signature_at=_at(fields, "signature_at"),
        signed_end=_at(fields, "signed_end"),
    )


def _trust(fields: json.JsonObject) -> LedgerTrust:
    status = record.optional_text(fields, "status")
    return LedgerTrust(
        status=None if status is None else _status(ServiceStatus, status),
        service=_certificate(fields, "service"),
        previous_service=_certificate(fields, "previous_service"),
        nodes={
            NodeId(node): _status(NodeStatus, each)
            for node, each in _texts(fields, "nodes").items()
        },
        certificates={
            NodeId(node): Certificate.from_pem(pem)
            for node, pem in _texts(fields, "certificates").items()
        },
    )


def _pem(certificate: Certificate | None) -> str | None:
    return None if certificate is None else certificate.pem


def _certificate(fields: json.JsonObject, name: str) -> Certificate | None:
    pem = record.optional_text(fields, name)
    return None if pem is None else Certificate.from_pem(pem)


def _status(kind: type[_Status], text: str) -> _Status:
    try:
        return kind(text)
    except ValueError as error:
        raise Malformed(f"not a status: {text!r}") from error


def _texts(fields: json.JsonObject, name: str) -> dict[str, str]:
    value = fields.get(name)
    if not isinstance(value, dict):
        raise Malformed(f"expected an object as {name!r}")
    texts = {key: text for key, text in value.items() if isinstance(text, str)}
    if len(texts) != len(value):
        raise Malformed(f"expected texts in {name!r}")
    return texts


def _at(fields: json.JsonObject, name: str) -> tuple[str, int]:
    match fields.get(name):
        case [str(file), int(position)]:
            return file, position
        case _:
            raise Malformed(f"expected a file and an offset as {name!r}")

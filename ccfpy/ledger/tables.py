"""The tables that reading a ledger needs, and the key of those that hold one value."""

from typing import Final

from ccfpy.kv.changes import WriteSet

SINGLE_KEY = bytes(8)
"""The key of a table that holds a single value."""

SIGNATURES: Final = "public:ccf.internal.signatures"
COSE_SIGNATURES: Final = "public:ccf.internal.cose_signatures"
TREE = "public:ccf.internal.tree"
SIGNATURE_TABLES = frozenset((SIGNATURES, COSE_SIGNATURES, TREE))

RECOVERY_SHARES = "public:ccf.internal.recovery_shares"
PAST_SECRETS = "public:ccf.internal.historical_encrypted_ledger_secret"
SNAPSHOT_EVIDENCE = "public:ccf.internal.snapshot_evidence"
IDENTITY_ENDORSEMENT = "public:ccf.internal.previous_service_identity_endorsement"
LAST_SIGNED_ROOT = "public:ccf.internal.previous_service_last_signed_root"

SERVICE_INFO = "public:ccf.gov.service.info"
PREVIOUS_IDENTITY = "public:ccf.gov.service.previous_service_identity"
NODES_INFO = "public:ccf.gov.nodes.info"
NODE_CERTIFICATES = "public:ccf.gov.nodes.endorsed_certificates"


def single_value(write_set: WriteSet, table: str) -> bytes | None:
    """Return what is written to a table that holds a single value."""
    return write_set[table].get(SINGLE_KEY) if table in write_set else None

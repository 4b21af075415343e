"""What a transaction is about, in a word or two, by the public tables that it wrote."""

from collections.abc import Mapping, Sequence
from typing import Final

from ccfpy.base.errors import Malformed
from ccfpy.base.json import loads_object

PROPOSALS: Final = "public:ccf.gov.proposals"
PROPOSALS_INFO: Final = "public:ccf.gov.proposals_info"
_WITHDRAWN: Final = "Withdrawn"
_CREATED: Final = frozenset(
    {"public:ccf.gov.service.info", "public:ccf.gov.constitution"}
)
"""The first transaction of a service writes both."""
SIGNATURE: Final = "signature"

WORDS: Final[Mapping[str, str]] = {
    PROPOSALS: "proposal",
    PROPOSALS_INFO: "vote",
    "public:ccf.gov.members.acks": "acknowledged",
    "public:ccf.gov.service.info": "service",
    "public:ccf.gov.service.previous_service_identity": "service",
    "public:ccf.gov.service.config": "settings",
    "public:ccf.gov.constitution": "constitution",
    "public:ccf.gov.members.certs": "members",
    "public:ccf.gov.members.encryption_public_keys": "members",
    "public:ccf.gov.members.info": "members",
    "public:ccf.gov.users.certs": "users",
    "public:ccf.gov.users.info": "users",
    "public:ccf.gov.modules": "app",
    "public:ccf.gov.modules_quickjs_bytecode": "app",
    "public:ccf.gov.modules_quickjs_version": "app",
    "public:ccf.gov.endpoints": "app",
    "public:ccf.gov.interpreter.flush": "app",
    "public:ccf.gov.js_runtime_options": "limits of scripts",
    "public:ccf.gov.python_runtime_options": "limits of the app",
    "public:ccf.gov.jwt.issuers": "token keys",
    "public:ccf.gov.jwt.public_signing_keys_metadata_v2": "token keys",
    "public:ccf.gov.jwt.public_signing_keys_metadata": "token keys",
    "public:ccf.gov.jwt.public_signing_key": "token keys",
    "public:ccf.gov.jwt.public_signing_key_issuer": "token keys",
    "public:ccf.gov.tls.ca_cert_bundles": "authorities",
    "public:ccf.gov.nodes.info": "nodes",
    "public:ccf.gov.nodes.endorsed_certificates": "nodes",
    "public:ccf.gov.nodes.code_ids": "who may join",
    "public:ccf.gov.nodes.virtual.measurements": "who may join",
    "public:ccf.gov.nodes.virtual.host_data": "who may join",
    "public:ccf.gov.nodes.snp.measurements": "who may join",
    "public:ccf.gov.nodes.snp.host_data": "who may join",
    "public:ccf.gov.nodes.snp.uvm_endorsements": "who may join",
    "public:ccf.gov.nodes.snp.tcb_versions": "who may join",
    "public:ccf.gov.nodes.simulated.unique_ids": "who may join",
    "public:ccf.gov.nodes.simulated.signers": "who may join",
    "public:ccf.gov.nodes.simulated.host_data": "who may join",
    "public:ccf.gov.nodes.simulated.vendors": "who may join",
    "public:ccf.gov.nodes.simulated.rules": "who may join",
    "public:ccf.internal.recovery_shares": "recovery shares",
    "public:ccf.internal.encrypted_submitted_shares": "share handed in",
    "public:ccf.internal.encrypted_ledger_secrets": "ledger secret",
    "public:ccf.internal.historical_encrypted_ledger_secret": "ledger secret",
    "public:ccf.internal.previous_service_last_signed_root": "recovery",
    "public:ccf.internal.last_recovery_type": "recovery",
    "public:ccf.internal.previous_service_identity_endorsement": "recovery",
    "public:ccf.internal.snapshot_evidence": "snapshot",
    "public:ccf.internal.signatures": SIGNATURE,
    "public:ccf.internal.cose_signatures": SIGNATURE,
    "public:ccf.internal.tree": SIGNATURE,
    # Signed requests are kept with what they ask for, which has a word.
    "public:ccf.gov.history": "",
    "public:ccf.gov.cose_history": "",
    "public:ccf.gov.cose_recent_proposals": "",
    "public:ccfpy.internal.cose_recent_requests": "",
}
"""The word for each of a service's tables, in the order in which words are said."""
OF_APP: Final = "app's data"
ENCRYPTED: Final = "app's data, encrypted"


def kind_of(
    written: Mapping[str, bool], *, infos: Sequence[bytes], has_private: bool
) -> str:
    """Return what a transaction is about.

    Args:
        written: the public tables it wrote, and whether it put a value there: a table
            from which it only removed something may have been tidied.
        infos: the values that it put in the table of proposals' states.
        has_private: whether it wrote something that cannot be read here.
    """
    if all(written.get(name) for name in _CREATED):
        return "service created"
    put = {name for name, is_put in written.items() if is_put} or set(written)
    words = dict.fromkeys(word for name, word in WORDS.items() if word and name in put)
    if "proposal" in words:
        words.pop("vote", None)
    said = [
        "withdrawal" if word == "vote" and any(map(_is_withdrawn, infos)) else word
        for word in words
    ]
    if put - WORDS.keys():
        said.append(OF_APP)
    elif not said and has_private:
        said.append(ENCRYPTED)
    return ", ".join(said)


def _is_withdrawn(info: bytes) -> bool:
    try:
        return loads_object(info).get("state") == _WITHDRAWN
    except Malformed:
        return False

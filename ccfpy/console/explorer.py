"""Questions about a ledger's public side, answered from its index.

What a transaction is about is told by the public tables that it wrote.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from ccfpy.audit.ledger_index import Coverage, IndexedTransaction, LedgerIndex
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import Seqno, TxId
from ccfpy.base.json import loads_object
from ccfpy.client.review.characters import inline, plain
from ccfpy.console.ledger_answers import (
    HistoryRow,
    KeyHistory,
    Keys,
    Text,
    TransactionPage,
    TransactionRow,
    Transactions,
    WriteRow,
)

ROWS_MAX = 100
"""Of one answer."""
VALUE_BYTES_MAX = 4096
"""Of a value in a list; a longer one is shown whole by a question of its own."""
WHOLE_BYTES_MAX = 256 * 1024


class NoSuchTransaction(CcfpyError):
    """The ledger's files do not have it."""


class Explorer:
    """One question at a time, on a connection of its own to the index."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def transactions(self, *, after: Seqno) -> Transactions:
        """Return the transactions after one."""
        with LedgerIndex(self._database) as index:
            found = index.transactions(after=after, count=ROWS_MAX + 1)
            rows = _rows(index, found[:ROWS_MAX])
        more = rows[-1].seqno if len(found) > ROWS_MAX else None
        return Transactions(rows=rows, more_after=more)

    def transaction(self, seqno: Seqno) -> TransactionPage:
        """Return a transaction, and what it wrote.

        Raises:
            NoSuchTransaction: it is not there.
        """
        with LedgerIndex(self._database) as index:
            found = index.transactions(after=seqno - 1, count=1)
            if not found or found[0][0].seqno != seqno:
                raise NoSuchTransaction(f"the ledger has no transaction {seqno}")
            transaction, _ = found[0]
            (row,) = _rows(index, found)
            decided = index.values(PROPOSALS_INFO, seqno, seqno)
            proposals = tuple(
                inline(key.decode(errors="surrogateescape")) for _, key, _ in decided
            )
            vouched = index.coverage(seqno)
            file = index.file_of(seqno)
            writes = index.writes(seqno)
        covered_by, service = (None, None) if vouched is None else vouched[1:]
        claims = transaction.claims_digest
        return TransactionPage(
            row=row,
            file=file,
            position=transaction.position,
            covered_by=covered_by,
            service=service,
            claims_digest=claims.hex() if claims and any(claims) else None,
            leaf=transaction.leaf.hex(),
            proposals=proposals,
            writes=tuple(
                WriteRow(map=inline(name), key=_key(key), value=_value(value))
                for name, key, value in writes
            ),
        )

    def keys(self, name: str, prefix: bytes) -> Keys:
        """Return keys of a map that begin so."""
        with LedgerIndex(self._database) as index:
            found = index.keys(name, prefix=prefix, count=ROWS_MAX + 1)
        return Keys(
            keys=tuple(map(_key, found[:ROWS_MAX])), is_cut=len(found) > ROWS_MAX
        )

    def history(self, name: str, key: bytes, *, before: Seqno | None) -> KeyHistory:
        """Return the writes to a key before one, the latest first."""
        with LedgerIndex(self._database) as index:
            found = index.history(name, key, before=before, count=ROWS_MAX + 1)
        rows = tuple(
            HistoryRow(
                txid=str(write.txid),
                seqno=write.txid.seqno,
                coverage=write.coverage,
                value=_value(write.value),
            )
            for write in found[:ROWS_MAX]
        )
        more = rows[-1].seqno if len(found) > ROWS_MAX else None
        return KeyHistory(rows=rows, more_before=more)

    def value(self, name: str, key: bytes, seqno: Seqno) -> Text:
        """Return what a transaction wrote to a key, whole or its long beginning.

        Raises:
            NoSuchTransaction: the transaction wrote nothing to the key.
        """
        with LedgerIndex(self._database) as index:
            found = index.history(name, key, before=seqno + 1, count=1)
        if not found or found[0].txid.seqno != seqno or found[0].value is None:
            raise NoSuchTransaction(f"transaction {seqno} wrote no value to this key")
        return shown(found[0].value, most=WHOLE_BYTES_MAX)


def shown(data: bytes, *, most: int = VALUE_BYTES_MAX) -> Text:
    """Return bytes as text if they are text, and as hex otherwise."""
    part = data[:most]
    is_cut = len(data) > most
    try:
        # A character of up to four bytes may be cut in two.
        text = plain(part.decode(errors="ignore" if is_cut else "strict"))
    except UnicodeDecodeError:
        text = part.hex()
    return Text(text=text, hex="", size=len(data), is_cut=is_cut)


def _key(key: bytes) -> Text:
    text = shown(key)
    return Text(text=text.text, hex=key.hex(), size=text.size, is_cut=text.is_cut)


def _value(value: bytes | None) -> Text | None:
    return None if value is None else shown(value)


def _rows(
    index: LedgerIndex, found: Sequence[tuple[IndexedTransaction, Coverage]]
) -> tuple[TransactionRow, ...]:
    if not found:
        return ()
    first, last = found[0][0].seqno, found[-1][0].seqno
    written = index.tables_written(first, last)
    infos: dict[Seqno, list[bytes]] = {}
    for seqno, _, value in index.values(PROPOSALS_INFO, first, last):
        infos.setdefault(seqno, []).append(value)
    return tuple(
        _row(
            transaction,
            coverage,
            SIGNATURE
            if transaction.is_signature
            else kind_of(
                written.get(transaction.seqno, {}),
                infos=infos.get(transaction.seqno, ()),
                has_private=transaction.private_bytes > 0,
            ),
        )
        for transaction, coverage in found
    )


def _row(
    transaction: IndexedTransaction, coverage: Coverage, kind: str
) -> TransactionRow:
    return TransactionRow(
        txid=str(TxId(transaction.view, transaction.seqno)),
        seqno=transaction.seqno,
        is_signature=transaction.is_signature,
        kind=kind,
        coverage=coverage,
        entry_bytes=transaction.entry_bytes,
        private_bytes=transaction.private_bytes,
    )


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

"""What the page is answered about a ledger and its receipts."""

from dataclasses import dataclass

from ccfpy.audit.auditor import Damage
from ccfpy.audit.ledger_index import Coverage
from ccfpy.client.explained import ExplainedStep


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptPage:
    """A receipt, verified by the console.

    Attributes:
        verdict: the result in one sentence.
        transaction: what the receipt proves; nothing if it does not verify.
        steps: each step of the verification; none after the first that fails is good.
        text: the receipt as it came: JSON, or base64 of COSE.
    """

    verdict: str
    transaction: str | None
    steps: tuple[ExplainedStep, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    """What is known of a ledger's files.

    Attributes:
        headline: the answer to an auditor's first question, in a sentence.
        bytes_left: how much is still to be read.
        last_seqno: the last transaction that was read.
        last_verified: the last transaction that a signature covers.
        service: the digest of the certificate of the last service in the ledger.
        is_another_service: whether that is not the service that the console trusts.
        trouble: why the folders could not be read, if they could not.
    """

    headline: str = ""
    folders: tuple[str, ...]
    files: int = 0
    bytes_all: int = 0
    bytes_left: int = 0
    last_seqno: int = 0
    last_verified: int = 0
    service: str | None = None
    is_another_service: bool = False
    damage: tuple[Damage, ...] = ()
    maps: tuple[str, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRow:
    """A transaction in the list.

    Attributes:
        kind: what it is about, in a word or two, as far as its public tables tell.
        coverage: who vouches for it.
        private_bytes: how many bytes of it are private, and cannot be read here.
    """

    txid: str
    seqno: int
    is_signature: bool
    kind: str
    coverage: Coverage
    entry_bytes: int
    private_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transactions:
    """Transactions in their order; ``more_after`` is where the next ones begin."""

    rows: tuple[TransactionRow, ...]
    more_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Bytes for people.

    Attributes:
        text: the bytes as text, or as hex if they are none; the beginning of many.
        hex: a key's bytes, to ask for it; empty for values.
        size: how many bytes there are.
        is_cut: whether ``text`` is the beginning alone.
    """

    text: str
    hex: str
    size: int
    is_cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRow:
    """What a transaction wrote to a key; without a value, it removed the key."""

    map: str
    key: Text
    value: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionPage:
    """A transaction, as far as anybody may read it.

    Attributes:
        covered_by: the signature that covers it.
        service: the digest of the certificate of the service that signed.
        leaf: its leaf of the Merkle tree, in hex.
        proposals: the ids of the proposals whose state it wrote.
    """

    row: TransactionRow
    file: str
    position: int
    covered_by: int | None
    service: str | None
    claims_digest: str | None
    leaf: str
    proposals: tuple[str, ...]
    writes: tuple[WriteRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Keys of a map that were ever written; ``is_cut`` if there are more."""

    keys: tuple[Text, ...]
    is_cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """A write to a key, and who vouches for it."""

    txid: str
    seqno: int
    coverage: Coverage
    value: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHistory:
    """The writes to a key, the latest first; older ones are before ``more_before``."""

    rows: tuple[HistoryRow, ...]
    more_before: int | None

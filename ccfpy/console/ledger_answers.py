"""What the page is answered about ledgers: transactions, receipts, recoveries."""

from dataclasses import dataclass

from ccfpy.audit.auditor import Damage
from ccfpy.audit.inspection_report import InspectionReport
from ccfpy.audit.ledger_index import Coverage
from ccfpy.client.receipts import ExplainedStep


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveringNode:
    """A node of a service that is recovered.

    Attributes:
        text: how far it is, in words.
        recovered: up to where it has read the private state, while it does.
        target: where that ends.
    """

    id: str
    address: str
    text: str
    recovered: int | None
    target: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryStep:
    """A step of a recovery; ``standing`` is ``done``, ``now`` or ``later``."""

    name: str
    text: str
    standing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryMember:
    """A member, and its part in a recovery.

    Attributes:
        name: as people know it here, or the beginning of the id.
        holds: what the member has of the key, in words.
        has_voted: whether it has, on the proposal to go on that is open.
        next: what the member should do, in words.
    """

    id: str
    name: str
    status: str
    holds: str
    has_voted: bool
    has_handed_in: bool
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryView:
    """A recovery, for all who take part in it.

    Attributes:
        headline: how far it is, in a sentence.
        is_recovering: whether there is one, and it is not over.
        trouble: why the service was not asked, if it was not.
        status: the service's; empty if no node answers.
        old_identity: the SHA-256 digest of the lost service's certificate, in hex.
        new_identity: of the certificate that the console trusts.
        operator: the operator's next step.
        you: the next step of the member who looks; empty for others.
        threshold: how many shares are needed; none where the service does not say.
        spare: how many may be lost until the service cannot be brought back; none if a
            member holds the whole key, or if that is not known.
        submitted: how many have arrived.
        proposal: the open proposal to go on from the lost service.
        is_as_proposed: whether that proposal names these two identities.
        may_propose: whether the member who looks could make such a proposal here.
        awaits_shares: whether shares are what the service waits for.
        may_hand_in: whether that member can hand in a share here, now.
        why_not: the reason, if shares are awaited and the member cannot.
        seen_at: when the service was asked, in milliseconds since 1970.
    """

    headline: str
    is_recovering: bool
    trouble: str
    status: str
    old_identity: str | None
    new_identity: str
    nodes: tuple[RecoveringNode, ...]
    steps: tuple[RecoveryStep, ...]
    operator: str
    you: str
    members: tuple[RecoveryMember, ...]
    threshold: int | None
    spare: int | None
    submitted: int | None
    proposal: str | None
    is_as_proposed: bool | None
    may_propose: bool
    awaits_shares: bool
    may_hand_in: bool
    why_not: str
    seen_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LostView:
    """What is left of lost services, in folders of this machine.

    Attributes:
        headline: whether everything that was signed can be restored, in a sentence.
        bytes_left: how much is still to be read.
        report: the inspection; none before everything was read.
        commands: what to type next.
        trouble: why the folders could not be read, if they could not.
    """

    headline: str
    folders: tuple[str, ...]
    bytes_all: int
    bytes_left: int
    report: InspectionReport | None
    commands: tuple[str, ...]
    trouble: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptedShare:
    """A member's recovery share as base64, which the member's key alone opens."""

    share: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedInShare:
    """What the service says of a share that was handed in."""

    message: str

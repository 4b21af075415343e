"""What a console answers its page: records that become JSON.

``console/src/answers.ts`` declares the same records for the page. A test makes that
file from these classes and compares.
"""

from dataclasses import dataclass

from ccfpy.audit.auditor import Damage
from ccfpy.audit.inspection_report import InspectionReport
from ccfpy.audit.ledger_index import Coverage
from ccfpy.client.explained import ExplainedStep
from ccfpy.client.review.description import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a console is for.

    Attributes:
        service: the SHA-256 digest of the certificate that the console trusts, in hex.
        certificate: that certificate, as PEM text.
        has_ledger: whether the console reads a ledger's files.
        has_lost: whether it reads what is left of a lost service.
        urls: where nodes are asked; none if the console shows no service.
        signer: who signs votes that are cast here; nobody if the console only reads.
        signer_id: the member's id.
        confirms: whether the terminal asks before it signs.
    """

    version: str
    service: str | None
    certificate: str | None
    has_ledger: bool
    has_lost: bool
    urls: tuple[str, ...]
    signer: str | None
    signer_id: str | None
    confirms: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """A node, as the service and the node itself report it.

    Attributes:
        role: in words, such as ``primary`` or ``no answer``.
        is_well: whether an operator need not look at it.
        lag: transactions by which its commit is behind the primary's.
        heard_ms: how long ago the primary heard of it.
        certificate_days: whole days until its certificate ends.
        trouble: why it did not answer.
    """

    id: str
    addresses: tuple[str, ...]
    status: str
    role: str
    is_primary: bool
    is_well: bool
    view: int | None
    commit: str | None
    lag: int | None
    heard_ms: int | None
    certificate_days: int | None
    trouble: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A service and its nodes.

    Attributes:
        headline: the answer to an operator's first question, in a sentence.
        service_status: such as ``Open``; empty if no node answers.
        seqno: of the latest commit that a node reported.
        seen_at: when nodes were asked, in milliseconds since 1970.
    """

    headline: str
    is_well: bool
    service_status: str
    certificate_days: int | None
    seqno: int | None
    nodes: tuple[NodeRow, ...]
    seen_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePoint:
    """What was seen of a service's speed at a time.

    Attributes:
        at: when, in milliseconds since 1970.
        per_second: transactions committed in a second since the point before; unknown
            after a gap.
        lag: transactions by which the node that is furthest behind lags.
    """

    at: int
    per_second: float | None
    lag: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The last minutes, the latest point last."""

    points: tuple[RatePoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRow:
    """A proposal in the list.

    Attributes:
        proposer: a name that is known on this machine, or the beginning of the id.
        actions: the names of its actions.
        title: what it does, in a line; empty if that is not known.
        voters: who has voted, named in the same way.
        voter_ids: the ids of these members.
        sides: what each of their votes says: ``in favour``, ``against``, or nothing
            if that is not known.
        group: ``yours to decide``, ``open`` or ``decided``.
        ended: what ended it, in words; empty while it is open, or if that is not known.
        at: when the last request about it was signed by its member's clock, in
            milliseconds since 1970, if that is known; of an open one, the first.
    """

    id: str
    state: str
    proposer: str
    actions: tuple[str, ...]
    title: str
    voters: tuple[str, ...]
    voter_ids: tuple[str, ...]
    sides: tuple[str, ...]
    group: str
    ended: str
    at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """The proposals that a service remembers, the newest first in each group.

    Attributes:
        headline: the answer to a member's first question, in a sentence.
        trouble: why the service was not read, if it was not.
        not_known: what the list leaves out, and why; empty if it is whole.
        seen_at: when the service was asked, in milliseconds since 1970.
    """

    headline: str
    trouble: str
    not_known: str
    proposals: tuple[ProposalRow, ...]
    seen_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that happened to a proposal, or is still to come.

    Attributes:
        what: in words.
        who: the member who signed, if one did.
        at: when, by that member's clock, in milliseconds since 1970.
        txid: the transaction that did it.
        seqno: of that transaction.
        vouched: what the ledger's files say of the transaction, if the console reads
            them and they reach so far: ``verified``, ``unsigned`` or ``not vouched
            for``.
        is_done: whether it happened.
        is_end: whether the proposal's state changed by it.
    """

    what: str
    who: str = ""
    at: int | None = None
    txid: str | None = None
    seqno: int | None = None
    vouched: str = ""
    is_done: bool = True
    is_end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnVote:
    """The vote of the member who reads.

    Attributes:
        side: ``in favour`` or ``against``; empty if that is not known.
        txid: the transaction that has the vote, once it is committed.
    """

    side: str
    txid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalPage:
    """A proposal, whole.

    Attributes:
        title: what it does, in a line.
        actions: the names of its actions.
        proposer: a name that is known on this machine, or the beginning of the id.
        at: when it was proposed by the proposer's clock, in milliseconds since 1970,
            if that is known.
        own_vote: the reader's; nothing if the reader has not voted.
        timeline: what happened to it, in the order of transactions.
        not_known: why the timeline is not there; empty if it is.
        digest: the SHA-256 digest of the proposal's bytes, in hex: of ``text``.
        text: the proposal as it was signed.
        may_vote: whether the signer can still vote for or against it.
        why_not: the reason, if not.
        may_withdraw: whether the signer proposed it and can withdraw it.
    """

    id: str
    state: str
    title: str
    actions: tuple[str, ...]
    proposer: str
    at: int | None
    own_vote: OwnVote | None
    sections: tuple[Section, ...]
    timeline: tuple[Moment, ...]
    not_known: str
    digest: str
    text: str
    may_vote: bool
    why_not: str
    may_withdraw: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """An element of the page about endpoints, or a text.

    Attributes:
        tag: of an element; empty for a text.
        kind: its class.
        search: the words by which an operation is found.
        text: of a text.
    """

    tag: str
    kind: str
    search: str
    text: str
    inner: "tuple[Markup, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRow:
    """An endpoint of the installed app.

    Attributes:
        who: who may call it, in words.
        module: the name of the module that answers.
    """

    verb: str
    path: str
    who: str
    mode: str
    forwarding: str
    module: str
    function: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleRow:
    """A module of the installed app.

    Attributes:
        name: as the service has it.
        shown: the name, in which what cannot be seen is shown by its number.
    """

    name: str
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """Something with a value, in words."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """The proposal that installed the app.

    Attributes:
        by: who proposed it.
        in_favour: who voted in favour of it.
        txid: the transaction that installed the app.
        at: when the last vote was signed by its member's clock, in milliseconds since
            1970, if that is known.
    """

    proposal_id: str
    by: str
    in_favour: tuple[str, ...]
    txid: str
    at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppPage:
    """The app that a service runs, and how all endpoints are called.

    Attributes:
        headline: the answer to a developer's first question, in a sentence.
        endpoints: of the app that a vote installed; none of an app in Python.
        modules: the modules that the vote installed.
        not_known: what the service does not tell.
        documents: one for each OpenAPI document, as the page of endpoints has them.
    """

    headline: str
    endpoints: tuple[EndpointRow, ...]
    modules: tuple[ModuleRow, ...]
    limits: tuple[Stated, ...]
    installed: Installed | None
    not_known: tuple[str, ...]
    documents: tuple[Markup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModulePage:
    """A module of the installed app.

    Attributes:
        lines: of its source; what cannot be seen is shown by its number.
        endpoints: those that it answers.
    """

    name: str
    lines: tuple[str, ...]
    digest: str
    endpoints: tuple[EndpointRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """What became of a vote.

    Attributes:
        state: the proposal's after the vote.
        txid: the transaction that the vote became.
    """

    state: str
    txid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """The digest of the service's state that a member signed, in hex."""

    state_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningFacts:
    """What a signer compares before signing.

    Attributes:
        now_ms: the clock of the console's machine, in milliseconds since 1970.
        latest_created_at: the latest time of a proposal that the service remembers, in
            seconds since 1970. The service takes none that is far ahead of its clock.
        body_bytes_max: how long a message may be that every node takes.
        setting: what an operator raises to allow a longer one.
        member_status: of the member who signs; nothing if the service has no such
            member.
    """

    now_ms: int
    latest_created_at: int | None
    body_bytes_max: int
    setting: str
    member_status: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What a service said to a message that was signed elsewhere.

    Attributes:
        proposal_id: the proposal that the message is about, if it is about one.
        state: that proposal's.
        txid: the transaction that the message became.
        text: the whole answer of the service.
    """

    proposal_id: str | None
    state: str | None
    txid: str | None
    text: str


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
    files: int
    bytes_all: int
    bytes_left: int
    last_seqno: int
    last_verified: int
    service: str | None
    is_another_service: bool
    damage: tuple[Damage, ...]
    maps: tuple[str, ...]
    trouble: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A proposal that was made."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a request was not answered, in a sentence."""

    error: str

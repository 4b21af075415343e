"""What a console answers its page: records that become JSON.

``console/src/answers.ts`` declares the same records for the page. A test makes that
file from these classes and those of ``ledger_answers``, and compares.
"""

from dataclasses import dataclass

from ccfpy.client.review.description import Fact, Section


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
        caller: the user as whom requests to the app are sent; nobody if none is here.
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
    caller: str | None
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
        stands_still: why nothing commits now, in words; empty if something does.
        service_status: such as ``Open``; empty if no node answers.
        seqno: of the latest commit that a node reported.
        seen_at: when nodes were asked, in milliseconds since 1970.
    """

    headline: str
    is_well: bool
    stands_still: str
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
        older: what to ask for older ones by, if there are any.
        outcomes: a digest of what outcomes of proposals rest on: where another one
            comes, each may be another.
        seen_at: when the service was asked, in milliseconds since 1970.
    """

    headline: str
    trouble: str
    not_known: str
    outcomes: str
    proposals: tuple[ProposalRow, ...]
    older: int | None
    seen_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OlderProposals:
    """Some closed proposals that are older than those of the inbox, the newest first.

    Attributes:
        older: what to ask for still older ones by, if there are any.
        not_known: why there are none, if the service does not tell.
    """

    proposals: tuple[ProposalRow, ...]
    older: int | None
    not_known: str


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
        warnings: what a reader must not miss, the worst first.
        own_vote: the reader's; nothing if the reader has not voted.
        timeline: what happened to it, in the order of transactions.
        not_known: why the timeline is not there; empty if it is.
        digest: the SHA-256 digest of the proposal's bytes, in hex: of ``text``.
        outcome: what would come of it, by a name that another outcome has not; empty if
            that was not found out.
        text: the proposal as it was signed.
        shown_text: the same, in which each character is seen as itself.
        not_shown: why nobody is asked to vote for it: what it says is not certain;
            empty if it is.
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
    warnings: tuple[Fact, ...]
    sections: tuple[Section, ...]
    timeline: tuple[Moment, ...]
    not_known: str
    digest: str
    outcome: str
    text: str
    shown_text: str
    not_shown: str
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
class Proposed:
    """A proposal that was made."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a request was not answered, in a sentence."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallField:
    """Something that a request names.

    Attributes:
        place: ``path``, ``query`` or ``header``.
        value: an example of what is required; empty for what may be left out.
        about: what the document says of it.
    """

    place: str
    name: str
    is_required: bool
    value: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBody:
    """A body that a request may have.

    Attributes:
        text: an example, or empty.
    """

    media_type: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallForm:
    """What is filled in to send one request.

    Attributes:
        sender: as whom the console sends it, in words.
        asks: whether the terminal asks before the request is sent.
        why_not: why it cannot be sent from here; empty if it can.
    """

    verb: str
    path: str
    fields: tuple[CallField, ...]
    bodies: tuple[CallBody, ...]
    sender: str
    asks: bool
    why_not: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswer:
    """What came of a request.

    Attributes:
        words: what the status says.
        text: of the body, in which what cannot be seen is shown by its number.
        left_out: what of the body is not shown; empty if it is whole.
        txid: the transaction that the request became, or whose state it read.
    """

    status: int
    is_good: bool
    words: str
    headers: tuple[Stated, ...]
    text: str
    left_out: str
    txid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStanding:
    """Whether a transaction is committed.

    Attributes:
        is_final: whether it stays so.
    """

    words: str
    is_good: bool
    is_final: bool

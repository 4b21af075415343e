// Made of ccfpy/console/*answers.py by `make reference`; a test compares.

export type Topic = "summary" | "actions" | "votes" | "outcome" | "decision" | "unknown";

export type Change = "new" | "changed" | "removed" | "unchanged";

export interface Quote {
  readonly by: string;
  readonly text: string;
}

export interface Fact {
  readonly label: string;
  readonly text: string;
  readonly depth: number;
  readonly whole: string;
  readonly is_warning: boolean;
  readonly is_unknown: boolean;
  readonly is_folded: boolean;
  readonly severity: number;
  readonly headline: string;
  readonly quotes: readonly Quote[];
  readonly module: string;
}

export interface Diff {
  readonly subject: string;
  readonly change: Change;
  readonly lines: readonly string[];
  readonly added: number;
  readonly removed: number;
  readonly is_folded: boolean;
  readonly kind: string;
  readonly laid_out: readonly string[];
  readonly alike: string;
}

export interface Section {
  readonly topic: Topic;
  readonly title: string;
  readonly facts: readonly Fact[];
  readonly diffs: readonly Diff[];
}

export interface Damage {
  readonly file: string;
  readonly position: number;
  readonly seqno: number | null;
  readonly reason: string;
}

export type Coverage = "verified" | "unsigned" | "not vouched for";

export type ReceiptStep = "evidence" | "leaf" | "root" | "signature" | "endorsement";

export type Holds = "holds" | "does not hold" | "not reached";

export interface ExplainedStep {
  readonly step: ReceiptStep;
  readonly holds: Holds;
  readonly meaning: string;
  readonly computed: string;
}

export interface ReportLine {
  readonly label: string;
  readonly text: string;
  readonly is_bad: boolean;
}

export interface MemberLine {
  readonly id: string;
  readonly text: string;
  readonly has_share: boolean;
}

export interface ServiceReport {
  readonly service: string;
  readonly ending: string;
  readonly restored: readonly ReportLine[];
  readonly shares: string;
  readonly members: readonly MemberLine[];
  readonly lost: readonly ReportLine[];
  readonly files: readonly ReportLine[];
  readonly can_begin: boolean;
}

export interface InspectionReport {
  readonly services: readonly ServiceReport[];
  readonly unclaimed: readonly ReportLine[];
  readonly unused: readonly string[];
  readonly is_whole: boolean;
}

export interface Start {
  readonly version: string;
  readonly service: string | null;
  readonly certificate: string | null;
  readonly has_ledger: boolean;
  readonly has_lost: boolean;
  readonly urls: readonly string[];
  readonly signer: string | null;
  readonly signer_id: string | null;
  readonly caller: string | null;
  readonly confirms: boolean;
}

export interface NodeRow {
  readonly id: string;
  readonly addresses: readonly string[];
  readonly status: string;
  readonly role: string;
  readonly is_primary: boolean;
  readonly is_well: boolean;
  readonly view: number | null;
  readonly commit: string | null;
  readonly lag: number | null;
  readonly heard_ms: number | null;
  readonly certificate_days: number | null;
  readonly trouble: string;
}

export interface Network {
  readonly headline: string;
  readonly is_well: boolean;
  readonly stands_still: string;
  readonly service_status: string;
  readonly certificate_days: number | null;
  readonly seqno: number | null;
  readonly nodes: readonly NodeRow[];
  readonly seen_at: number;
}

export interface RatePoint {
  readonly at: number;
  readonly per_second: number | null;
  readonly lag: number | null;
}

export interface Rates {
  readonly points: readonly RatePoint[];
}

export interface ProposalRow {
  readonly id: string;
  readonly state: string;
  readonly proposer: string;
  readonly actions: readonly string[];
  readonly title: string;
  readonly voters: readonly string[];
  readonly voter_ids: readonly string[];
  readonly sides: readonly string[];
  readonly group: string;
  readonly ended: string;
  readonly at: number | null;
}

export interface Inbox {
  readonly headline: string;
  readonly trouble: string;
  readonly not_known: string;
  readonly outcomes: string;
  readonly proposals: readonly ProposalRow[];
  readonly older: number | null;
  readonly seen_at: number;
}

export interface OlderProposals {
  readonly proposals: readonly ProposalRow[];
  readonly older: number | null;
  readonly not_known: string;
}

export interface Moment {
  readonly what: string;
  readonly who: string;
  readonly at: number | null;
  readonly txid: string | null;
  readonly seqno: number | null;
  readonly vouched: string;
  readonly is_done: boolean;
  readonly is_end: boolean;
}

export interface OwnVote {
  readonly side: string;
  readonly txid: string | null;
}

export interface ProposalPage {
  readonly id: string;
  readonly state: string;
  readonly title: string;
  readonly actions: readonly string[];
  readonly proposer: string;
  readonly at: number | null;
  readonly own_vote: OwnVote | null;
  readonly warnings: readonly Fact[];
  readonly sections: readonly Section[];
  readonly timeline: readonly Moment[];
  readonly not_known: string;
  readonly digest: string;
  readonly outcome: string;
  readonly text: string;
  readonly shown_text: string;
  readonly not_shown: string;
  readonly may_vote: boolean;
  readonly why_not: string;
  readonly may_withdraw: boolean;
}

export interface Markup {
  readonly tag: string;
  readonly kind: string;
  readonly search: string;
  readonly text: string;
  readonly inner: readonly Markup[];
}

export interface EndpointRow {
  readonly verb: string;
  readonly path: string;
  readonly who: string;
  readonly mode: string;
  readonly forwarding: string;
  readonly module: string;
  readonly function: string;
}

export interface ModuleRow {
  readonly name: string;
  readonly shown: string;
}

export interface Stated {
  readonly name: string;
  readonly value: string;
}

export interface Installed {
  readonly proposal_id: string;
  readonly by: string;
  readonly in_favour: readonly string[];
  readonly txid: string;
  readonly at: number | null;
}

export interface AppPage {
  readonly headline: string;
  readonly endpoints: readonly EndpointRow[];
  readonly modules: readonly ModuleRow[];
  readonly limits: readonly Stated[];
  readonly installed: Installed | null;
  readonly not_known: readonly string[];
  readonly documents: readonly Markup[];
}

export interface ModulePage {
  readonly name: string;
  readonly lines: readonly string[];
  readonly digest: string;
  readonly endpoints: readonly EndpointRow[];
}

export interface Cast {
  readonly state: string;
  readonly txid: string | null;
}

export interface Acknowledged {
  readonly state_digest: string;
}

export interface SigningFacts {
  readonly now_ms: number;
  readonly latest_created_at: number | null;
  readonly body_bytes_max: number;
  readonly setting: string;
  readonly member_status: string | null;
}

export interface Submitted {
  readonly proposal_id: string | null;
  readonly state: string | null;
  readonly txid: string | null;
  readonly text: string;
}

export interface Proposed {
  readonly id: string;
}

export interface Problem {
  readonly error: string;
}

export interface CallField {
  readonly place: string;
  readonly name: string;
  readonly is_required: boolean;
  readonly value: string;
  readonly about: string;
}

export interface CallBody {
  readonly media_type: string;
  readonly text: string;
}

export interface CallForm {
  readonly verb: string;
  readonly path: string;
  readonly fields: readonly CallField[];
  readonly bodies: readonly CallBody[];
  readonly sender: string;
  readonly asks: boolean;
  readonly why_not: string;
}

export interface CallAnswer {
  readonly status: number;
  readonly is_good: boolean;
  readonly words: string;
  readonly headers: readonly Stated[];
  readonly text: string;
  readonly left_out: string;
  readonly txid: string | null;
}

export interface CallStanding {
  readonly words: string;
  readonly is_good: boolean;
  readonly is_final: boolean;
}

export interface ReceiptPage {
  readonly verdict: string;
  readonly transaction: string | null;
  readonly steps: readonly ExplainedStep[];
  readonly text: string;
}

export interface LedgerView {
  readonly headline: string;
  readonly folders: readonly string[];
  readonly files: number;
  readonly bytes_all: number;
  readonly bytes_left: number;
  readonly last_seqno: number;
  readonly last_verified: number;
  readonly service: string | null;
  readonly is_another_service: boolean;
  readonly damage: readonly Damage[];
  readonly maps: readonly string[];
  readonly trouble: string;
}

export interface TransactionRow {
  readonly txid: string;
  readonly seqno: number;
  readonly is_signature: boolean;
  readonly kind: string;
  readonly coverage: Coverage;
  readonly entry_bytes: number;
  readonly private_bytes: number;
}

export interface Transactions {
  readonly rows: readonly TransactionRow[];
  readonly more_after: number | null;
}

export interface Text {
  readonly text: string;
  readonly hex: string;
  readonly size: number;
  readonly is_cut: boolean;
}

export interface WriteRow {
  readonly map: string;
  readonly key: Text;
  readonly value: Text | null;
}

export interface TransactionPage {
  readonly row: TransactionRow;
  readonly file: string;
  readonly position: number;
  readonly covered_by: number | null;
  readonly service: string | null;
  readonly claims_digest: string | null;
  readonly leaf: string;
  readonly proposals: readonly string[];
  readonly writes: readonly WriteRow[];
}

export interface Keys {
  readonly keys: readonly Text[];
  readonly is_cut: boolean;
}

export interface HistoryRow {
  readonly txid: string;
  readonly seqno: number;
  readonly coverage: Coverage;
  readonly value: Text | null;
}

export interface KeyHistory {
  readonly rows: readonly HistoryRow[];
  readonly more_before: number | null;
}

export interface RecoveringNode {
  readonly id: string;
  readonly address: string;
  readonly text: string;
  readonly recovered: number | null;
  readonly target: number | null;
}

export interface RecoveryStep {
  readonly name: string;
  readonly text: string;
  readonly standing: string;
}

export interface RecoveryMember {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly holds: string;
  readonly has_voted: boolean;
  readonly has_handed_in: boolean;
  readonly next: string;
}

export interface RecoveryView {
  readonly headline: string;
  readonly is_recovering: boolean;
  readonly trouble: string;
  readonly status: string;
  readonly old_identity: string | null;
  readonly new_identity: string;
  readonly nodes: readonly RecoveringNode[];
  readonly steps: readonly RecoveryStep[];
  readonly operator: string;
  readonly you: string;
  readonly members: readonly RecoveryMember[];
  readonly threshold: number | null;
  readonly spare: number | null;
  readonly submitted: number | null;
  readonly proposal: string | null;
  readonly is_as_proposed: boolean | null;
  readonly may_propose: boolean;
  readonly awaits_shares: boolean;
  readonly may_hand_in: boolean;
  readonly why_not: string;
  readonly seen_at: number;
}

export interface LostView {
  readonly headline: string;
  readonly folders: readonly string[];
  readonly bytes_all: number;
  readonly bytes_left: number;
  readonly report: InspectionReport | null;
  readonly commands: readonly string[];
  readonly trouble: string;
}

export interface EncryptedShare {
  readonly share: string;
}

export interface HandedInShare {
  readonly message: string;
}

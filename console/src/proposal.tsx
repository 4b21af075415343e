// One proposal: what it asks for, what it would change, and the vote.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Diff, Fact, Moment, ProposalPage, Section, Topic } from "./answers";
import { proposal } from "./api";
import { textDigest } from "./ballots";
import { address } from "./app";
import { type Alike, grouped } from "./grouping";
import { differences } from "./outcome";
import { ProposedIdentities } from "./identities";
import { Long } from "./long";
import { Marked } from "./marked";
import { Quotes, Said } from "./quoted";
import { pageKey } from "./signer";
import { inbox } from "./state";
import { Vote, voted } from "./vote";
import { counted, moment, said, sentence, short } from "./words";

/** What a member reads first comes first. The page has the summary at its top and its end. */
const ORDER: readonly Topic[] = ["actions", "outcome", "decision", "votes"];

/** Of one line of a difference; a longer one was made by a program, or to hide something. */
const LINE_CHARACTERS = 2000;

const KINDS: Readonly<Record<string, string>> = { "+": "added", "-": "removed", "@": "place" };

function Lines({ lines }: { lines: readonly string[] }) {
  return (
    <pre class="diff" tabIndex={0}>
      {lines.map((line, index) => (
        <span key={index} class={KINDS[line[0] ?? ""] ?? ""}>
          <Long text={line} first={LINE_CHARACTERS} />
          {"\n"}
        </span>
      ))}
    </pre>
  );
}

function DiffView({ diff, isFolded = diff.is_folded }: { diff: Diff; isFolded?: boolean }) {
  return (
    <details open={!isFolded}>
      <summary>
        <b>
          <Marked text={diff.subject} />
        </b>{" "}
        {diff.change} <span class="added">+{diff.added}</span>{" "}
        <span class="removed">−{diff.removed}</span>
      </summary>
      <Lines lines={diff.lines} />
      {diff.laid_out.length > 0 && (
        <>
          <p class="laid">The same, laid out by ccfpy to be read. The lines above are the program's own.</p>
          <Lines lines={diff.laid_out} />
        </>
      )}
    </details>
  );
}

function FactView({ fact }: { fact: Fact }) {
  return (
    <div class={`depth${Math.min(fact.depth, 2)}`}>
      <dt>
        <Marked text={fact.label} />
      </dt>
      <dd class={fact.is_warning ? "bad" : ""}>
        {fact.is_unknown && <em>this console does not know what this does: </em>}
        {fact.is_folded ? (
          <details>
            <summary>
              {(fact.text.split(", ").length).toLocaleString("en")} {fact.label}, in full
            </summary>
            <p>
              <Long text={fact.text} />
            </p>
          </details>
        ) : (
          <Said text={fact.text} />
        )}
        <Quotes quotes={fact.quotes} />
        {fact.whole && (
          <details>
            <summary>as it was signed</summary>
            <pre tabIndex={0}>
              <Long text={fact.whole} />
            </pre>
          </details>
        )}
      </dd>
    </div>
  );
}

/** Files that change by the same lines: these once, and each file's own difference on request. */
function AlikeView({ group }: { group: Alike }) {
  return (
    <section class="alike" aria-label="Files that change by the same lines">
      <h3>{counted(group.diffs.length, "file")} change by the same lines</h3>
      <Lines lines={group.lines} />
      {group.diffs.map((diff) => (
        <DiffView key={diff.subject} diff={diff} isFolded />
      ))}
    </section>
  );
}

function SectionView({ section }: { section: Section }) {
  const { summary, alone, alike, compiled, unchanged, unchangedNames } = grouped(section.diffs);
  // The top of the page has the warnings: here they would push the change down.
  const facts = section.diffs.length ? section.facts.filter((fact) => !fact.is_warning) : section.facts;
  return (
    <section>
      {section.title && <h2>{section.title}</h2>}
      <dl class="rows">
        {facts.map((fact, index) => (
          <FactView key={index} fact={fact} />
        ))}
      </dl>
      {summary && (
        <p>
          <b>{summary}.</b>
        </p>
      )}
      {alone.map((diff) => (
        <DiffView key={diff.subject} diff={diff} />
      ))}
      {alike.map((group) => (
        <AlikeView key={group.diffs[0]?.alike} group={group} />
      ))}
      {compiled.length > 0 && (
        <details class="compiled">
          <summary>{counted(compiled.length, "compiled form")} of modules would be written</summary>
          {compiled.map((diff) => (
            <DiffView key={diff.subject} diff={diff} />
          ))}
        </details>
      )}
      {unchanged && (
        <details>
          <summary>{unchanged}</summary>
          <p>
            <Marked text={unchangedNames.join(", ")} />
          </p>
        </details>
      )}
    </section>
  );
}

function Warnings({ page }: { page: ProposalPage }) {
  const { warnings } = page;
  if (warnings.length === 0) return null;
  const title = page.state === "Open" && !page.own_vote ? "Before you vote" : "Warnings";
  return (
    <section class="warnings" aria-label={title}>
      <h2>{title}</h2>
      <ul>
        {warnings.map((fact, index) => (
          <li key={index}>
            <b>
              <Said text={fact.label} />
            </b>
            : <Said text={fact.text} />
            <Quotes quotes={fact.quotes} />
            {fact.module && (
              <div>
                <a href={address(fact.module)}>What answers there today</a>
              </div>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What is different from what the reader read: it is read, too, before anything is signed. */
function Changed({ lines, read }: { lines: readonly string[]; read: () => void }) {
  return (
    <section class="warnings" role="alert" aria-label="What is different now">
      <h2>What would come of this has changed since you read it</h2>
      <ul>
        {lines.map((line) => (
          <li key={line}>
            <Long text={line} first={LINE_CHARACTERS} />
          </li>
        ))}
      </ul>
      <p>The page shows the present outcome. Nothing is signed before you say that you have read it.</p>
      <button type="button" onClick={read}>
        I have read what is different
      </button>
    </section>
  );
}

/** Who proposed it, when, and what came of it so far. */
function Facts({ page }: { page: ProposalPage }) {
  return (
    <dl class="rows">
      <div class="depth0">
        <dt>proposal</dt>
        <dd>
          <code title={page.id}>{short(page.id)}</code>
        </dd>
      </div>
      <div class="depth0">
        <dt>proposed by</dt>
        <dd>
          {page.proposer}
          {page.at !== null && `, ${moment(page.at)} by the member's clock`}
        </dd>
      </div>
      <div class="depth0">
        <dt>state</dt>
        <dd>{page.state}</dd>
      </div>
    </dl>
  );
}

/** What the reader has done, in the heading. */
const standing = (page: ProposalPage): string =>
  page.own_vote ? `${page.state}, you voted${page.own_vote.side ? ` ${page.own_vote.side}` : ""}` : page.state;

function Happened({ moment: each }: { moment: Moment }) {
  const isBad = each.vouched === "not vouched for";
  return (
    <li class={`${each.is_done ? "done" : "open"}${each.is_end ? " end" : ""}`}>
      <b>{each.what}</b>
      {each.who && <> by {each.who}</>}
      {(each.txid || each.at !== null) && (
        <div>
          {each.at !== null && <span>{moment(each.at)} by the member's clock</span>}
          {each.txid && (
            <span>
              transaction{" "}
              {each.vouched ? <a href={`#/ledger/tx/${each.seqno}`}>{each.txid}</a> : <code>{each.txid}</code>}
            </span>
          )}
          {each.vouched && <span class={isBad ? "bad" : ""}>{each.vouched} in the ledger's files</span>}
        </div>
      )}
    </li>
  );
}

function Timeline({ page }: { page: ProposalPage }) {
  return (
    <section aria-label="What happened">
      <h2>What happened</h2>
      {page.timeline.length > 0 ? (
        <ol class="timeline">
          {page.timeline.map((each, index) => (
            <Happened key={index} moment={each} />
          ))}
        </ol>
      ) : (
        <p class="faint">{sentence(page.not_known || "not committed yet")}.</p>
      )}
    </section>
  );
}

export function ProposalView({ id }: { id: string }) {
  const page = useSignal<ProposalPage | null>(null);
  const trouble = useSignal("");
  /** What is different now from what the reader read; nothing is signed before that is read, too. */
  const changed = useSignal<readonly string[]>([]);
  const seen = useRef<ProposalPage | null>(null);

  const member = pageKey.value?.memberId ?? null;

  const order = useRef({ asked: 0, shown: 0 });

  /** Whether no later question was answered earlier: an older answer, of another member or of before a vote, is over. */
  function isInOrder(asked: number): boolean {
    if (asked < order.current.shown) return false;
    order.current.shown = asked;
    return true;
  }

  async function load(): Promise<ProposalPage | null> {
    const asked = ++order.current.asked;
    if (seen.current?.id !== id) seen.current = null;
    try {
      const read = await proposal(id, member, page.value?.id === id ? page.value.outcome : "");
      // What the page shows is what it binds a ballot to: the digest is its own.
      if ((await textDigest(read.text)) !== read.digest)
        throw new Error("The console names a digest that is not of the text it sent: do not vote with this console.");
      if (isInOrder(asked)) {
        changed.value = seen.current ? differences(seen.current, read) : [];
        if (changed.value.length === 0) seen.current = read;
        [page.value, trouble.value] = [read, ""];
      }
      return read;
    } catch (error) {
      if (isInOrder(asked)) trouble.value = said(error);
      return null;
    }
  }

  const row = inbox.value?.proposals.find((each) => each.id === id);
  const version = `${row?.state}/${row?.voters.join()}`;
  const outcomes = inbox.value?.outcomes;
  useEffect(() => void load(), [id, version, outcomes, member]);

  function accept(): void {
    seen.current = page.value;
    changed.value = [];
  }

  const shown = page.value;
  if (!shown) return <p class={trouble.value ? "bad" : ""}>{trouble.value || "Running the constitution over the proposal …"}</p>;
  return (
    <>
      <p>
        <a href="#/proposals">All proposals</a>
      </p>
      <h1>
        <Said text={`${shown.title}: ${standing(shown)}`} />
      </h1>
      {shown.own_vote && <p class="voted">{voted(shown.own_vote)}</p>}
      {trouble.value && <p class="bad">{trouble.value}</p>}
      {changed.value.length > 0 && <Changed lines={changed.value} read={accept} />}
      <Warnings page={shown} />
      <Facts page={shown} />
      <ProposedIdentities key={shown.digest} proposal={shown.text} />
      {ORDER.flatMap((topic) => shown.sections.filter((section) => section.topic === topic)).map((section) => (
        <SectionView key={section.topic} section={section} />
      ))}
      <Timeline page={shown} />
      {shown.sections
        .filter((section) => section.topic === "unknown")
        .map((section) => (
          <SectionView key={section.topic} section={section} />
        ))}
      <details>
        <summary>The proposal as it was signed, {counted(shown.text.length, "character")}</summary>
        <p>
          SHA-256 <code>{shown.digest}</code>
        </p>
        <pre tabIndex={0}>
          <Long text={shown.shown_text} />
        </pre>
      </details>
      <Vote page={shown} isChanged={changed.value.length > 0} again={load} />
    </>
  );
}

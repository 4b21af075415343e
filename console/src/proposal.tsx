// One proposal: what it asks for, what it would change, and the vote.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Diff, Fact, Moment, ProposalPage, Section, Topic } from "./answers";
import { proposal } from "./api";
import { textDigest } from "./ballots";
import { ProposedIdentities } from "./identities";
import { Long } from "./long";
import { pageKey } from "./signer";
import { inbox } from "./state";
import { Vote } from "./vote";
import { counted, moment, said, short } from "./words";

/** What a member reads first comes first. */
const ORDER: readonly Topic[] = ["summary", "actions", "outcome", "votes", "unknown"];

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

function DiffView({ diff }: { diff: Diff }) {
  return (
    <details open={!diff.is_folded}>
      <summary>
        <b>{diff.subject}</b> {diff.change} <span class="added">+{diff.added}</span>{" "}
        <span class="removed">−{diff.removed}</span>
      </summary>
      <Lines lines={diff.lines} />
    </details>
  );
}

function FactView({ fact }: { fact: Fact }) {
  return (
    <div class={`depth${Math.min(fact.depth, 2)}`}>
      <dt>{fact.label}</dt>
      <dd class={fact.is_warning ? "bad" : ""}>
        {fact.is_unknown && <em>this console does not know what this does: </em>}
        <Long text={fact.text} />
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

function SectionView({ section }: { section: Section }) {
  const changed = section.diffs.filter((diff) => diff.change !== "unchanged");
  const unchanged = section.diffs.filter((diff) => diff.change === "unchanged");
  // What is not folded must be seen, so it comes before what may be.
  const seenFirst = [...changed].sort((a, b) => Number(a.is_folded) - Number(b.is_folded));
  return (
    <section>
      {section.title && <h2>{section.title}</h2>}
      <dl class="rows">
        {section.facts.map((fact, index) => (
          <FactView key={index} fact={fact} />
        ))}
      </dl>
      {seenFirst.map((diff) => (
        <DiffView key={diff.subject} diff={diff} />
      ))}
      {unchanged.length > 0 && (
        <details>
          <summary>{counted(unchanged.length, "thing")} would be written again as today</summary>
          <p>{unchanged.map((diff) => diff.subject).join(", ")}</p>
        </details>
      )}
    </section>
  );
}

function Warnings({ sections }: { sections: readonly Section[] }) {
  const warnings = sections.flatMap((section) => section.facts.filter((fact) => fact.is_warning));
  if (warnings.length === 0) return null;
  return (
    <section class="warnings" aria-label="Before you vote">
      <h2>Before you vote</h2>
      <ul>
        {warnings.map((fact, index) => (
          <li key={index}>
            <b>{fact.label}</b>: <Long text={fact.text} />
          </li>
        ))}
      </ul>
    </section>
  );
}

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
        <p class="faint">{page.not_known || "not committed yet"}.</p>
      )}
    </section>
  );
}

export function ProposalView({ id }: { id: string }) {
  const page = useSignal<ProposalPage | null>(null);
  const trouble = useSignal("");

  const member = pageKey.value?.memberId ?? null;

  async function load(): Promise<ProposalPage | null> {
    try {
      const read = await proposal(id, member);
      // What the page shows is what it binds a ballot to: the digest is its own.
      if ((await textDigest(read.text)) !== read.digest)
        throw new Error("The console names a digest that is not of the text it sent: do not vote with this console.");
      page.value = read;
      trouble.value = "";
      return read;
    } catch (error) {
      trouble.value = said(error);
      return null;
    }
  }

  const row = inbox.value?.proposals.find((each) => each.id === id);
  const version = `${row?.state}/${row?.voters.join()}`;
  useEffect(() => void load(), [id, version, member]);

  const shown = page.value;
  if (!shown) return <p class={trouble.value ? "bad" : ""}>{trouble.value || "Running the constitution over the proposal …"}</p>;
  return (
    <>
      <p>
        <a href="#/proposals">All proposals</a>
      </p>
      <h1>
        Proposal <code title={shown.id}>{short(shown.id)}</code>: {shown.state}
      </h1>
      {trouble.value && <p class="bad">{trouble.value}</p>}
      <Warnings sections={shown.sections} />
      <ProposedIdentities proposal={shown.text} />
      {ORDER.flatMap((topic) => shown.sections.filter((section) => section.topic === topic)).map((section) => (
        <SectionView key={section.topic} section={section} />
      ))}
      <Timeline page={shown} />
      <details>
        <summary>The proposal as it was signed, {counted(shown.text.length, "character")}</summary>
        <p>
          SHA-256 <code>{shown.digest}</code>
        </p>
        <pre tabIndex={0}>
          <Long text={shown.text} />
        </pre>
      </details>
      <Vote page={shown} again={load} />
    </>
  );
}

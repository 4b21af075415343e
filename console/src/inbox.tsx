// The proposals that the service remembers, for members.
import { useSignal } from "@preact/signals";
import { Fragment } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Inbox, ProposalRow } from "./answers";
import { older } from "./api";
import { Long } from "./long";
import { Said } from "./quoted";
import { signer } from "./signer";
import { inbox } from "./state";
import { counted, moment, said, sentence, short } from "./words";

export const YOURS = "yours to decide";

/** Of an action's name in a list. */
const NAME_CHARACTERS = 80;

/** Closed proposals that one page lists. */
const LISTED_MAX = 1000;

/** The proposals as a member sees them whose key is in the page. */
export function asMember(read: Inbox, id: string): Inbox {
  const proposals = read.proposals.map((row) =>
    row.group === "decided" ? row : { ...row, group: row.voter_ids.includes(id) ? "open" : YOURS },
  );
  const yours = proposals.filter((row) => row.group === YOURS).length;
  const open = proposals.filter((row) => row.group === "open").length;
  const headline = yours
    ? `${counted(yours, "proposal")} ${yours === 1 ? "waits" : "wait"} for your vote`
    : open
      ? `${counted(open, "proposal")} ${open === 1 ? "is" : "are"} open, and you have voted`
      : read.headline;
  return { ...read, headline, proposals };
}

/** Count a vote at once that was committed: the server looks again a little later. */
export function countVote(proposalId: string, voter: { readonly id: string; readonly name: string }, side: string): void {
  const read = inbox.value;
  if (!read) return;
  const proposals = read.proposals.map((row) =>
    row.id !== proposalId || row.group === "decided" || row.voter_ids.includes(voter.id)
      ? row
      : {
          ...row,
          group: "open",
          voters: [...row.voters, voter.name],
          voter_ids: [...row.voter_ids, voter.id],
          sides: [...row.sides, side],
        },
  );
  inbox.value = asMember({ ...read, proposals }, voter.id);
}

const TITLES: ReadonlyArray<readonly [string, string]> = [
  [YOURS, "Waiting for your vote"],
  ["open", "Open"],
];

/** Who voted and how, the reader first: "you voted against". */
function votes(row: ProposalRow, reader: string | undefined): string {
  const told = row.voter_ids.map((id, index) => {
    const side = row.sides[index] ? ` ${row.sides[index]}` : "";
    return id === reader ? `you voted${side}` : `${row.voters[index]} voted${side}`;
  });
  return told.sort((a, b) => Number(b.startsWith("you ")) - Number(a.startsWith("you "))).join(", ") || "nobody has voted";
}

function Item({ row, reader }: { row: ProposalRow; reader: string | undefined }) {
  const none = row.group === "decided" ? "A proposal whose actions are not known yet" : "No actions";
  return (
    <li>
      <a href={`#/proposals/${row.id}`}>
        <strong>
          <Said text={row.title || none} />
        </strong>
      </a>
      <div>
        {row.actions.length > 0 && (
          <>
            {row.actions.map((name, index) => (
              <Fragment key={index}>
                {index > 0 && ", "}
                <q class="others">
                  <Long text={name} first={NAME_CHARACTERS} />
                </q>
              </Fragment>
            ))}{" "}
            ·{" "}
          </>
        )}
        <code title={row.id}>{short(row.id)}</code> · {row.ended || row.state} · by {row.proposer}
        {(!row.ended || (reader !== undefined && row.voter_ids.includes(reader))) && <> · {votes(row, reader)}</>}
        {row.at !== null && <> · {moment(row.at)}</>}
      </div>
    </li>
  );
}

/** What waits for the reader's vote, on the first page. */
export function Waiting() {
  const by = signer.value;
  const read = inbox.value && by ? asMember(inbox.value, by.id) : null;
  const waiting = read?.proposals.filter((row) => row.group === YOURS) ?? [];
  if (!read || waiting.length === 0) return null;
  const [only] = waiting;
  return (
    <p class="waiting">
      <a href={waiting.length === 1 && only ? `#/proposals/${only.id}` : "#/proposals"}>{read.headline}</a>
    </p>
  );
}

/** Rows, each of them once, the earlier list's first. */
function merged(rows: readonly ProposalRow[], others: readonly ProposalRow[]): readonly ProposalRow[] {
  const listed = new Set(rows.map((row) => row.id));
  return [...rows, ...others.filter((row) => !listed.has(row.id))];
}

/** What was decided: what the service lists by itself, and older ones where the reader asks for them. */
function Decided({ read, reader }: { read: Inbox; reader: string | undefined }) {
  // What is kept here once older ones were asked for: no row leaves the list again.
  const kept = useSignal<readonly ProposalRow[]>([]);
  const next = useSignal<number | null>(null);
  const status = useSignal("");
  const isBusy = useSignal(false);
  const list = useRef<HTMLUListElement>(null);
  const more = useRef<HTMLButtonElement>(null);
  const goesOnAt = useRef<string | null>(null);
  const decided = read.proposals.filter((row) => row.group === "decided");
  const hasBegun = kept.value.length > 0;
  useEffect(() => {
    if (hasBegun) kept.value = merged(decided, kept.value);
  }, [read]);
  useLayoutEffect(() => {
    if (goesOnAt.current) list.current?.querySelector<HTMLElement>(`a[href$="${goesOnAt.current}"]`)?.focus();
    goesOnAt.current = null;
  }, [kept.value]);
  const rows = merged(decided, kept.value).slice(0, LISTED_MAX);
  const before = hasBegun ? next.value : read.older;

  async function readOn(): Promise<void> {
    if (isBusy.value || before === null) return;
    isBusy.value = true;
    status.value = "Reading older proposals …";
    try {
      const page = await older(before);
      const all = merged(rows, page.proposals);
      // Who reads on by keyboard goes on where the new ones begin; who went elsewhere stays there.
      if (document.activeElement === more.current) goesOnAt.current = all[rows.length]?.id ?? null;
      kept.value = all;
      next.value = page.older;
      status.value = page.not_known
        ? `${sentence(page.not_known)}.`
        : `${counted(page.proposals.length, "older proposal")} read${page.older === null ? "; there are no others" : ""}.`;
      if (page.not_known) next.value = before;
    } catch (error) {
      status.value = said(error);
    } finally {
      isBusy.value = false;
    }
  }

  if (rows.length === 0) return null;
  return (
    <section>
      <h2>
        Decided <small>{counted(rows.length, "proposal")}</small>
      </h2>
      <ul ref={list} class="items">
        {rows.map((row) => (
          <Item key={row.id} row={row} reader={reader} />
        ))}
      </ul>
      {before !== null && rows.length < LISTED_MAX && (
        <button ref={more} type="button" class="second older" onClick={() => void readOn()}>
          Read older ones
        </button>
      )}
      {rows.length >= LISTED_MAX && (
        <p class="faint">The page lists {counted(LISTED_MAX, "proposal")}; older ones are in the ledger.</p>
      )}
      <p role="status">{status.value}</p>
    </section>
  );
}

export function InboxView({ inbox: read }: { inbox: Inbox | null }) {
  const by = signer.value;
  const shown = read && by?.isHere ? asMember(read, by.id) : read;
  if (!shown) return <p>Reading the proposals …</p>;
  return (
    <>
      <h1 aria-live="polite" class={shown.trouble ? "bad" : ""}>
        {shown.headline}
      </h1>
      {shown.trouble && <p class="bad">{shown.trouble}</p>}
      {TITLES.map(([group, title]) => {
        const rows = shown.proposals.filter((row) => row.group === group);
        return (
          rows.length > 0 && (
            <section key={group}>
              <h2>
                {title} <small>{counted(rows.length, "proposal")}</small>
              </h2>
              <ul class="items">
                {rows.map((row) => (
                  <Item key={row.id} row={row} reader={by?.id} />
                ))}
              </ul>
            </section>
          )
        );
      })}
      <Decided read={shown} reader={by?.id} />
      {shown.not_known && <p class="faint">{sentence(shown.not_known)}.</p>}
    </>
  );
}

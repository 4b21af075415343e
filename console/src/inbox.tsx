// The proposals that the service remembers, for members.
import type { Inbox, ProposalRow } from "./answers";
import { signer } from "./signer";
import { inbox } from "./state";
import { counted, moment, sentence, short } from "./words";

export const YOURS = "yours to decide";

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
  ["decided", "Decided"],
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
        <strong>{row.title || none}</strong>
      </a>
      <div>
        {row.actions.length > 0 && <>{row.actions.join(", ")} · </>}
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
      {shown.not_known && <p class="faint">{sentence(shown.not_known)}.</p>}
    </>
  );
}

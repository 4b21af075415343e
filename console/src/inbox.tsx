// The proposals that the service remembers, for members.
import type { Inbox, ProposalRow } from "./answers";
import { signer } from "./signer";
import { counted, moment, short } from "./words";

export const YOURS = "yours to decide";

/** The proposals as a member sees them whose key is in the page. */
export function asMember(inbox: Inbox, id: string): Inbox {
  const proposals = inbox.proposals.map((row) =>
    row.group === "decided" ? row : { ...row, group: row.voter_ids.includes(id) ? "open" : YOURS },
  );
  const yours = proposals.filter((row) => row.group === YOURS).length;
  const open = proposals.filter((row) => row.group === "open").length;
  const headline = yours
    ? `${counted(yours, "proposal")} ${yours === 1 ? "waits" : "wait"} for your vote`
    : open
      ? `${counted(open, "proposal")} ${open === 1 ? "is" : "are"} open, and you have voted`
      : inbox.headline;
  return { ...inbox, headline, proposals };
}

const TITLES: ReadonlyArray<readonly [string, string]> = [
  [YOURS, "Waiting for your vote"],
  ["open", "Open"],
  ["decided", "Decided"],
];

function Item({ row }: { row: ProposalRow }) {
  return (
    <li>
      <a href={`#/proposals/${row.id}`}>
        <strong>{row.actions.join(", ") || (row.group === "decided" ? "a proposal whose actions are not known yet" : "no actions")}</strong>
      </a>
      <div>
        <code title={row.id}>{short(row.id)}</code> ·{" "}
        {row.ended || row.state} · by {row.proposer}
        {!row.ended && ` · ${row.voters.length ? `voted: ${row.voters.join(", ")}` : "nobody has voted"}`}
        {row.at !== null && <> · {moment(row.at)}</>}
      </div>
    </li>
  );
}

export function InboxView({ inbox: read }: { inbox: Inbox | null }) {
  const by = signer.value;
  const inbox = read && by?.isHere ? asMember(read, by.id) : read;
  if (!inbox) return <p>Reading the proposals …</p>;
  return (
    <>
      <h1 aria-live="polite" class={inbox.trouble ? "bad" : ""}>
        {inbox.headline}
      </h1>
      {inbox.trouble && <p class="bad">{inbox.trouble}</p>}
      {TITLES.map(([group, title]) => {
        const rows = inbox.proposals.filter((row) => row.group === group);
        return (
          rows.length > 0 && (
            <section key={group}>
              <h2>
                {title} <small>{counted(rows.length, "proposal")}</small>
              </h2>
              <ul class="items">
                {rows.map((row) => (
                  <Item key={row.id} row={row} />
                ))}
              </ul>
            </section>
          )
        );
      })}
      {inbox.not_known && <p class="faint">{inbox.not_known}.</p>}
    </>
  );
}

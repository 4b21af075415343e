// Who vouches for a transaction, in a word and a sign.
import type { Coverage, LedgerView } from "./answers";
import { ledger } from "./state";

const TONES: Readonly<Record<Coverage, string>> = { verified: "good", unsigned: "faint", "not vouched for": "bad" };
const MARKS: Readonly<Record<Coverage, string>> = { verified: "✓", unsigned: "·", "not vouched for": "✗" };

/** Whether all was read, and nothing is wrong. */
const isSound = (known: LedgerView): boolean =>
  known.damage.length === 0 && known.bytes_left === 0 && !known.trouble && !known.is_another_service;

/** Nothing is called verified in a ledger that has not been read to its end, or is damaged. */
export function Covered({ coverage }: { coverage: Coverage }) {
  const isSettled = ledger.value !== null && isSound(ledger.value);
  return (
    <span class={`covered ${TONES[coverage]}`}>
      <span aria-hidden="true">{MARKS[coverage]} </span>
      {coverage === "verified" && !isSettled ? "signed" : coverage}
    </span>
  );
}

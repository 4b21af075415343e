// An account's history, read from the ledger itself: each transaction that wrote it.
//
// Scripts keep nothing between calls, so there is no index to ask which transactions
// those were: every transaction of the range is looked at, some at a time. A node
// fetches and verifies them in the background and says 202 until they are there.

import * as ccfapp from "@microsoft/ccf-app";
import { ccf, type HistoricalState } from "@microsoft/ccf-app/global";
import { invalid } from "./answers";
import { type Account, ACCOUNTS, accounts, type Kind } from "./tables";

const SEQNOS_PER_PAGE = 200;
const KEPT_S = 60;
const RETRY_AFTER_S = "1";

export interface Entry {
  transaction_id: string;
  kind: Kind;
  amount: number;
  balance: number;
  reference?: string;
  other?: string;
}

export interface Page {
  entries: Entry[];
  "@nextLink"?: string;
}

/** Give a page of the statement, or 202 while it is on its way. */
export function page(
  id: string,
  from: number,
  to: number | undefined,
): ccfapp.Response<Page | string> {
  const committed = ccfapp.getLastCommittedTxId().seqno;
  if (to !== undefined && to > committed) {
    throw invalid(`Only what is committed can be told, up to ${committed}.`);
  }
  if (to !== undefined && to < from) {
    throw invalid(`The range begins at ${from} but ends at ${to}.`);
  }
  const written = accounts.getVersionOfPreviousWrite(id) ?? committed;
  const last = to ?? Math.min(written, committed);
  const end = Math.min(last, from + SEQNOS_PER_PAGE - 1);
  if (end < from) return { body: { entries: [] } };
  const states = ccfapp.getStateRange(handleOf(id, from, end), from, end, KEPT_S);
  if (states === null) {
    return {
      statusCode: 202,
      headers: { "retry-after": RETRY_AFTER_S },
      body: `Transactions from ${from} to ${end} are being fetched.`,
    };
  }
  const entries = states.map((state) => entryOf(state, id)).filter(isThere);
  if (end === last) return { body: { entries } };
  const rest = `from_seqno=${end + 1}&to_seqno=${last}`;
  const next = `/app/accounts/${id}/statement?${rest}`;
  return { body: { entries, "@nextLink": next } };
}

/** What a transaction did to an account; a past state holds only what it wrote. */
function entryOf(state: HistoricalState, id: string): Entry | undefined {
  const past = ccfapp.typedKv(
    state.kv[ACCOUNTS]!,
    ccfapp.string,
    ccfapp.json<Account>(),
  );
  const account = past.get(id);
  if (account === undefined) return undefined;
  const { balance, last } = account;
  return { transaction_id: state.transactionId, balance, ...last };
}

const isThere = (entry: Entry | undefined): entry is Entry => entry !== undefined;

/** Number a range: two that share a handle would drop each other's transactions. */
function handleOf(id: string, from: number, end: number): number {
  const name = ccf.strToBuf(`${id}/${from}/${end}`);
  const digest = new DataView(ccf.crypto.digest("SHA-256", name));
  return digest.getUint32(0) * 2 ** 16 + digest.getUint16(4);
}

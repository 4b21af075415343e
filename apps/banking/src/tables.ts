// The tables. What names a customer is private; what banks owe each other is public.

import * as ccfapp from "@microsoft/ccf-app";

export type Kind = "opened" | "deposit" | "withdrawal" | "sent" | "received";

/** An account, and what last happened to it: its history is the history of this row. */
export interface Account {
  bank: string;
  owner: string;
  balance: number;
  last: { kind: Kind; amount: number; reference?: string; other?: string };
}

/** What was asked for under a reference, and what came of it. */
export interface Movement {
  kind: "deposit" | "withdrawal" | "transfer";
  amount: number;
  balance: number;
  to?: string;
  transfer_id?: string;
}

/** What anybody may know of a transfer. The order of names is that of the bytes. */
export interface Transfer {
  amount: number;
  from_bank: string;
  to_bank: string;
  transfer_id: string;
}

/** A bank, as members admitted it. */
export interface Bank {
  name: string;
  member_id: string;
  user_id: string;
}

const of = <V>(name: string) =>
  ccfapp.typedKv(name, ccfapp.string, ccfapp.json<V>());

export const ACCOUNTS = "banking.accounts";
export const TRANSFERS = "public:banking.transfers";

export const accounts = of<Account>(ACCOUNTS);
/** By account and reference, so that a customer's references are its own. */
export const movements = of<Movement>("banking.movements");
export const transfers = of<Transfer>(TRANSFERS);
/** What each bank owes its customers, all together. */
export const liabilities = of<number>("public:banking.liabilities");

// Governance's: the constitution writes them, an application can only read.
export const banks = of<Bank>("public:ccf.gov.banking.banks");
export const frozenAccounts = of<{ reason: string }>(
  "public:ccf.gov.banking.frozen_accounts",
);
export const users = ccfapp.typedKv(
  "public:ccf.gov.users.certs",
  ccfapp.string,
  ccfapp.string,
);

const limits = ccfapp.typedKv(
  "public:ccf.gov.banking.transfer_limit",
  ccfapp.arrayBuffer,
  ccfapp.json<number>(),
);

/** The most that a transfer may move; nothing if members set no limit. */
export const transferLimit = (): number | undefined => limits.get(new ArrayBuffer(8));

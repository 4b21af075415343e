// How money moves. Every movement is one transaction: all of it happens, or nothing.
//
// A caller names each movement by a reference of its own choice. The same request sent
// again, because an answer got lost, is answered again and moves nothing; the same
// reference for something else is refused.

import * as ccfapp from "@microsoft/ccf-app";
import { ccf } from "@microsoft/ccf-app/global";
import { noAccount, Refusal } from "./answers";
import {
  type Account,
  accounts,
  banks,
  frozenAccounts,
  liabilities,
  type Kind,
  type Movement,
  movements,
  type Transfer,
  transferLimit,
  transfers,
} from "./tables";

export type Result = { balance: number; transfer_id?: string };

const resultOf = ({ balance, transfer_id }: Movement): Result =>
  transfer_id === undefined ? { balance } : { balance, transfer_id };

/** Carry out a movement, unless it was carried out before. */
function once(
  id: string,
  reference: string,
  asked: { kind: Movement["kind"]; amount: number; to?: string },
  move: () => Result,
): Result {
  const key = `${id}/${reference}`;
  const earlier = movements.get(key);
  if (earlier !== undefined) {
    const isSame =
      earlier.kind === asked.kind &&
      earlier.amount === asked.amount &&
      earlier.to === asked.to;
    if (isSame) return resultOf(earlier);
    const message = `The reference ${reference} stands for another movement.`;
    throw new Refusal(409, "ReferenceReused", message);
  }
  const result = move();
  movements.set(key, { ...asked, ...result });
  return result;
}

export function deposit(id: string, account: Account, amount: number, ref: string) {
  return once(id, ref, { kind: "deposit", amount }, () => {
    owe(account.bank, amount);
    return { balance: change(id, account, amount, { kind: "deposit", reference: ref }) };
  });
}

export function withdraw(id: string, account: Account, amount: number, ref: string) {
  return once(id, ref, { kind: "withdrawal", amount }, () => {
    checkMayLeave(id, account, amount);
    owe(account.bank, -amount);
    const why = { kind: "withdrawal", reference: ref } as const;
    return { balance: change(id, account, -amount, why) };
  });
}

export function transfer(
  id: string,
  account: Account,
  to: string,
  amount: number,
  reference: string,
) {
  return once(id, reference, { kind: "transfer", amount, to }, () => {
    const other = accounts.get(to);
    if (other === undefined) throw noAccount(to);
    checkMayLeave(id, account, amount);
    checkIsOpen(other.bank);
    const limit = transferLimit();
    if (limit !== undefined && amount > limit) {
      const message = `A transfer may move ${limit} at most.`;
      throw new Refusal(403, "TransferLimitExceeded", message);
    }
    owe(account.bank, -amount);
    owe(other.bank, amount);
    const sent = { kind: "sent", reference, other: to } as const;
    const received = { kind: "received", reference, other: id } as const;
    const balance = change(id, account, -amount, sent);
    change(to, other, amount, received);
    const transfer_id = transferId(id, to, amount, reference);
    publish({ amount, from_bank: account.bank, to_bank: other.bank, transfer_id });
    return { balance, transfer_id };
  });
}

/**
 * Name a transfer by what only its parties know of it.
 *
 * The name says nothing to others, because the reference is theirs to guess; but who
 * is shown the four can work it out, and so find what they are told in the public
 * record.
 */
function transferId(from: string, to: string, amount: number, reference: string) {
  return hex(sha256(ccf.strToBuf([from, to, amount, reference].join("\n"))));
}

/** Put a transfer on record, and have its receipt prove what the record says. */
function publish(record: Transfer) {
  transfers.set(record.transfer_id, record);
  ccfapp.setClaimsDigest(sha256(ccf.jsonCompatibleToBuf(record)));
}

const sha256 = (data: ArrayBuffer) => ccf.crypto.digest("SHA-256", data);

const hex = (data: ArrayBuffer) =>
  [...new Uint8Array(data)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Write an account's new balance and why it changed; give the balance. */
function change(
  id: string,
  account: Account,
  by: number,
  why: { kind: Kind; reference: string; other?: string },
): number {
  const balance = account.balance + by;
  const last = { ...why, amount: Math.abs(by) };
  accounts.set(id, { ...account, balance, last });
  return balance;
}

/** Change what a bank owes all its customers, of which no balance is more than a part. */
function owe(bank: string, more: number) {
  const sum = (liabilities.get(bank) ?? 0) + more;
  if (!Number.isSafeInteger(sum)) {
    const message = "The bank cannot owe so much.";
    throw new Refusal(409, "BalanceOutOfRange", message);
  }
  liabilities.set(bank, sum);
}

function checkMayLeave(id: string, { bank, balance }: Account, amount: number) {
  checkIsOpen(bank);
  const frozen = frozenAccounts.get(id);
  if (frozen !== undefined) {
    const message = `The account is frozen: ${frozen.reason}`;
    throw new Refusal(403, "AccountFrozen", message);
  }
  if (balance < amount) {
    const message = `The account holds ${balance}, which is less than ${amount}.`;
    throw new Refusal(409, "InsufficientFunds", message);
  }
}

function checkIsOpen(bank: string) {
  if (!banks.has(bank)) {
    const message = `The bank ${bank} has left the consortium.`;
    throw new Refusal(403, "BankClosed", message);
  }
}

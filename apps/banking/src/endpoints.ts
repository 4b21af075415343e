// The endpoints that app.json names: who may do a thing, then the thing.

import * as ccfapp from "@microsoft/ccf-app";
import { ccf } from "@microsoft/ccf-app/global";
import { endpoint, invalid, Refusal } from "./answers";
import {
  bankOf,
  callerOf,
  isPrincipal,
  keptBy,
  ownedBy,
  readable,
} from "./callers";
import {
  accountIn,
  amountIn,
  fieldsOf,
  referenceIn,
  seqnoIn,
  textIn,
  transferIn,
} from "./input";
import { deposit, transfer, withdraw } from "./money";
import { page } from "./statement";
import {
  accounts,
  banks,
  frozenAccounts,
  liabilities,
  movements,
  TRANSFERS,
  transfers,
} from "./tables";

/** Say who the caller is: a bank needs it to open an account for them. */
export const me = endpoint((request) => {
  const { principal, bank, isRegulator } = callerOf(request);
  const role = bank !== undefined ? "bank" : isRegulator ? "regulator" : "customer";
  return { body: bank === undefined ? { principal, role } : { principal, role, bank } };
});

/** List the banks, and what each owes its customers. */
export const listBanks = endpoint(() => {
  const listed: { bank: string; name: string; liabilities: number }[] = [];
  banks.forEach(({ name }, bank) => {
    listed.push({ bank, name, liabilities: liabilities.get(bank) ?? 0 });
  });
  listed.sort((a, b) => (a.bank < b.bank ? -1 : 1));
  return { body: { banks: listed } };
});

/** Open an account for somebody; opened twice, it is the same account. */
export const openAccount = endpoint((request) => {
  const id = accountIn(request);
  const owner = textIn(fieldsOf(request), "owner");
  const bank = bankOf(request);
  const there = accounts.get(id);
  if (there !== undefined) {
    if (there.bank === bank && there.owner === owner) return { statusCode: 204 };
    throw new Refusal(409, "AccountExists", `The name ${id} is taken.`);
  }
  if (!isPrincipal(owner)) throw invalid("'owner' is no user and no token's subject.");
  accounts.set(id, { bank, owner, balance: 0, last: { kind: "opened", amount: 0 } });
  return { statusCode: 204 };
});

/** Read an account as it is now. */
export const readAccount = endpoint((request) => {
  const id = accountIn(request);
  const { bank, owner, balance } = readable(request, id);
  const frozen = frozenAccounts.has(id);
  return { body: { account_id: id, bank, owner, balance, frozen } };
});

/** Pay cash in, at the bank that keeps the account. */
export const depositCash = endpoint((request) => {
  const [id, reference] = [accountIn(request), referenceIn(request)];
  const amount = amountIn(fieldsOf(request));
  return { body: deposit(id, keptBy(request, id), amount, reference) };
});

/** Pay cash out, at the bank that keeps the account. */
export const withdrawCash = endpoint((request) => {
  const [id, reference] = [accountIn(request), referenceIn(request)];
  const amount = amountIn(fieldsOf(request));
  return { body: withdraw(id, keptBy(request, id), amount, reference) };
});

/** Send money from one's own account to any other. */
export const sendMoney = endpoint((request) => {
  const [id, reference] = [accountIn(request), referenceIn(request)];
  const fields = fieldsOf(request);
  const [to, amount] = [textIn(fields, "to"), amountIn(fields)];
  if (to === id) throw invalid("'to' is the account itself.");
  return { body: transfer(id, ownedBy(request, id), to, amount, reference) };
});

/** Read what came of a movement, and which transaction it was. */
export const readMovement = endpoint((request) => {
  const [id, reference] = [accountIn(request), referenceIn(request)];
  readable(request, id);
  const key = `${id}/${reference}`;
  const movement = movements.get(key);
  const seqno = movements.getVersionOfPreviousWrite(key);
  if (movement === undefined || seqno === undefined) {
    throw new Refusal(404, "MovementNotFound", `There is no movement ${reference}.`);
  }
  const view = ccfapp.getViewForSeqno(seqno);
  return { body: { ...movement, transaction_id: `${view}.${seqno}` } };
});

/** Read an account's history, a page at a time. */
export const statement = endpoint((request) => {
  const id = accountIn(request);
  const from = seqnoIn(request, "from_seqno") ?? 1;
  const to = seqnoIn(request, "to_seqno");
  readable(request, id);
  return page(id, from, to);
});

/** Read the public record of a transfer. */
export const readTransfer = endpoint((request) => {
  const id = transferIn(request);
  const record = transfers.get(id);
  if (record === undefined) {
    throw new Refusal(404, "TransferNotFound", `There is no transfer ${id}.`);
  }
  return { body: record };
});

/**
 * Prove a transfer to anybody, with no service needed to believe it.
 *
 * The record is given as the very text whose digest the transaction claims, and the
 * receipt without that digest: who verifies works it out from the text, and so proves
 * the text too.
 */
export const proveTransfer = endpoint((request) => {
  const id = transferIn(request);
  const { kv, receipt } = ccf.historicalState!;
  const record = kv[TRANSFERS]!.get(ccf.strToBuf(id));
  if (record === undefined) {
    const message = `The transaction did not record the transfer ${id}.`;
    throw new Refusal(404, "TransferNotFound", message);
  }
  delete receipt.leaf_components?.claims_digest;
  return { body: { record: ccf.bufToStr(record), receipt } };
});

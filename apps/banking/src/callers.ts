// Who calls, and what that lets them do.
//
// A customer is known by the certificate of a user, or by a token whose issuer members
// trust. Offices are the consortium's to give: they stand in a user's data, which only
// governance writes. Nothing here is believed because the caller says so.

import * as ccfapp from "@microsoft/ccf-app";
import { noAccount, Refusal } from "./answers";
import { type Account, accounts, banks, users } from "./tables";

export interface Caller {
  /** Stands for the caller as an account's owner. */
  principal: string;
  /** The bank it acts for. */
  bank?: string;
  isRegulator: boolean;
}

export function callerOf(request: ccfapp.Request): Caller {
  const caller = request.caller;
  if (caller?.policy === "jwt") {
    const { keyIssuer, payload } = (caller as ccfapp.JwtAuthnIdentity).jwt;
    if (typeof payload.sub !== "string" || payload.sub === "") {
      throw new Refusal(403, "AuthorizationFailed", "The token names no subject.");
    }
    return { principal: `jwt:${keyIssuer}:${payload.sub}`, isRegulator: false };
  }
  const { id, data } = caller as ccfapp.UserCertAuthnIdentity;
  const isBank = data?.role === "bank" && banks.get(data.bank)?.user_id === id;
  return {
    principal: id,
    isRegulator: data?.role === "regulator",
    ...(isBank ? { bank: data.bank } : {}),
  };
}

/** The bank that the caller acts for. */
export function bankOf(request: ccfapp.Request): string {
  const { bank } = callerOf(request);
  if (bank === undefined) {
    throw new Refusal(403, "AuthorizationFailed", "Only a bank may do this.");
  }
  return bank;
}

/** Whether a text may name an owner: a user who is there, or a token's subject. */
export const isPrincipal = (owner: string) =>
  owner.length <= 256 && (owner.startsWith("jwt:") || users.has(owner));

// Who may not see an account is told that there is none: that somebody banks here is
// nobody else's business.

export function readable(request: ccfapp.Request, id: string): Account {
  const { principal, bank, isRegulator } = callerOf(request);
  const account = accounts.get(id);
  const may =
    isRegulator || account?.owner === principal || account?.bank === bank;
  if (account === undefined || !may) throw noAccount(id);
  return account;
}

export function ownedBy(request: ccfapp.Request, id: string): Account {
  const account = accounts.get(id);
  if (account === undefined || account.owner !== callerOf(request).principal) {
    throw noAccount(id);
  }
  return account;
}

export function keptBy(request: ccfapp.Request, id: string): Account {
  const bank = bankOf(request);
  const account = accounts.get(id);
  if (account === undefined || account.bank !== bank) throw noAccount(id);
  return account;
}

// What callers send is text until it is read here.

import * as ccfapp from "@microsoft/ccf-app";
import { invalid, Refusal } from "./answers";

/** The most that one movement may move, in the smallest unit: exact in any JSON. */
export const AMOUNT_MAX = 1_000_000_000_000;

const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;
const REFERENCE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const DIGEST = /^[0-9a-f]{64}$/;
const SEQNO = /^[0-9]{1,15}$/;

/** The body as an object; its fields are not known to be anything yet. */
export function fieldsOf(request: ccfapp.Request): Record<string, unknown> {
  let body: unknown;
  try {
    body = request.body.json();
  } catch {
    throw invalid("The body is no JSON.");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw invalid("The body is no object.");
  }
  return body as Record<string, unknown>;
}

export function textIn(fields: Record<string, unknown>, name: string): string {
  const value = fields[name];
  if (typeof value !== "string") throw invalid(`'${name}' must be a string.`);
  return value;
}

export function amountIn(fields: Record<string, unknown>): number {
  const { amount } = fields;
  if (!Number.isSafeInteger(amount) || !isAmount(amount as number)) {
    throw invalid(`'amount' must be an integer from 1 to ${AMOUNT_MAX}.`);
  }
  return amount as number;
}

const isAmount = (value: number) => value >= 1 && value <= AMOUNT_MAX;

function inPath(
  request: ccfapp.Request,
  name: string,
  form: RegExp,
  what: string,
): string {
  const value = request.params[name];
  if (value === undefined || !form.test(value)) {
    throw new Refusal(400, "InvalidResourceName", `'${value}' is no ${what}.`);
  }
  return value;
}

export const accountIn = (request: ccfapp.Request) =>
  inPath(request, "account_id", NAME, "account");

export const referenceIn = (request: ccfapp.Request) =>
  inPath(request, "reference", REFERENCE, "UUID in small letters");

export const transferIn = (request: ccfapp.Request) =>
  inPath(request, "transfer_id", DIGEST, "transfer");

/** A seqno from the query string, which has no parser here but this. */
export function seqnoIn(request: ccfapp.Request, name: string): number | undefined {
  const pair = request.query
    .split("&")
    .map((part) => part.split("="))
    .find(([key]) => key === name);
  if (pair === undefined) return undefined;
  const text = pair[1] ?? "";
  if (!SEQNO.test(text) || Number(text) === 0) {
    const message = `'${text}' in '${name}' is no seqno.`;
    throw new Refusal(400, "InvalidQueryParameterValue", message);
  }
  return Number(text);
}

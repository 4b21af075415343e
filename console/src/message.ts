// A signed message taken apart, to say what it is before it is sent.
import { Tagged, type Value, decode } from "./cbor";
import type { Bytes } from "./der";

export interface Signed {
  readonly type: string;
  readonly memberId: string;
  readonly createdAt: number;
  readonly proposalId: string;
  readonly payload: Bytes;
}

const SIGN1 = 18;
const KID = 4;

/** The four parts of a COSE Sign1: protected header, unprotected one, payload, signature. */
export function parts(bytes: Bytes): readonly [Bytes, ReadonlyMap<Value, Value>, Bytes | null, Bytes] {
  let whole: Value = null;
  try {
    whole = decode(bytes);
  } catch {
    // What is no CBOR is no message either.
  }
  const [header, open, payload, signature, ...rest] = whole instanceof Tagged && whole.tag === SIGN1 && Array.isArray(whole.value) ? (whole.value as readonly Value[]) : [];
  const isPayload = payload === null || payload instanceof Uint8Array;
  if (!(header instanceof Uint8Array && open instanceof Map && isPayload && signature instanceof Uint8Array && rest.length === 0))
    throw new Error("this is no signed message: choose what ccfpy gov sign or ccfpy gov finish wrote");
  return [header, open as ReadonlyMap<Value, Value>, payload, signature];
}

export function signedMessage(bytes: Bytes): Signed {
  const [header, , payload] = parts(bytes);
  const fields = decode(header);
  const said = (name: string | number): Value => (fields instanceof Map ? ((fields as ReadonlyMap<Value, Value>).get(name) ?? null) : null);
  const [type, kid, createdAt] = [said("ccf.gov.msg.type"), said(KID), said("ccf.gov.msg.created_at")];
  const proposalId = said("ccf.gov.msg.proposal_id");
  if (typeof type !== "string" || !(kid instanceof Uint8Array) || typeof createdAt !== "number" || payload === null)
    throw new Error("this is a signed message, but not one of a member's to a service");
  const about = typeof proposalId === "string" ? proposalId : "";
  return { type, memberId: new TextDecoder().decode(kid), createdAt, proposalId: about, payload };
}

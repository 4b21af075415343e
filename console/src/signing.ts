// A member's key in the page, and the messages that it signs: COSE Sign1 as governance takes it.
import { type Value, Tagged, encode } from "./cbor";
import type { SigningFacts } from "./answers";
import { type Bytes, type PemBlock, hex, pemBlocks, wrapped } from "./der";
import { type Certificate, type Curve, type Hash, SIGNING, certificateOf, importKey } from "./x509";

export type MessageType = "proposal" | "ballot" | "withdrawal" | "state_digest" | "ack" | "recovery_share";

/** A key that signs here and cannot be taken out of the browser. */
export interface MemberKey {
  /** The SHA-256 digest of the certificate, by which the service knows the member. */
  readonly memberId: string;
  /** The certificate's common name; may be empty. */
  readonly name: string;
  readonly curve: Curve;
  readonly key: CryptoKey;
}

export interface Message {
  readonly type: MessageType;
  readonly payload: Bytes;
  /** Which proposal a ballot or a withdrawal is about. */
  readonly proposalId?: string;
  /** Seconds since 1970; now, if nothing is given. */
  readonly createdAt?: number;
}

const CLOCK_SECONDS_MAX = 60;
/** By how much a service lets a message be ahead of its clock. */
const AHEAD_SECONDS_MAX = 600;
const SIGN1 = 18;
const ALG = 1;
const KID = 4;
const EC_PUBLIC_KEY = Uint8Array.of(6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1);
const CURVE_IDS: Readonly<Record<Curve, Uint8Array>> = {
  "P-256": Uint8Array.of(6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7),
  "P-384": Uint8Array.of(6, 5, 0x2b, 0x81, 4, 0, 0x22),
  "P-521": Uint8Array.of(6, 5, 0x2b, 0x81, 4, 0, 0x23),
};
const CHALLENGE_BYTES = 32;
const ZERO = Uint8Array.of(2, 1, 0);

export const text = (words: string): Bytes => new TextEncoder().encode(words);

export async function digest(bytes: Bytes, hash: Hash = "SHA-256"): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest(hash, bytes));
}

/** Load a member's key, PKCS#8 or SEC1, and the certificate that the service knows. */
export async function loadKey(keyPem: string, certificatePem: string): Promise<MemberKey> {
  const certificate = certificateOf(certificatePem);
  const { curve } = certificate;
  let key: CryptoKey;
  const pkcs8 = pkcs8Of(pemBlocks(keyPem), curve);
  try {
    key = await crypto.subtle.importKey("pkcs8", pkcs8, { name: "ECDSA", namedCurve: curve }, false, ["sign"]);
  } catch {
    throw new Error(`the file holds no key on ${curve}, which the certificate's key is on`);
  }
  if (!(await isKeyOf(certificate, key))) throw new Error("the key is not the certificate's: choose the two of one member");
  return { memberId: hex(await digest(certificate.der)), name: certificate.name, curve, key };
}

/** Sign a message. No two signatures are alike: keep the message, and repeat its bytes. */
export async function signed(key: MemberKey, message: Message): Promise<Bytes> {
  const [algorithm, hash] = SIGNING[key.curve];
  const header = new Map<Value, Value>([
    [ALG, algorithm],
    [KID, text(key.memberId)],
    ["ccf.gov.msg.type", message.type],
    ["ccf.gov.msg.created_at", message.createdAt ?? Math.floor(Date.now() / 1000)],
  ]);
  if (message.proposalId !== undefined) header.set("ccf.gov.msg.proposal_id", message.proposalId);
  const protectedHeader = encode(header);
  const toBeSigned = encode(["Signature1", protectedHeader, new Uint8Array(), message.payload]);
  const signature = new Uint8Array(await crypto.subtle.sign({ name: "ECDSA", hash }, key.key, toBeSigned));
  return encode(new Tagged(SIGN1, [protectedHeader, new Map(), message.payload, signature]));
}

/** Why this browser's clock is wrong by more than a service takes; nothing if it is not. */
export function clockTrouble(facts: SigningFacts, nowMs: number = Date.now()): string {
  const behind = Math.round((facts.now_ms - nowMs) / 1000);
  if (Math.abs(behind) > CLOCK_SECONDS_MAX)
    return `this browser's clock is ${Math.abs(behind)} s ${behind > 0 ? "behind" : "ahead of"} the clock of the console's machine: set the clock, for the signed message names its time`;
  if (facts.latest_created_at !== null && nowMs / 1000 < facts.latest_created_at - AHEAD_SECONDS_MAX)
    return "this browser's clock is behind the service's, which remembers a later proposal: set the clock, for the signed message names its time";
  return "";
}

/** Why no node takes a message; nothing if every node takes it. */
export const sizeTrouble = (message: Uint8Array, facts: SigningFacts): string =>
  message.length <= facts.body_bytes_max
    ? ""
    : `the message has ${message.length.toLocaleString("en")} bytes, and nodes take ${facts.body_bytes_max.toLocaleString("en")}: an operator can raise ${facts.setting}`;

/** Return a key as PKCS#8; SEC1 lacks what says that the key is on a curve. */
function pkcs8Of(blocks: readonly PemBlock[], curve: Curve): Bytes {
  const block = blocks.find(({ label }) => label.endsWith("PRIVATE KEY"));
  if (!block) throw new Error("the file holds no private key: choose the PEM file that begins with BEGIN PRIVATE KEY or BEGIN EC PRIVATE KEY");
  if (block.isEncrypted)
    throw new Error("the key file is encrypted, and a browser opens no such file: sign on the machine of the console, with ccfpy console --as MEMBER and a token or --sign-command");
  if (block.label === "PRIVATE KEY") return block.bytes;
  if (block.label !== "EC PRIVATE KEY") throw new Error("the file holds a key of another kind: members sign with keys on P-256, P-384 or P-521");
  const algorithm = wrapped(0x30, EC_PUBLIC_KEY, CURVE_IDS[curve]);
  return wrapped(0x30, ZERO, algorithm, wrapped(4, block.bytes));
}

async function isKeyOf(certificate: Certificate, key: CryptoKey): Promise<boolean> {
  const challenge = crypto.getRandomValues(new Uint8Array(CHALLENGE_BYTES));
  const algorithm = { name: "ECDSA", hash: "SHA-256" } as const;
  const signature = await crypto.subtle.sign(algorithm, key, challenge);
  return crypto.subtle.verify(algorithm, await importKey(certificate), signature, challenge);
}

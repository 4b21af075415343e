// A receipt verified in the page by WebCrypto, step by step, as ccfpy/ledger/receipt.py does.
import type { Holds, ReceiptStep } from "./answers";
import { type Value, decode, encode } from "./cbor";
import { type Bytes, base64, fromBase64, fromHex, hex, joined } from "./der";
import { parts } from "./message";
import { digest, text } from "./signing";
import { type Certificate, COORDINATE_BYTES, SIGNING, certificateOf, importKey, verifies } from "./x509";

export interface Checked {
  readonly step: ReceiptStep;
  /** Nothing if the page cannot tell. */
  readonly holds: Holds | null;
  /** What the step computed, or why it does not hold. */
  readonly computed: string;
}

interface Leaf {
  readonly writeSet: Bytes;
  readonly evidence: string;
  readonly claims: Bytes | null;
}

interface Sibling {
  readonly isLeft: boolean;
  readonly digest: Bytes;
}

/** A receipt's parts, and the check of its signature over a root. */
interface Receipt {
  /** The leaf's parts, or its digest alone. */
  readonly leaf: Leaf | Bytes;
  readonly path: readonly Sibling[];
  /** Yields the steps after the root; `hashed` are the bytes whose digest the root is. */
  readonly signed: (root: Bytes, hashed: Bytes | null, service: Certificate) => AsyncGenerator<Checked>;
}

const ORDER: readonly ReceiptStep[] = ["evidence", "leaf", "root", "signature", "endorsement"];
const DIGEST_BYTES = 32;
const PATH_STEPS_MAX = 64;
const ENDORSEMENTS_MAX = 1000;
const PROOFS = 396;
const INCLUSION = -1;
const KID = 4;
const CRIT = 2;
const VDS = 395;
const CCF_LEDGER = 2;
const FIELDS: ReadonlySet<string> = new Set([
  "cert",
  "is_signature_transaction",
  "leaf",
  "leaf_components",
  "node_id",
  "proof",
  "service_endorsements",
  "signature",
]);

/** Verify a receipt, JSON or COSE in base64, against a service's certificate. */
export async function verifyReceipt(
  receipt: string,
  servicePem: string,
  { txid, claims }: { readonly txid?: string | undefined; readonly claims?: string | undefined } = {},
): Promise<Checked[]> {
  const taken: Checked[] = [];
  try {
    const service = certificateOf(servicePem);
    const read = receipt.trimStart().startsWith("{") ? jsonReceipt(receipt) : coseReceipt(fromBase64(receipt.trim()));
    const claimed = claims === undefined ? null : await digest(text(claims));
    for await (const step of steps(read, service, txid, claimed)) taken.push(step);
  } catch (error) {
    const step = ORDER[taken.length];
    if (step) taken.push({ step, holds: "does not hold", computed: error instanceof Error ? error.message : String(error) });
  }
  for (const step of ORDER.slice(taken.length)) taken.push({ step, holds: "not reached", computed: "" });
  return taken;
}

async function* steps(
  receipt: Receipt,
  service: Certificate,
  txid: string | undefined,
  claimed: Bytes | null,
): AsyncGenerator<Checked> {
  const { leaf } = receipt;
  let hashed: Bytes | null = null;
  let current: Bytes;
  if (leaf instanceof Uint8Array) {
    if (txid !== undefined) throw new Error(`it names no transaction, and so not ${txid}`);
    if (claimed) throw new Error("a receipt of a bare leaf binds no claims");
    yield { step: "evidence", holds: "holds", computed: "none: the leaf is given as a digest" };
    current = leaf;
  } else {
    const named = /^ce:([0-9]+\.[0-9]+):/.exec(leaf.evidence)?.[1];
    if (named === undefined) throw new Error("it has no commit evidence");
    if (txid !== undefined && named !== txid) throw new Error(`it proves transaction ${named}, not ${txid}`);
    const evidence = await digest(text(leaf.evidence));
    yield { step: "evidence", holds: "holds", computed: `transaction ${named}, digest ${hex(evidence)}` };
    if (leaf.claims && claimed && hex(leaf.claims) !== hex(claimed)) throw new Error("the receipt is for other claims");
    hashed = joined(leaf.writeSet, evidence, leaf.claims ?? claimed ?? new Uint8Array());
    current = await digest(hashed);
  }
  yield { step: "leaf", holds: "holds", computed: hex(current) };
  for (const sibling of receipt.path) {
    hashed = sibling.isLeft ? joined(sibling.digest, current) : joined(current, sibling.digest);
    current = await digest(hashed);
  }
  yield { step: "root", holds: "holds", computed: `${hex(current)} over ${receipt.path.length} siblings` };
  yield* receipt.signed(current, hashed, service);
}

// JSON: a node signed the root, and the service vouches for the node.

function jsonReceipt(document: string): Receipt {
  const fields = object(JSON.parse(document), "a receipt");
  const unknown = Object.keys(fields).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) throw new Error(`it has a field that receipts have not: ${unknown}`);
  const components = fields["leaf_components"];
  if ((components === undefined) === (fields["leaf"] === undefined)) throw new Error("it has either leaf or leaf_components");
  const leaf = components === undefined ? digestOf(fields["leaf"]) : leafOf(object(components, "leaf_components"));
  const path = list(fields["proof"] ?? [], PATH_STEPS_MAX).map(sibling);
  const isSignature = leaf instanceof Uint8Array && path.length === 0;
  if ((fields["is_signature_transaction"] ?? isSignature) !== isSignature) throw new Error("it says wrongly whether it is a signature's");
  const signature = canonical(string(fields["signature"]));
  const certificates = [fields["cert"], ...list(fields["service_endorsements"] ?? [], ENDORSEMENTS_MAX)].map((pem) => strict(string(pem)));
  const node = string(fields["node_id"]);
  return {
    leaf,
    path,
    async *signed(_, hashed, service) {
      const [certificate, ...endorsements] = certificates;
      if (!certificate || hex(await digest(certificate.publicKey)) !== node) throw new Error(`the certificate is not that of node ${node}`);
      // WebCrypto hashes what it verifies: so it gets the bytes whose digest the root is.
      if (!hashed) yield { step: "signature", holds: null, computed: "a receipt of a signature has no bytes whose digest the root is" };
      else if (!(await verifies(certificate, signature, hashed, "SHA-256"))) throw new Error("the node's signature does not hold");
      else yield { step: "signature", holds: "holds", computed: `by node ${node}` };
      let subject = certificate;
      for (const issuer of [...endorsements, service]) {
        await endorsed(subject, issuer);
        subject = issuer;
      }
      const through = endorsements.length ? `, through ${endorsements.length} endorsements` : "";
      yield { step: "endorsement", holds: "holds", computed: `by the service ${hex(await digest(service.der))}${through}` };
    },
  };
}

async function endorsed(subject: Certificate, issuer: Certificate): Promise<void> {
  const isNamed = hex(subject.issuer) === hex(issuer.subject);
  if (isNamed && subject.signedWith && (await verifies(issuer, subject.signature, subject.tbs, subject.signedWith))) return;
  throw new Error(`certificate ${subject.name} was not issued by ${issuer.name}`);
}

function leafOf(fields: Readonly<Record<string, unknown>>): Leaf {
  const { write_set_digest: writeSet, commit_evidence: evidence, claims_digest: claims, ...rest } = fields;
  if (Object.keys(rest).length) throw new Error("the leaf has a field that leaves have not");
  return { writeSet: digestOf(writeSet), evidence: string(evidence), claims: claims === undefined ? null : digestOf(claims) };
}

function sibling(step: unknown): Sibling {
  const [[side, value] = ["", null], ...rest] = Object.entries(object(step, "a step of the proof"));
  if ((side !== "left" && side !== "right") || rest.length) throw new Error("a step of the proof says left or right");
  return { isLeft: side === "left", digest: digestOf(value) };
}

/** Read a certificate whose PEM is as nodes write it: nothing beside it goes unnoticed. */
function strict(pem: string): Certificate {
  const read = certificateOf(pem);
  const lines = base64(read.der).match(/.{1,64}/g) ?? [];
  if (pem !== `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`)
    throw new Error("a certificate whose PEM is not in its one form");
  return read;
}

function canonical(given: string): Bytes {
  const bytes = fromBase64(given);
  if (base64(bytes) !== given) throw new Error("this base64 is not in its one form");
  return bytes;
}

function object(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`${what} is no object`);
  return value as Readonly<Record<string, unknown>>;
}

function list(value: unknown, most: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > most) throw new Error(`it has no list of at most ${most}`);
  return value as readonly unknown[];
}

function string(value: unknown): string {
  if (typeof value !== "string") throw new Error("it lacks a text");
  return value;
}

function digestOf(value: unknown): Bytes {
  const bytes = value instanceof Uint8Array ? (value as Bytes) : fromHex(string(value));
  if (bytes.length !== DIGEST_BYTES) throw new Error("it has a digest that is not of 32 bytes");
  return bytes;
}

// COSE: the service itself signed the root, which is the detached payload.

function coseReceipt(bytes: Bytes): Receipt {
  const [header, open, payload, signature] = parts(bytes);
  if (payload !== null) throw new Error("a root's COSE signature carries no payload");
  const fields = map(decode(header));
  const proofs = map(open.get(PROOFS));
  const [proof, ...rest] = values(proofs.get(INCLUSION));
  if (open.size !== 1 || proofs.size !== 1 || rest.length || !(proof instanceof Uint8Array)) throw new Error("it has one inclusion proof and nothing else");
  const inclusion = map(decode(proof as Bytes));
  const [writeSet, evidence, claims, ...more] = values(inclusion.get(1));
  if (inclusion.size !== 2 || more.length) throw new Error("an inclusion proof is a leaf and a path");
  // One form alone: what is written of what was read are the same bytes.
  if (hex(encode(decode(bytes))) !== hex(bytes) || hex(encode(inclusion)) !== hex(proof as Bytes)) throw new Error("it is not in its one form");
  return {
    leaf: { writeSet: digestOf(writeSet), evidence: string(evidence), claims: digestOf(claims) },
    path: values(inclusion.get(2)).map(coseSibling),
    async *signed(root, _, service) {
      const key = hex(await digest(service.publicKey));
      const kid = fields.get(KID);
      const [algorithm, hash] = SIGNING[service.curve];
      if (fields.has(CRIT) || fields.get(VDS) !== CCF_LEDGER) throw new Error("it is no signature of a ledger's root");
      if (!(kid instanceof Uint8Array) || new TextDecoder().decode(kid) !== key) throw new Error(`another key than the service's signed, which is ${key}`);
      const toBeSigned = encode(["Signature1", header, new Uint8Array(), root]);
      const isSized = signature.length === 2 * COORDINATE_BYTES[service.curve];
      const holds = isSized && fields.get(1) === algorithm && (await crypto.subtle.verify({ name: "ECDSA", hash }, await importKey(service), signature, toBeSigned));
      if (!holds) throw new Error("the service's signature does not hold");
      yield { step: "signature", holds: "holds", computed: `by the service key ${key}` };
    },
  };
}

function coseSibling(step: Value): Sibling {
  const [isLeft, value, ...rest] = values(step);
  if (typeof isLeft !== "boolean" || rest.length) throw new Error("a step of the proof says left or right");
  return { isLeft, digest: digestOf(value) };
}

function map(value: Value | undefined): ReadonlyMap<Value, Value> {
  if (!(value instanceof Map)) throw new Error("it has another form than a COSE receipt");
  return value as ReadonlyMap<Value, Value>;
}

function values(value: Value | undefined): readonly Value[] {
  if (!Array.isArray(value)) throw new Error("it has another form than a COSE receipt");
  return value as readonly Value[];
}

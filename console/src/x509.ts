// Certificates as far as signatures need them: the key, and who signed (RFC 5280, RFC 5480).
import { type Bytes, type Element, SEQUENCE, children, element, hex, joined, pemBlocks, wrapped } from "./der";

export type Curve = "P-256" | "P-384" | "P-521";
export type Hash = "SHA-256" | "SHA-384" | "SHA-512";

export interface Certificate {
  readonly der: Bytes;
  readonly tbs: Bytes;
  readonly publicKey: Bytes;
  readonly issuer: Bytes;
  readonly subject: Bytes;
  readonly curve: Curve;
  readonly signature: Bytes;
  /** By which the certificate was signed; nothing if by no hash of ECDSA. */
  readonly signedWith: Hash | undefined;
  /** The common name of the subject, if there is one. */
  readonly name: string;
}

export const COORDINATE_BYTES: Readonly<Record<Curve, number>> = { "P-256": 32, "P-384": 48, "P-521": 66 };
/** COSE's algorithm of each curve, and its hash. */
export const SIGNING: Readonly<Record<Curve, readonly [number, Hash]>> = {
  "P-256": [-7, "SHA-256"],
  "P-384": [-35, "SHA-384"],
  "P-521": [-36, "SHA-512"],
};
const CURVES: Readonly<Record<string, Curve>> = {
  "2a8648ce3d030107": "P-256",
  "2b81040022": "P-384",
  "2b81040023": "P-521",
};
const HASHES: Readonly<Record<string, Hash>> = {
  "2a8648ce3d040302": "SHA-256",
  "2a8648ce3d040303": "SHA-384",
  "2a8648ce3d040304": "SHA-512",
};
const COMMON_NAME = "550403";
const VERSION = 0xa0;
const INTEGER = 2;
const ZERO = Uint8Array.of(0);

export function certificate(der: Bytes): Certificate {
  const whole = element(der);
  if (whole.whole.length !== der.length) throw new Error("something follows the certificate");
  const [tbs, algorithm, signature] = sequence(whole);
  if (!tbs || !algorithm || !signature) throw new Error("this is no certificate");
  const fields = sequence(tbs);
  if (fields[0]?.tag === VERSION) fields.shift();
  const [, , issuer, , subject, key] = fields;
  if (!issuer || !subject || !key) throw new Error("this is no certificate");
  return {
    der,
    tbs: tbs.whole,
    publicKey: key.whole,
    issuer: issuer.whole,
    subject: subject.whole,
    curve: curveOf(key),
    // A bit string begins with how many bits of its last byte do not count.
    signature: signature.content.subarray(1),
    signedWith: HASHES[hex(sequence(algorithm)[0]?.content ?? new Uint8Array())],
    name: commonName(subject),
  };
}

/** Read the first certificate of a PEM file. */
export function certificateOf(pem: string): Certificate {
  const block = pemBlocks(pem).find(({ label }) => label === "CERTIFICATE");
  if (!block) throw new Error("the file holds no certificate: choose the PEM file that begins with BEGIN CERTIFICATE");
  return certificate(block.bytes);
}

export const importKey = ({ publicKey, curve }: Certificate): Promise<CryptoKey> =>
  crypto.subtle.importKey("spki", publicKey, { name: "ECDSA", namedCurve: curve }, false, ["verify"]);

/** Check a signature in DER, as certificates and nodes make them. */
export async function verifies(by: Certificate, signature: Bytes, signed: Bytes, hash: Hash): Promise<boolean> {
  const numbers = plain(signature, COORDINATE_BYTES[by.curve]);
  return crypto.subtle.verify({ name: "ECDSA", hash }, await importKey(by), numbers, signed);
}

/** Turn a signature from DER into r and s, one after the other. */
function plain(signature: Bytes, size: number): Bytes {
  const numbers = sequence(element(signature));
  const both = new Uint8Array(2 * size);
  const written = numbers.map(({ content }, index) => {
    const digits = content.subarray(content.findIndex((byte) => byte !== 0));
    if (digits.length > size) throw new Error("the signature is of another curve");
    both.set(digits, (index + 1) * size - digits.length);
    // A number with its highest bit set begins with a zero, lest it be negative.
    return wrapped(INTEGER, (digits[0] ?? 0) < 0x80 ? digits : joined(ZERO, digits));
  });
  if (numbers.length !== 2 || hex(wrapped(SEQUENCE, ...written)) !== hex(signature)) throw new Error("this is no signature");
  return both;
}

function curveOf(key: Element): Curve {
  const [algorithm] = sequence(key);
  const named = algorithm && sequence(algorithm)[1];
  const curve = named && CURVES[hex(named.content)];
  if (!curve) throw new Error("the key is on none of the curves P-256, P-384 and P-521, with which members sign");
  return curve;
}

function commonName(subject: Element): string {
  for (const set of sequence(subject)) {
    const [type, value] = sequence(children(set)[0]);
    if (type && value && hex(type.content) === COMMON_NAME) return new TextDecoder().decode(value.content);
  }
  return "";
}

function sequence(parent: Element | undefined): Element[] {
  if (parent?.tag !== SEQUENCE) throw new Error("the DER has another form");
  return children(parent);
}

// Reads DER as far as certificates and keys need it (X.690), and PEM around it (RFC 7468).

export type Bytes = Uint8Array<ArrayBuffer>;

/** One element: its tag, what is within, and all of its bytes. */
export interface Element {
  readonly tag: number;
  readonly content: Bytes;
  readonly whole: Bytes;
}

export interface PemBlock {
  readonly label: string;
  readonly bytes: Bytes;
  readonly isEncrypted: boolean;
}

export const SEQUENCE = 0x30;
const LONG_LENGTH = 0x80;
const LENGTH_BYTES_MAX = 3;

/** Read the element at the beginning of some bytes. */
export function element(bytes: Bytes): Element {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined) throw new Error("the DER ends early");
  let start = 2;
  let length = first;
  if (first >= LONG_LENGTH) {
    const count = first - LONG_LENGTH;
    if (count === 0 || count > LENGTH_BYTES_MAX) throw new Error("the DER has a length that is too long");
    start += count;
    length = bytes.subarray(2, start).reduce((sum, byte) => sum * 256 + byte, 0);
  }
  if (bytes.length < start + length) throw new Error("the DER ends early");
  return { tag, content: bytes.subarray(start, start + length), whole: bytes.subarray(0, start + length) };
}

/** Read the elements within another. */
export function children(parent: Element): Element[] {
  const found: Element[] = [];
  for (let rest = parent.content; rest.length; ) {
    const next = element(rest);
    found.push(next);
    rest = rest.subarray(next.whole.length);
  }
  return found;
}

/** Write an element around others. */
export function wrapped(tag: number, ...parts: readonly Uint8Array[]): Bytes {
  const content = joined(...parts);
  const size: number[] = [];
  for (let rest = content.length; rest; rest = Math.floor(rest / 256)) size.unshift(rest % 256);
  const length = content.length < LONG_LENGTH ? [content.length] : [LONG_LENGTH + size.length, ...size];
  return joined(Uint8Array.of(tag, ...length), content);
}

export function joined(...parts: readonly Uint8Array[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Read hex of an even number of lower-case digits. */
export function fromHex(text: string): Bytes {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new Error("this is no hex");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

export function fromBase64(text: string): Bytes {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    throw new Error("this is no base64");
  }
}

export const base64 = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

/** Read the blocks of a PEM file. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks = text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([^]*?)-----END \1-----/g);
  return Array.from(blocks, ([, label = "", body = ""]) => {
    // Old files name the cipher in lines with a colon before the base64.
    const lines = body.split(/\r?\n/);
    const isEncrypted = label.startsWith("ENCRYPTED") || lines.some((line) => /^Proc-Type:.*ENCRYPTED/.test(line));
    const data = isEncrypted ? "" : lines.filter((line) => !line.includes(":")).join("").replace(/\s/g, "");
    return { label, bytes: fromBase64(data), isEncrypted };
  });
}

// CBOR as far as COSE needs it (RFC 8949): the shortest form of everything that is written.
import { type Bytes, joined } from "./der";

export type Value = number | boolean | string | Bytes | null | readonly Value[] | ReadonlyMap<Value, Value> | Tagged;

export class Tagged {
  constructor(
    readonly tag: number,
    readonly value: Value,
  ) {}
}

const enum Major {
  Positive,
  Negative,
  Bytes,
  Text,
  List,
  Map,
  Tag,
  Simple,
}
const FALSE = 20;
const TRUE = 21;
const NULL = 22;
const DEPTH_MAX = 16;

export function encode(value: Value): Bytes {
  if (value === null) return head(Major.Simple, NULL);
  if (typeof value === "boolean") return head(Major.Simple, value ? TRUE : FALSE);
  if (typeof value === "number") return value < 0 ? head(Major.Negative, -1 - value) : head(Major.Positive, value);
  if (typeof value === "string") {
    const text = new TextEncoder().encode(value);
    return joined(head(Major.Text, text.length), text);
  }
  if (value instanceof Uint8Array) return joined(head(Major.Bytes, value.length), value);
  if (value instanceof Tagged) return joined(head(Major.Tag, value.tag), encode(value.value));
  if (value instanceof Map) {
    const pairs = [...(value as ReadonlyMap<Value, Value>)];
    return joined(head(Major.Map, pairs.length), ...pairs.flat().map(encode));
  }
  const list = value as readonly Value[];
  return joined(head(Major.List, list.length), ...list.map(encode));
}

/** Read one value; nothing may follow it. */
export function decode(bytes: Bytes): Value {
  const reader = new Reader(bytes);
  const value = reader.value(DEPTH_MAX);
  if (reader.at !== bytes.length) throw new Error("something follows the CBOR");
  return value;
}

class Reader {
  at = 0;

  constructor(private readonly bytes: Bytes) {}

  value(depth: number): Value {
    if (depth === 0) throw new Error("the CBOR is too deep");
    const first = this.take(1)[0] ?? 0;
    const count = this.count(first & 31);
    switch ((first >> 5) as Major) {
      case Major.Positive:
        return count;
      case Major.Negative:
        return -1 - count;
      case Major.Bytes:
        return this.take(count);
      case Major.Text:
        return new TextDecoder("utf-8", { fatal: true }).decode(this.take(count));
      case Major.List:
        return this.several(count, depth);
      case Major.Map: {
        const flat = this.several(2 * count, depth);
        const pairs = new Map<Value, Value>();
        for (let index = 0; index < flat.length; index += 2) {
          if (pairs.has(flat[index] as Value)) throw new Error("the CBOR has a label twice");
          pairs.set(flat[index] as Value, flat[index + 1] as Value);
        }
        return pairs;
      }
      case Major.Tag:
        return new Tagged(count, this.value(depth - 1));
      case Major.Simple:
        if (count === NULL) return null;
        if (count === TRUE || count === FALSE) return count === TRUE;
        throw new Error("the CBOR has a value that COSE does not need");
    }
  }

  private several(count: number, depth: number): Value[] {
    if (count > this.bytes.length) throw new Error("the CBOR ends early");
    return Array.from({ length: count }, () => this.value(depth - 1));
  }

  private count(kind: number): number {
    if (kind < 24) return kind;
    if (kind > 27) throw new Error("the CBOR has no definite length");
    const count = this.take(1 << (kind - 24)).reduce((sum, byte) => sum * 256 + byte, 0);
    if (!Number.isSafeInteger(count)) throw new Error("the CBOR has a number that is too large");
    return count;
  }

  private take(count: number): Bytes {
    if (this.at + count > this.bytes.length) throw new Error("the CBOR ends early");
    return this.bytes.slice(this.at, (this.at += count));
  }
}

function head(major: Major, count: number): Bytes {
  const kind = major << 5;
  if (count < 24) return Uint8Array.of(kind | count);
  const size = [1, 2, 4, 8].findIndex((bytes) => count < 2 ** (8 * bytes));
  const digits = Array.from({ length: 1 << size }, (_, index) => Math.floor(count / 2 ** (8 * ((1 << size) - 1 - index))) % 256);
  return Uint8Array.of(kind | (24 + size), ...digits);
}

// What the server says of characters and differences, in brackets that no text can write: ccfpy/client/review/characters.py.

/** A part of a text: as it is, in place of what nobody sees as itself, or what differs within a line. */
export interface Piece {
  readonly kind: "text" | "mark" | "changed";
  readonly text: string;
}

const PIECES = /⟦[^⟧]*⟧|⟪[^⟫]*⟫/g;

/** Return the parts of a text that the server wrote; together they are the text. */
export function pieces(text: string): readonly Piece[] {
  const found: Piece[] = [];
  let at = 0;
  for (const { 0: part, index } of text.matchAll(PIECES)) {
    if (index > at) found.push({ kind: "text", text: text.slice(at, index) });
    found.push({ kind: part.startsWith("⟦") ? "mark" : "changed", text: part });
    at = index + part.length;
  }
  if (at < text.length) found.push({ kind: "text", text: text.slice(at) });
  return found;
}

/** Return how much of a text may be shown, so that no bracket is without its other. */
export function whole(text: string, length: number): number {
  for (const { 0: part, index } of text.matchAll(PIECES)) {
    if (index >= length) break;
    // What differs may be long, and holds marks of its own: it is cut like a text.
    if (index + part.length > length) return part.startsWith("⟦") ? index + part.length : inside(text, index, length);
  }
  return length;
}

function inside(text: string, begin: number, length: number): number {
  const mark = text.lastIndexOf("⟦", length - 1);
  const end = mark < begin ? -1 : text.indexOf("⟧", mark);
  return end >= length ? end + 1 : length;
}

// What would change, in the order in which it is read: what differs for itself, then files that change alike.
import type { Diff } from "./answers";
import { counted } from "./words";

/** Files in which the same lines change. */
export interface Alike {
  /** The lines that are added and removed, in their order, with what stands around them. */
  readonly lines: readonly string[];
  readonly diffs: readonly Diff[];
}

export interface Grouped {
  /** How many files change, and how many of them alike; empty if none are alike. */
  readonly summary: string;
  readonly alone: readonly Diff[];
  readonly alike: readonly Alike[];
  /** What nodes make of modules: bytes that nobody reads. */
  readonly compiled: readonly Diff[];
  /** What is written again as it is, by kind; empty if nothing is. */
  readonly unchanged: string;
  readonly unchangedNames: readonly string[];
}

const NOUNS: Readonly<Record<string, string>> = {
  module: "file",
  endpoint: "endpoint",
  member: "member",
  user: "user",
  node: "node",
};

const COMPILED = "compiled form of module";
/** What nodes make themselves; where it stays as it is, nobody looks for it. */
const MADE: ReadonlySet<string> = new Set([COMPILED, "engine that compiled the modules", "interpreters in use, which are dropped"]);

const numbered = (count: number, kind: string): string =>
  NOUNS[kind] ? counted(count, NOUNS[kind]) : `${counted(count, "entry").replace("entrys", "entries")} (${kind})`;

function by(diffs: readonly Diff[], key: (diff: Diff) => string): Map<string, Diff[]> {
  const found = new Map<string, Diff[]>();
  for (const diff of diffs) found.set(key(diff), [...(found.get(key(diff)) ?? []), diff]);
  return found;
}

/** Put differences in order; the server says which files change alike, byte for byte. */
export function grouped(diffs: readonly Diff[]): Grouped {
  const changed = diffs.filter((diff) => diff.change !== "unchanged");
  const byLines = by(
    changed.filter((diff) => diff.alike),
    (diff) => diff.alike,
  );
  const groups = [...byLines.values()].filter((each) => each.length > 1);
  const inGroups = new Set(groups.flat());
  // What is not folded must be seen, so it comes before what may be.
  const compiled = changed.filter((diff) => diff.kind === COMPILED);
  const alone = changed.filter((diff) => !inGroups.has(diff) && diff.kind !== COMPILED).sort((a, b) => Number(a.is_folded) - Number(b.is_folded));
  const alike = groups.map((each) => ({
    // Numbers of lines are each file's own.
    lines: (each[0]?.lines ?? []).map((line) => (line.startsWith("@") ? "@@" : line)),
    diffs: each,
  }));
  const files = changed.filter((diff) => diff.kind === "module").length;
  const shares = groups.map((each) => each.length.toLocaleString("en")).join(", ");
  const same = diffs.filter((diff) => diff.change === "unchanged" && !MADE.has(diff.kind));
  const kinds = [...by(same, (diff) => diff.kind)].map(([kind, each]) => numbered(each.length, kind));
  return {
    summary: groups.length ? `${counted(files, "file")} change, ${shares} by the same lines` : "",
    alone,
    alike,
    compiled,
    unchanged: same.length ? `${kinds.join(" and ")} ${same.length === 1 ? "stays" : "stay"} as ${same.length === 1 ? "it is" : "they are"}` : "",
    unchangedNames: same.map((diff) => diff.subject),
  };
}

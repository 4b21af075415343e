// What is different between two outcomes of one proposal: what a member read, and what would come of it now.
import type { Diff, ProposalPage, Section } from "./answers";

const diffsOf = (sections: readonly Section[]): ReadonlyMap<string, Diff> =>
  new Map(sections.flatMap((section) => section.diffs).map((diff) => [diff.subject, diff]));

/** What a diff shows, by which two are compared. */
const shown = (diff: Diff | undefined): string => (diff ? JSON.stringify([diff.change, diff.lines]) : "");

/** What is said of the outcome in words, by which two are compared. */
const said = (sections: readonly Section[]): readonly string[] =>
  sections
    .filter((section) => section.topic === "outcome")
    .flatMap((section) => section.facts.map((fact) => `${fact.label}: ${fact.text}`));

/** Whether two names are of the same outcome, found out for whatever times. */
export const isSame = (one: string, other: string): boolean => one.split(".")[1] === other.split(".")[1];

/**
 * Say what is different now, a line for each; nothing if the outcome is the one that was read.
 *
 * Votes are no part of an outcome: others may vote while somebody reads.
 */
export function differences(read: ProposalPage, now: ProposalPage): readonly string[] {
  if (isSame(read.outcome, now.outcome) || now.state !== "Open") return [];
  const [before, after] = [diffsOf(read.sections), diffsOf(now.sections)];
  const subjects = [...new Set([...before.keys(), ...after.keys()])];
  const changed = subjects
    .filter((subject) => shown(before.get(subject)) !== shown(after.get(subject)))
    .map((subject) => {
      if (!before.has(subject)) return `${subject}: would be ${after.get(subject)?.change}, and was not to be touched`;
      if (!after.has(subject)) return `${subject}: would not be touched any more`;
      return `${subject}: would change otherwise than you read`;
    });
  const [old, facts] = [said(read.sections), said(now.sections)];
  const lines = [
    ...facts.filter((each) => !old.includes(each)).map((each) => `now said: ${each}`),
    ...old.filter((each) => !facts.includes(each)).map((each) => `no longer said: ${each}`),
    ...changed,
  ];
  return lines.length ? lines : ["bytes that the differences below do not show otherwise"];
}

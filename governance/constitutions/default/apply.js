// Carries out an accepted proposal, in one transaction: an action that throws undoes
// them all.

export function apply(proposal, proposalId) {
  for (const { name, args } of JSON.parse(proposal).actions) {
    actions.get(name).apply(args, proposalId);
  }
}

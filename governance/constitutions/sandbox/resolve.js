// For trying things out on a service of one's own: whatever a member proposes is
// accepted at once. It governs nothing and must not be used where others depend on it.

export function resolve(proposal, proposerId, votes) {
  return "Accepted";
}

// A proposal is accepted when more than half of the active members vote for it. It is
// never rejected: its proposer can withdraw it.

export function resolve(proposal, proposerId, votes) {
  const active = new Set();
  ccf.kv["public:ccf.gov.members.info"].forEach((info, memberId) => {
    if (ccf.bufToJsonCompatible(info).status === "Active") {
      active.add(ccf.bufToStr(memberId));
    }
  });
  const inFavour = votes.filter((v) => v.vote && active.has(v.member_id)).length;
  return 2 * inFavour > active.size ? "Accepted" : "Open";
}

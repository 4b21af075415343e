// One vote against rejects a proposal; otherwise it is accepted when more than half of
// the active members have voted for it.

export function resolve(proposal, proposerId, votes) {
  const active = new Set();
  ccf.kv["public:ccf.gov.members.info"].forEach((info, memberId) => {
    if (ccf.bufToJsonCompatible(info).status === "Active") {
      active.add(ccf.bufToStr(memberId));
    }
  });
  const counted = votes.filter((v) => active.has(v.member_id));
  if (counted.some((v) => !v.vote)) return "Rejected";
  return 2 * counted.length > active.size ? "Accepted" : "Open";
}

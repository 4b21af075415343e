// When a proposal of the consortium is accepted. Stands in place of the default's.
//
// - To freeze an account, or free it again: the regulator and two banks.
// - To change who decides, or how: more than half of the active members, the regulator
//   among them; while there is no regulator, more than half alone.
// - All else: more than half of the active members.
//
// A proposal of several actions must satisfy the rule of each. None is ever rejected:
// its proposer can withdraw it.

const BANKS_TO_FREEZE = 2;
const OF_FREEZING = ["freeze_account", "unfreeze_account"];
// Without this a majority could vote itself into the offices that the first rule needs.
const OF_RULES = [
  "set_constitution",
  "set_member",
  "set_member_data",
  "remove_member",
  "set_regulator",
];

function majority({ inFavour, active }) {
  return 2 * inFavour.length > active.length;
}

function freezing({ inFavour }) {
  const banks = new Set(inFavour.filter(isBank).map((data) => data.bank));
  return inFavour.some(isRegulator) && banks.size >= BANKS_TO_FREEZE;
}

function changingRules(count) {
  const isApproved =
    count.inFavour.some(isRegulator) || !count.active.some(isRegulator);
  return majority(count) && isApproved;
}

const isBank = (data) => data?.role === "bank";
const isRegulator = (data) => data?.role === "regulator";

function ruleOf({ name }) {
  if (OF_FREEZING.includes(name)) return freezing;
  return OF_RULES.includes(name) ? changingRules : majority;
}

export function resolve(proposal, proposerId, votes) {
  const members = new Map();
  ccf.kv["public:ccf.gov.members.info"].forEach((value, id) => {
    const { status, member_data } = ccf.bufToJsonCompatible(value);
    if (status === "Active") members.set(ccf.bufToStr(id), member_data);
  });
  const count = {
    active: [...members.values()],
    inFavour: votes
      .filter((v) => v.vote && members.has(v.member_id))
      .map((v) => members.get(v.member_id)),
  };
  const rules = JSON.parse(proposal).actions.map(ruleOf);
  // A proposal of nothing has no rule of its own, and must not pass for that.
  if (rules.length === 0) rules.push(majority);
  return rules.every((rule) => rule(count)) ? "Accepted" : "Open";
}

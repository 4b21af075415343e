// Members govern by majority, as in the default constitution, but leave the running of
// nodes to operators: members without a recovery key whose `member_data` says
// `is_operator`. What an operator proposes is accepted at once if it only concerns
// nodes that already satisfy the join policy, or the admission of other operators.
// Operators have no vote on anything else, and never touch the join policy itself: who
// chooses what code may join, chooses who reads the ledger.

const actionsOfOperators = [
  "remove_node",
  "set_all_nodes_certificate_validity",
  "set_node_certificate_validity",
  "set_node_data",
  "transition_node_to_trusted",
  "trigger_ledger_chunk",
  "trigger_snapshot",
];

function membersByRole() {
  const operators = new Set();
  const voters = new Set();
  const recoveryKeys = ccf.kv["public:ccf.gov.members.encryption_public_keys"];
  ccf.kv["public:ccf.gov.members.info"].forEach((value, key) => {
    const { status, member_data } = ccf.bufToJsonCompatible(value);
    if (status !== "Active" && status !== "Accepted") return;
    const isOperator = member_data?.is_operator === true && !recoveryKeys.has(key);
    if (isOperator) operators.add(ccf.bufToStr(key));
    else if (status === "Active") voters.add(ccf.bufToStr(key));
  });
  return { operators, voters };
}

function isForOperators({ name, args }, operators) {
  switch (name) {
    case "set_member":
      // Neither a voter nor a keeper of shares can be made this way, nor can an
      // existing member be turned into an operator.
      return (
        args.member_data?.is_operator === true &&
        (args.encryption_pub_key ?? null) === null &&
        !ccf.kv["public:ccf.gov.members.info"].has(
          ccf.strToBuf(ccf.pemToId(args.cert)),
        )
      );
    case "remove_member":
      return operators.has(args.member_id);
    default:
      return actionsOfOperators.includes(name);
  }
}

export function resolve(proposal, proposerId, votes) {
  const { operators, voters } = membersByRole();
  const proposed = JSON.parse(proposal).actions;
  if (
    operators.has(proposerId) &&
    proposed.every((action) => isForOperators(action, operators))
  ) {
    return "Accepted";
  }
  const inFavour = votes.filter((v) => v.vote && voters.has(v.member_id)).length;
  return 2 * inFavour > voters.size ? "Accepted" : "Open";
}

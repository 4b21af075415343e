// What members of a consortium of banks may propose, beyond the default constitution.
//
// Joined after the default's `actions.js`, whether ccfpy's or CCF's: of that it uses
// `Action`, `actions`, `checkType`, `checkX509CertBundle` and `getSingletonKvKey`,
// which both have. What others do already is left to them: a bank's member and user are
// set and removed by the default's own actions, so their rules hold here too.

const BANKS = "public:ccf.gov.banking.banks";
const FROZEN_ACCOUNTS = "public:ccf.gov.banking.frozen_accounts";
const TRANSFER_LIMIT = "public:ccf.gov.banking.transfer_limit";
const MEMBERS = "public:ccf.gov.members.info";

const readRow = (table, key) => {
  const value = ccf.kv[table].get(ccf.strToBuf(key));
  return value === undefined ? undefined : ccf.bufToJsonCompatible(value);
};
const writeRow = (table, key, value) =>
  ccf.kv[table].set(ccf.strToBuf(key), ccf.jsonCompatibleToBuf(value));
const removeRow = (table, key) => ccf.kv[table].delete(ccf.strToBuf(key));
const carryOut = (name, args, proposalId) =>
  actions.get(name).apply(args, proposalId);

// Names that may stand in a path.
function checkName(value, field) {
  checkType(value, "string", field);
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(value)) {
    throw new Error(
      `${field} must be 1 to 32 small letters, digits and hyphens, and begin with ` +
        "no hyphen",
    );
  }
}

// --- Banks --------------------------------------------------------------------------

// A member speaks for one bank or for the regulator, never for two: otherwise one
// member could be the agreement of several.
function checkIsFree(memberId, bankId) {
  const data = readRow(MEMBERS, memberId)?.member_data;
  if (data?.role === "regulator") {
    throw new Error(`Member ${memberId} is the regulator`);
  }
  if (data?.role === "bank" && data.bank !== bankId) {
    throw new Error(`Member ${memberId} speaks for the bank ${data.bank}`);
  }
}

function setBankMember(cert, encryption_pub_key, bankId, proposalId) {
  const member_id = ccf.pemToId(cert);
  const member_data = { role: "bank", bank: bankId };
  checkIsFree(member_id, bankId);
  // A member who is one already keeps its status and key: only its office is new.
  if (readRow(MEMBERS, member_id) !== undefined) {
    carryOut("set_member_data", { member_id, member_data }, proposalId);
  } else {
    carryOut("set_member", { cert, encryption_pub_key, member_data }, proposalId);
  }
  return member_id;
}

// Admit a bank: a member who votes for it, and a user that runs its accounts. For a
// bank that is there already it replaces both, and its name.
actions.set(
  "set_bank",
  new Action(
    function (args) {
      checkName(args.bank_id, "bank_id");
      checkType(args.name, "string", "name");
      checkX509CertBundle(args.member_cert, "member_cert");
      checkType(
        args.member_encryption_pub_key,
        "string?",
        "member_encryption_pub_key",
      );
      checkX509CertBundle(args.user_cert, "user_cert");
    },
    function (args, proposalId) {
      const { bank_id, name, user_cert } = args;
      const user_id = ccf.pemToId(user_cert);
      for (const [other, bank] of allBanks()) {
        if (other !== bank_id && bank.user_id === user_id) {
          throw new Error(`User ${user_id} acts for the bank ${other}`);
        }
      }
      const former = readRow(BANKS, bank_id);
      const member_id = setBankMember(
        args.member_cert,
        args.member_encryption_pub_key,
        bank_id,
        proposalId,
      );
      const user_data = { role: "bank", bank: bank_id };
      carryOut("set_user", { cert: user_cert, user_data }, proposalId);
      if (former !== undefined && former.member_id !== member_id) {
        carryOut("remove_member", { member_id: former.member_id }, proposalId);
      }
      if (former !== undefined && former.user_id !== user_id) {
        carryOut("remove_user", { user_id: former.user_id }, proposalId);
      }
      writeRow(BANKS, bank_id, { name, member_id, user_id });
    },
  ),
);

// Accounts at the bank stay in the ledger, and nothing moves on them.
actions.set(
  "remove_bank",
  new Action(
    function (args) {
      checkName(args.bank_id, "bank_id");
    },
    function ({ bank_id }, proposalId) {
      const bank = readRow(BANKS, bank_id);
      if (bank === undefined) throw new Error(`No bank ${bank_id}`);
      carryOut("remove_member", { member_id: bank.member_id }, proposalId);
      carryOut("remove_user", { user_id: bank.user_id }, proposalId);
      removeRow(BANKS, bank_id);
    },
  ),
);

function allBanks() {
  const found = [];
  ccf.kv[BANKS].forEach((bank, id) => {
    found.push([ccf.bufToStr(id), ccf.bufToJsonCompatible(bank)]);
  });
  return found;
}

// --- The regulator ------------------------------------------------------------------

// Give a member the office; its user, if it has one, may look at every account.
actions.set(
  "set_regulator",
  new Action(
    function (args) {
      checkX509CertBundle(args.member_cert, "member_cert");
      if (args.user_cert !== undefined) {
        checkX509CertBundle(args.user_cert, "user_cert");
      }
    },
    function ({ member_cert, user_cert }, proposalId) {
      const member_id = ccf.pemToId(member_cert);
      if (readRow(MEMBERS, member_id)?.member_data?.role === "bank") {
        throw new Error(`Member ${member_id} speaks for a bank`);
      }
      const data = { role: "regulator" };
      const args = { member_id, member_data: data };
      carryOut("set_member_data", args, proposalId);
      if (user_cert !== undefined) {
        carryOut("set_user", { cert: user_cert, user_data: data }, proposalId);
      }
    },
  ),
);

// --- Rules for accounts -------------------------------------------------------------

// The most that one transfer may move, in the smallest unit; null for no limit.
actions.set(
  "set_transfer_limit",
  new Action(
    function ({ limit }) {
      if (limit === null) return;
      if (!Number.isSafeInteger(limit) || limit < 0) {
        throw new Error("limit must be null or an integer from 0 to 2^53-1");
      }
    },
    function ({ limit }) {
      const table = ccf.kv[TRANSFER_LIMIT];
      const key = getSingletonKvKey();
      if (limit === null) table.delete(key);
      else table.set(key, ccf.jsonCompatibleToBuf(limit));
    },
  ),
);

// Nothing leaves a frozen account.
actions.set(
  "freeze_account",
  new Action(
    function (args) {
      checkName(args.account_id, "account_id");
      checkType(args.reason, "string", "reason");
    },
    function ({ account_id, reason }) {
      writeRow(FROZEN_ACCOUNTS, account_id, { reason });
    },
  ),
);

actions.set(
  "unfreeze_account",
  new Action(
    function (args) {
      checkName(args.account_id, "account_id");
    },
    function ({ account_id }) {
      removeRow(FROZEN_ACCOUNTS, account_id);
    },
  ),
);

// What members may propose of simulated enclaves: which may join, on whose machines.
//
// It goes after `actions.js`. A simulated machine keeps no secret from whoever owns it,
// so nothing here makes a service confidential: these rules are for trying out, testing
// and teaching what a service on real hardware is governed by.

const simulatedTable = (name) => ccf.kv[`public:ccf.gov.nodes.simulated.${name}`];
const simulatedNumber = (value, field) => {
  checkType(value, "integer", field);
  checkBounds(value, 0, 65535, field);
};

function simulatedAction(name, check, apply) {
  actions.set(
    name,
    new Action(
      function (args) {
        check(args ?? {});
      },
      function (args, proposalId) {
        apply(args);
        // Who may join decides what other open proposals would come to.
        invalidateOtherOpenProposals(proposalId);
      },
    ),
  );
}

// --- Code, by what it is or by who signed it ---------------------------------------

simulatedAction(
  "add_simulated_unique_id",
  ({ unique_id }) => checkLowercaseHex(unique_id, 32, "unique_id"),
  ({ unique_id }) =>
    simulatedTable("unique_ids").set(
      ccf.strToBuf(unique_id),
      ccf.jsonCompatibleToBuf("AllowedToJoin"),
    ),
);

simulatedAction(
  "remove_simulated_unique_id",
  ({ unique_id }) => checkLowercaseHex(unique_id, 32, "unique_id"),
  ({ unique_id }) => simulatedTable("unique_ids").delete(ccf.strToBuf(unique_id)),
);

function simulatedProducts(signerId) {
  const found = simulatedTable("signers").get(ccf.strToBuf(signerId));
  return found === undefined ? {} : ccf.bufToJsonCompatible(found);
}

// Lets a signer's product join from a security version on, and nothing older of it,
// not even what is listed by its unique id.
simulatedAction(
  "set_simulated_signer",
  ({ signer_id, product_id, security_version }) => {
    checkLowercaseHex(signer_id, 32, "signer_id");
    simulatedNumber(product_id, "product_id");
    simulatedNumber(security_version, "security_version");
  },
  ({ signer_id, product_id, security_version }) =>
    simulatedTable("signers").set(
      ccf.strToBuf(signer_id),
      ccf.jsonCompatibleToBuf({
        ...simulatedProducts(signer_id),
        [product_id]: { security_version },
      }),
    ),
);

// Without a product, all of a signer's.
simulatedAction(
  "remove_simulated_signer",
  ({ signer_id, product_id }) => {
    checkLowercaseHex(signer_id, 32, "signer_id");
    if (product_id !== undefined) simulatedNumber(product_id, "product_id");
  },
  ({ signer_id, product_id }) => {
    const { [product_id]: removed, ...rest } = simulatedProducts(signer_id);
    const key = ccf.strToBuf(signer_id);
    if (product_id === undefined || Object.keys(rest).length === 0) {
      simulatedTable("signers").delete(key);
    } else {
      simulatedTable("signers").set(key, ccf.jsonCompatibleToBuf(rest));
    }
  },
);

// --- Hosts and machines ------------------------------------------------------------

simulatedAction(
  "add_simulated_host_data",
  ({ host_data }) => checkLowercaseHex(host_data, 32, "host_data"),
  ({ host_data }) =>
    simulatedTable("host_data").set(ccf.strToBuf(host_data), getSingletonKvKey()),
);

simulatedAction(
  "remove_simulated_host_data",
  ({ host_data }) => checkLowercaseHex(host_data, 32, "host_data"),
  ({ host_data }) => simulatedTable("host_data").delete(ccf.strToBuf(host_data)),
);

// Believes a vendor of machines, or tells the service what it says now: `tcb_info` and
// `revocations` are its signed statements, in base64. Whose they are is checked when a
// node joins; until then they only make joining harder.
simulatedAction(
  "set_simulated_vendor",
  ({ certificate, tcb_info, revocations }) => {
    checkX509CertBundle(certificate, "certificate");
    checkType(tcb_info, "string?", "tcb_info");
    checkType(revocations, "string?", "revocations");
  },
  ({ certificate, tcb_info, revocations }) =>
    simulatedTable("vendors").set(
      ccf.strToBuf(ccf.pemToId(certificate)),
      ccf.jsonCompatibleToBuf({ certificate, tcb_info, revocations }),
    ),
);

simulatedAction(
  "remove_simulated_vendor",
  ({ vendor_id }) => checkLowercaseHex(vendor_id, 32, "vendor_id"),
  ({ vendor_id }) => simulatedTable("vendors").delete(ccf.strToBuf(vendor_id)),
);

simulatedAction(
  "set_simulated_rules",
  ({ tcb_statuses, accepts_debug }) => {
    checkType(tcb_statuses, "array", "tcb_statuses");
    for (const [i, status] of tcb_statuses.entries()) {
      checkEnum(status, ["UpToDate", "OutOfDate", "Revoked"], `tcb_statuses[${i}]`);
    }
    checkType(accepts_debug, "boolean", "accepts_debug");
  },
  ({ tcb_statuses, accepts_debug }) =>
    simulatedTable("rules").set(
      getSingletonKvKey(),
      ccf.jsonCompatibleToBuf({ tcb_statuses, accepts_debug }),
    ),
);

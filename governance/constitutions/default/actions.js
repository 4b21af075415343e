// What members may propose. Each action names its arguments with a check for each,
// and says what it does once accepted; `validate.js` and `apply.js` only look it up.
//
// It is longer than a file should be because a constitution is one module that members
// vote on and auditors read from the ledger: a table of some forty entries, in the
// order of what they govern.
//
// A file placed after this one adds actions of its own:
//
//   actions.set("greet", new Action(
//     function (args) { checkType(args.name, "string", "name"); },
//     function (args, proposalId) { ... }));
//
// It may use `Action`, `actions` and every function below. Nothing here may touch
// `ccf` at the top level: a proposed constitution is first loaded without it.

class Action {
  constructor(validate, apply) {
    this.validate = validate;
    this.apply = apply;
  }
}

// --- Checks -------------------------------------------------------------------------
// A check takes a value and the name it goes by, and throws an Error that says what is
// wrong. An argument that is null counts as absent.

const isAbsent = (value) => value === undefined || value === null;

function checkType(value, type, field) {
  const isOptional = type.endsWith("?");
  if (isOptional && isAbsent(value)) return;
  const wanted = isOptional ? type.slice(0, -1) : type;
  if (wanted === "array") {
    if (!Array.isArray(value)) throw new Error(`${field} must be an array`);
  } else if (wanted === "integer") {
    if (!Number.isInteger(value)) throw new Error(`${field} must be an integer`);
  } else {
    const found = value === null ? "null" : typeof value;
    if (found !== wanted) {
      throw new Error(`${field} must be of type ${wanted} but is ${found}`);
    }
  }
}

function checkEnum(value, members, field) {
  if (!members.includes(value)) throw new Error(`${field} must be one of ${members}`);
}

function checkBounds(value, low, high, field) {
  if (low !== null && value < low) {
    throw new Error(`${field} must be greater than ${low}`);
  }
  if (high !== null && value > high) {
    throw new Error(`${field} must be lower than ${high}`);
  }
}

function checkEntityId(value, field) {
  const digits = 64;
  checkType(value, "string", field);
  if (value.length !== digits) {
    throw new Error(`${field} must contain exactly ${digits} characters`);
  }
  if (/[^a-fA-F0-9]/.test(value)) {
    throw new Error(`${field} contains non-hexadecimal character`);
  }
}

function checkX509CertBundle(value, field) {
  if (typeof value !== "string" || !ccf.crypto.isValidX509CertBundle(value)) {
    throw new Error(
      `${field} must be a valid X509 certificate (bundle) in PEM format`,
    );
  }
}

function checkLowercaseHex(value, byteCount, field) {
  checkType(value, "string", field);
  if (value !== value.toLowerCase()) {
    throw new Error(`${field} must be a lowercase hex string: ${value}`);
  }
  if (hexStrToBuf(value).byteLength !== byteCount) {
    throw new Error(`${field} must convert to exactly ${byteCount} bytes`);
  }
}

function checkNone(args) {
  if (isAbsent(args) || Object.keys(args).length === 0) return;
  throw new Error(`Proposal does not accept any argument, found "${args}"`);
}

const ofType = (type) => (value, field) => checkType(value, type, field);
const text = ofType("string");
const number = ofType("number");
const object = ofType("object");
const integer = ofType("integer");
const boolean = ofType("boolean");
const anything = () => {};

// Checks made of checks.
const optional = (check) => (value, field) => {
  if (!isAbsent(value)) check(value, field);
};
const oneOf = (...members) => (value, field) => checkEnum(value, members, field);
const within = (low, high) => (value, field) => {
  integer(value, field);
  checkBounds(value, low, high, field);
};
const hexOf = (bytes) => (value, field) => checkLowercaseHex(value, bytes, field);
const called = (name, check) => (value) => check(value, name);
const listOf = (check) => (value, field) => {
  checkType(value, "array", field);
  for (const [i, item] of value.entries()) check(item, `${field}[${i}]`);
};
const dictionaryOf = (check) => (value, field) => {
  object(value, field);
  for (const [key, item] of Object.entries(value)) check(item, `${field}["${key}"]`);
};
const recordOf = (checks) => (value, field) => {
  object(value, field);
  for (const [name, check] of Object.entries(checks)) {
    check(value[name], `${field}.${name}`);
  }
};

// --- Tables -------------------------------------------------------------------------

function getSingletonKvKey() {
  return new ArrayBuffer(8);
}

function hexStrToBuf(hex) {
  if (hex.length % 2 !== 0) {
    throw new Error("Hex string invalid: length must be multiple of 2");
  }
  const octets = hex.match(/../gs) ?? [];
  for (const octet of octets) {
    if (!/^[0-9a-fA-F]{2}$/.test(octet)) {
      throw new Error(`Hex string invalid: Non-hex character ${octet}`);
    }
  }
  return new Uint8Array(octets.map((octet) => parseInt(octet, 16))).buffer;
}

// A table with text keys and JSON values; without a key, the table's only value.
class JsonTable {
  constructor(name) {
    this.name = name;
  }

  get handle() {
    return ccf.kv[this.name];
  }

  keyOf(key) {
    return key === undefined ? getSingletonKvKey() : ccf.strToBuf(key);
  }

  read(key) {
    const value = this.handle.get(this.keyOf(key));
    return value === undefined ? undefined : ccf.bufToJsonCompatible(value);
  }

  // Read what must be there, or throw the given text.
  require(missing, key) {
    const value = this.read(key);
    if (value === undefined) throw new Error(missing);
    return value;
  }

  has(key) {
    return this.handle.has(this.keyOf(key));
  }

  write(value, key) {
    this.handle.set(this.keyOf(key), ccf.jsonCompatibleToBuf(value));
  }

  writeText(value, key) {
    this.handle.set(this.keyOf(key), ccf.strToBuf(value));
  }

  remove(key) {
    this.handle.delete(this.keyOf(key));
  }

  clear() {
    this.handle.clear();
  }

  forEach(visit) {
    this.handle.forEach((value, key) => visit(ccf.bufToStr(key), value));
  }
}

const governed = (name) => new JsonTable(`public:ccf.gov.${name}`);
const constitutionTable = governed("constitution");
const proposalsInfo = governed("proposals_info");
const memberCerts = governed("members.certs");
const memberKeys = governed("members.encryption_public_keys");
const membersInfo = governed("members.info");
const memberAcks = governed("members.acks");
const userCerts = governed("users.certs");
const usersInfo = governed("users.info");
const nodesInfo = governed("nodes.info");
const nodeCerts = governed("nodes.endorsed_certificates");
const serviceInfo = governed("service.info");
const serviceConfig = governed("service.config");
const caCertBundles = governed("tls.ca_cert_bundles");
const jwtIssuers = governed("jwt.issuers");
const jsModules = governed("modules");
const jsBytecode = governed("modules_quickjs_bytecode");
const jsBytecodeVersion = governed("modules_quickjs_version");
const jsFlush = governed("interpreter.flush");
const jsEndpoints = governed("endpoints");
const jsOptions = governed("js_runtime_options");
const pythonOptions = governed("python_runtime_options");
const virtualHostData = governed("nodes.virtual.host_data");
const snpHostData = governed("nodes.snp.host_data");
const uvmEndorsements = governed("nodes.snp.uvm_endorsements");
const tcbVersions = governed("nodes.snp.tcb_versions");
const signatures = new JsonTable("public:ccf.internal.signatures");

const readServiceConfig = () =>
  serviceConfig.require("Service configuration could not be found");
const readServiceInfo = () =>
  serviceInfo.require("Service information could not be found");

// --- Rules shared by several actions ------------------------------------------------

// An open proposal was written, and voted for, under rules that have just changed, so
// it must not come to pass under the new ones.
function invalidateOtherOpenProposals(proposalIdToRetain) {
  const dropped = [];
  proposalsInfo.forEach((id, value) => {
    const info = ccf.bufToJsonCompatible(value);
    if (id !== proposalIdToRetain && info.state === "Open") dropped.push([id, info]);
  });
  for (const [id, info] of dropped) {
    proposalsInfo.write({ ...info, state: "Dropped" }, id);
  }
}

function getActiveRecoveryMembersCount() {
  let count = 0;
  memberKeys.forEach((id) => {
    const info = membersInfo.require(`Recovery member ${id} has no information`, id);
    if (info.status === "Active") count++;
  });
  return count;
}

const daysByDefault = 365;

// How long a certificate is to be valid: as long as is allowed, unless less is asked.
function validityDays(asked, allowed, refusal) {
  const most = allowed ?? daysByDefault;
  if (!isAbsent(asked) && asked > most) throw new Error(refusal(asked, most));
  return asked ?? most;
}

const validityRefusal = (asked, most) =>
  `Validity period ${asked} (days) is not allowed: service max allowed is ${most} (days)`;

function endorseNode(nodeId, request, validFrom, days) {
  const cert = ccf.network.generateEndorsedCertificate(request, validFrom, days);
  nodeCerts.writeText(cert, nodeId);
}

function renewNodeCertificate(nodeId, node, args) {
  const request = node.certificate_signing_request;
  if (request === undefined) {
    throw new Error(`Node ${nodeId} has no certificate signing request`);
  }
  const days = validityDays(
    args.validity_period_days,
    readServiceConfig().maximum_node_certificate_validity_days,
    validityRefusal,
  );
  endorseNode(nodeId, request, args.valid_from, days);
}

function checkNewRecoveryThreshold(threshold) {
  const { status } = readServiceInfo();
  if (status === "WaitingForRecoveryShares") {
    throw new Error(`Cannot set recovery threshold if service is ${status}`);
  }
  if (status !== "Open") return;
  const members = getActiveRecoveryMembersCount();
  if (threshold > members) {
    throw new Error(
      `Cannot set recovery threshold to ${threshold}: recovery threshold would be ` +
        `greater than the number of recovery members ${members}`,
    );
  }
}

function updateServiceConfig(changes) {
  const config = readServiceConfig();
  const from = config.reconfiguration_type;
  const to = changes.reconfiguration_type ?? from;
  const isAllowed =
    to === from ||
    (to === "TwoTransaction" && (from ?? "OneTransaction") === "OneTransaction");
  if (!isAllowed) {
    throw new Error(`Cannot change reconfiguration type from ${from} to ${to}.`);
  }
  const threshold = changes.recovery_threshold ?? config.recovery_threshold;
  const needsNewShares = threshold !== config.recovery_threshold;
  if (needsNewShares) checkNewRecoveryThreshold(threshold);
  for (const [name, value] of Object.entries(changes)) {
    if (!isAbsent(value)) config[name] = value;
  }
  serviceConfig.write(config);
  if (needsNewShares) ccf.node.triggerRecoverySharesRefresh();
}

function setData(infoTable, id, name, data) {
  if (isAbsent(data)) infoTable.remove(id);
  else infoTable.write({ [name]: data }, id);
}

// --- The table of actions -----------------------------------------------------------

const validity = {
  valid_from: text,
  validity_period_days: optional(within(1, null)),
};

const actions = new Map();

// Arguments are checked in the order given; `check` then looks at them together.
function define(name, { args: checks = {}, check = anything, apply = anything }) {
  function validate(args) {
    for (const [field, checkField] of Object.entries(checks)) {
      checkField(args?.[field], field);
    }
    check(args ?? {});
  }
  const carryOut = (args, proposalId) => apply(args ?? {}, proposalId);
  actions.set(name, new Action(validate, carryOut));
}

// An action whose only argument is the key to remove from a table.
const removal = (argument, table, check = text) => ({
  args: { [argument]: check },
  apply: (args) => table.remove(args[argument]),
});

define("set_constitution", {
  args: { constitution: text },
  check: ({ constitution }) => ccf.gov.validateConstitution(constitution),
  apply({ constitution }, proposalId) {
    constitutionTable.write(constitution);
    invalidateOtherOpenProposals(proposalId);
  },
});

// Members

define("set_member", {
  args: {
    cert: checkX509CertBundle,
    encryption_pub_key: optional(text),
    member_data: optional(object),
    recovery_role: optional(oneOf("NonParticipant", "Participant", "Owner")),
  },
  check({ encryption_pub_key, recovery_role }) {
    if (isAbsent(encryption_pub_key) && !isAbsent(recovery_role)) {
      throw new Error(
        "Cannot specify a recovery_role value when encryption_pub_key is not specified",
      );
    }
  },
  apply({ cert, encryption_pub_key, member_data, recovery_role }) {
    const id = ccf.pemToId(cert);
    memberCerts.writeText(cert, id);
    if (isAbsent(encryption_pub_key)) memberKeys.remove(id);
    else memberKeys.writeText(encryption_pub_key, id);
    const status = "Accepted";
    recovery_role = recovery_role ?? undefined;
    membersInfo.write({ member_data, recovery_role, status }, id);
    // What the member must sign to become active: the state at the last signature.
    memberAcks.write({ state_digest: signatures.read()?.root ?? "" }, id);
  },
});

define("remove_member", {
  args: { member_id: checkEntityId },
  apply({ member_id }) {
    const info = membersInfo.read(member_id);
    if (info === undefined) return;
    const holdsShare = info.status === "Active" && memberKeys.has(member_id);
    if (holdsShare) {
      const { recovery_threshold } = readServiceConfig();
      const left = getActiveRecoveryMembersCount() - 1;
      if (left < recovery_threshold) {
        throw new Error(
          `Number of active recovery members (${left}) would be less than ` +
            `recovery threshold (${recovery_threshold})`,
        );
      }
    }
    membersInfo.remove(member_id);
    memberKeys.remove(member_id);
    memberCerts.remove(member_id);
    memberAcks.remove(member_id);
    governed("history").remove(member_id);
    // With the others' help the member could still open the current ledger secret.
    if (holdsShare) ccf.node.triggerLedgerRekey();
  },
});

define("set_member_data", {
  args: { member_id: checkEntityId, member_data: object },
  apply({ member_id, member_data }) {
    const info = membersInfo.require(`Member ${member_id} does not exist`, member_id);
    membersInfo.write({ ...info, member_data }, member_id);
  },
});

// Users

define("set_user", {
  args: { cert: checkX509CertBundle, user_data: optional(object) },
  apply({ cert, user_data }) {
    const id = ccf.pemToId(cert);
    userCerts.writeText(cert, id);
    setData(usersInfo, id, "user_data", user_data);
  },
});

define("remove_user", {
  args: { user_id: checkEntityId },
  apply({ user_id }) {
    userCerts.remove(user_id);
    usersInfo.remove(user_id);
  },
});

define("set_user_data", {
  args: { user_id: checkEntityId, user_data: optional(object) },
  apply: ({ user_id, user_data }) =>
    setData(usersInfo, user_id, "user_data", user_data),
});

// The service

define("set_recovery_threshold", {
  args: { recovery_threshold: called("threshold", within(1, 254)) },
  apply: ({ recovery_threshold }) => updateServiceConfig({ recovery_threshold }),
});

const serviceSettings = {
  reconfiguration_type: called("reconfiguration type", optional(text)),
  recovery_threshold: called("recovery threshold", optional(within(1, 254))),
  recent_cose_proposals_window_size: called(
    "recent cose proposals window size",
    optional(within(1, 10000)),
  ),
};

define("set_service_configuration", {
  args: serviceSettings,
  check(args) {
    for (const name of Object.keys(args)) {
      if (!Object.hasOwn(serviceSettings, name)) {
        throw new Error(`Cannot change ${name} via set_service_configuration.`);
      }
    }
  },
  apply: updateServiceConfig,
});

define("trigger_recovery_shares_refresh", {
  check: checkNone,
  apply: () => ccf.node.triggerRecoverySharesRefresh(),
});

define("trigger_ledger_rekey", {
  check: checkNone,
  apply: () => ccf.node.triggerLedgerRekey(),
});

define("trigger_ledger_chunk", { apply: () => ccf.node.triggerLedgerChunk() });

define("trigger_snapshot", { apply: () => ccf.node.triggerSnapshot() });

define("transition_service_to_open", {
  args: {
    next_service_identity(value, field) {
      checkType(value, "string", "next service identity (PEM certificate)");
      checkX509CertBundle(value, field);
    },
    previous_service_identity: optional((value, field) => {
      checkType(value, "string", "previous service identity (PEM certificate)");
      checkX509CertBundle(value, field);
    }),
  },
  apply({ next_service_identity, previous_service_identity }) {
    const isFresh = isAbsent(previous_service_identity);
    // Both names together prove which service members mean to continue, and as what.
    if (isFresh && readServiceInfo().status === "Recovering") {
      throw new Error(
        "Opening a recovering network requires both, the previous and the next service identity",
      );
    }
    const previous = isFresh ? undefined : ccf.strToBuf(previous_service_identity);
    const next = ccf.strToBuf(next_service_identity);
    ccf.node.transitionServiceToOpen(previous, next);
  },
});

define("set_service_certificate_validity", {
  args: validity,
  apply({ valid_from, validity_period_days }) {
    const days = validityDays(
      validity_period_days,
      readServiceConfig().maximum_service_certificate_validity_days,
      validityRefusal,
    );
    const cert = ccf.network.generateNetworkCertificate(valid_from, days);
    const info = serviceInfo.require("Service info could not be found");
    serviceInfo.write({ ...info, cert });
  },
});

define("assert_service_identity", {
  args: { service_identity: checkX509CertBundle },
  check({ service_identity }) {
    if (readServiceInfo().cert !== service_identity) {
      throw new Error("Service identity certificate mismatch");
    }
  },
});

// The JavaScript application

function checkAuthnPolicy(policy, field) {
  if (typeof policy === "string") return; // unknown names are refused where called
  if (typeof policy !== "object" || policy === null) {
    throw new Error(
      `${field} must be of type string or object but is ${typeof policy}`,
    );
  }
  listOf(text)(policy.all_of, `${field}.all_of`);
}

const endpoint = recordOf({
  js_module: text,
  js_function: text,
  mode: oneOf("readwrite", "readonly", "historical"),
  forwarding_required: oneOf("sometimes", "always", "never"),
  redirection_strategy: optional(oneOf("none", "to_primary", "to_backup")),
  openapi: optional(object),
  openapi_hidden: optional(boolean),
  authn_policies: listOf(checkAuthnPolicy),
});

const bundle = recordOf({
  modules: listOf(recordOf({ name: text, module: text })),
  metadata: recordOf({ endpoints: dictionaryOf(dictionaryOf(endpoint)) }),
});

define("set_js_app", {
  args: { bundle, disable_bytecode_cache: optional(boolean) },
  check({ bundle }) {
    const names = bundle.modules.map((module) => module.name);
    for (const methods of Object.values(bundle.metadata.endpoints)) {
      for (const { js_module } of Object.values(methods)) {
        if (!names.includes(js_module)) {
          throw new Error(`module '${js_module}' not found in bundle`);
        }
      }
    }
  },
  apply({ bundle, disable_bytecode_cache }) {
    jsModules.clear();
    jsEndpoints.clear();
    for (const { name, module } of bundle.modules) {
      jsModules.writeText(module, `/${name}`);
    }
    if (disable_bytecode_cache) {
      jsBytecode.clear();
      jsBytecodeVersion.clear();
    } else {
      ccf.refreshAppBytecodeCache();
    }
    jsFlush.write(true);
    for (const [url, methods] of Object.entries(bundle.metadata.endpoints)) {
      for (const [method, info] of Object.entries(methods)) {
        const stored = { ...info, js_module: `/${info.js_module}` };
        jsEndpoints.write(stored, `${method.toUpperCase()} ${url}`);
      }
    }
  },
});

define("remove_js_app", {
  apply() {
    for (const table of [
      jsModules, jsBytecode, jsBytecodeVersion, jsFlush, jsEndpoints,
    ]) {
      table.clear();
    }
  },
});

define("set_js_runtime_options", {
  args: {
    max_heap_bytes: integer,
    max_stack_bytes: integer,
    max_execution_time_ms: integer,
    log_exception_details: optional(boolean),
    return_exception_details: optional(boolean),
    max_cached_interpreters: optional(integer),
  },
  apply: (args) => jsOptions.write(args),
});

// The same for an application in Python; what is not said is as before any proposal.
define("set_python_runtime_options", {
  args: {
    max_execution_time_ms: optional(within(1, 3600000)),
    max_memory_bytes: optional(within(1, Number.MAX_SAFE_INTEGER)),
    max_response_bytes: optional(within(1, 67108864)),
    log_exception_details: optional(boolean),
  },
  apply: (args) => pythonOptions.write(args ?? {}),
});

define("refresh_js_app_bytecode_cache", {
  apply: () => ccf.refreshAppBytecodeCache(),
});

// Certificate authorities and JWT issuers

define("set_ca_cert_bundle", {
  args: { name: text, cert_bundle: checkX509CertBundle },
  apply: ({ name, cert_bundle }) => caCertBundles.write(cert_bundle, name),
});

define("remove_ca_cert_bundle", removal("name", caCertBundles));

const derInBase64 = (value, field) => {
  text(value, field);
  const label = "CERTIFICATE-----";
  checkX509CertBundle(`-----BEGIN ${label}\n${value}\n-----END ${label}`, field);
};

// A key is given by its certificate or, failing that, by its numbers.
function checkJwk(jwk, field) {
  const key = { kid: text, kty: text };
  if (jwk?.x5c) key.x5c = listOf(derInBase64);
  else if (jwk?.n && jwk.e) Object.assign(key, { n: text, e: text });
  else if (jwk?.x && jwk.y) Object.assign(key, { x: text, y: text, crv: text });
  recordOf(key)(jwk, field);
  if (jwk.x5c?.length === 0) {
    throw new Error(`${field}.x5c must be an array of minimum 1 elements`);
  }
  if (Object.keys(key).length === 2) {
    throw new Error(
      "JWK must contain either x5c, or n/e for RSA key type, or x/y/crv for EC key type",
    );
  }
}

const jwks = recordOf({ keys: listOf(checkJwk) });

// Keys fetched without being asked for must come from a server that can be named and
// authenticated.
function checkAutoRefresh({ issuer, ca_cert_bundle_name }) {
  const condition = "if auto_refresh is true";
  if (!ca_cert_bundle_name) {
    throw new Error(`ca_cert_bundle_name is missing but required ${condition}`);
  }
  if (!issuer.startsWith("https://")) {
    throw new Error(`issuer must be a URL starting with https:// ${condition}`);
  }
  if (/[?#]./.test(issuer)) {
    throw new Error(`issuer must be a URL without query/fragment ${condition}`);
  }
}

define("set_jwt_issuer", {
  args: {
    issuer: text,
    auto_refresh: optional(boolean),
    ca_cert_bundle_name: optional(text),
    jwks: optional(jwks),
  },
  check(args) {
    if (args.auto_refresh) checkAutoRefresh(args);
  },
  apply({ jwks, ...metadata }) {
    const { issuer, auto_refresh, ca_cert_bundle_name } = metadata;
    if (auto_refresh && !caCertBundles.has(ca_cert_bundle_name)) {
      throw new Error(`No CA cert bundle found with name '${ca_cert_bundle_name}'`);
    }
    if (!isAbsent(jwks)) ccf.setJwtPublicSigningKeys(issuer, metadata, jwks);
    jwtIssuers.write(metadata, issuer);
  },
});

define("set_jwt_public_signing_keys", {
  args: { issuer: text, jwks },
  apply({ issuer, jwks }) {
    const metadata = jwtIssuers.require(`issuer ${issuer} not found`, issuer);
    ccf.setJwtPublicSigningKeys(issuer, metadata, jwks);
  },
});

define("remove_jwt_issuer", {
  args: { issuer: text },
  apply({ issuer }) {
    if (!jwtIssuers.has(issuer)) return;
    jwtIssuers.remove(issuer);
    ccf.removeJwtPublicSigningKeys(issuer);
  },
});

// What a node must prove to join, by platform

function defineMeasurements(suffix, argument, tableName) {
  const table = governed(tableName);
  define(`add_${suffix}`, {
    args: { [argument]: text },
    apply(args, proposalId) {
      table.write("AllowedToJoin", args[argument]);
      invalidateOtherOpenProposals(proposalId);
    },
  });
  define(`remove_${suffix}`, removal(argument, table));
}

defineMeasurements("node_code", "code_id", "nodes.code_ids");
defineMeasurements("snp_measurement", "measurement", "nodes.snp.measurements");
defineMeasurements("virtual_measurement", "measurement", "nodes.virtual.measurements");

define("add_virtual_host_data", {
  args: { host_data: text },
  apply({ host_data }, proposalId) {
    virtualHostData.handle.set(ccf.strToBuf(host_data), getSingletonKvKey());
    invalidateOtherOpenProposals(proposalId);
  },
});

define("remove_virtual_host_data", removal("host_data", virtualHostData));

function hexOfSha256(value) {
  const digest = ccf.crypto.digest("SHA-256", ccf.strToBuf(value));
  return Array.from(new Uint8Array(digest), (octet) =>
    octet.toString(16).padStart(2, "0"),
  ).join("");
}

define("add_snp_host_data", {
  args: { security_policy: text, host_data: text },
  check({ security_policy, host_data }) {
    if (security_policy === "") return;
    const digest = hexOfSha256(security_policy);
    hexStrToBuf(host_data);
    if (digest !== host_data.toLowerCase()) {
      throw new Error(
        `The hash of raw policy ${digest} does not match digest ${host_data}`,
      );
    }
  },
  apply({ security_policy, host_data }, proposalId) {
    snpHostData.write(security_policy, host_data);
    invalidateOtherOpenProposals(proposalId);
  },
});

define("remove_snp_host_data", removal("host_data", snpHostData));

define("add_snp_uvm_endorsement", {
  args: { did: text, feed: text, svn: text },
  apply({ did, feed, svn }, proposalId) {
    uvmEndorsements.write({ ...uvmEndorsements.read(did), [feed]: { svn } }, did);
    invalidateOtherOpenProposals(proposalId);
  },
});

define("remove_snp_uvm_endorsement", {
  args: { did: text, feed: text },
  apply({ did, feed }) {
    const { [feed]: _removed, ...left } = uvmEndorsements.read(did) ?? {};
    if (Object.keys(left).length === 0) uvmEndorsements.remove(did);
    else uvmEndorsements.write(left, did);
  },
});

const cpuid = hexOf(4);
const tcbVersion = hexOf(8);

define("set_snp_minimum_tcb_version", {
  args: {
    cpuid,
    tcb_version: recordOf({
      boot_loader: number,
      tee: number,
      snp: number,
      microcode: number,
    }),
  },
  apply({ cpuid, tcb_version }, proposalId) {
    tcbVersions.write(tcb_version, cpuid);
    invalidateOtherOpenProposals(proposalId);
  },
});

define("set_snp_minimum_tcb_version_hex", {
  args: { cpuid, tcb_version: tcbVersion },
  apply({ cpuid, tcb_version }, proposalId) {
    tcbVersions.write(ccf.tcbHexToPolicy(cpuid, tcb_version), cpuid);
    invalidateOtherOpenProposals(proposalId);
  },
});

define("remove_snp_minimum_tcb_version", {
  args: { cpuid },
  apply({ cpuid }) {
    if (!tcbVersions.has(cpuid)) throw new Error(`CPUID ${cpuid} not found`);
    tcbVersions.remove(cpuid);
  },
});

// Nodes

define("set_node_data", {
  args: { node_id: checkEntityId },
  apply({ node_id, node_data }) {
    const node = nodesInfo.require(`Node ${node_id} does not exist`, node_id);
    nodesInfo.write({ ...node, node_data }, node_id);
  },
});

define("transition_node_to_trusted", {
  args: { node_id: checkEntityId, ...validity },
  apply({ node_id, valid_from, validity_period_days }) {
    const config = readServiceConfig();
    const node = nodesInfo.require(`No such node: ${node_id}`, node_id);
    if (node.status !== "Pending") return;
    // From here on the node may be given this and every later ledger secret.
    const ledger_secret_seqno = ccf.network.getLatestLedgerSecretSeqno();
    nodesInfo.write({ ...node, status: "Trusted", ledger_secret_seqno }, node_id);
    const request = node.certificate_signing_request;
    if (request === undefined) return; // joined before certificates were endorsed
    const days = validityDays(
      validity_period_days,
      config.maximum_node_certificate_validity_days,
      (asked, most) =>
        `Validity period ${asked} is not allowed: max allowed is ${most}`,
    );
    endorseNode(node_id, request, valid_from, days);
  },
});

define("remove_node", {
  args: { node_id: checkEntityId },
  apply({ node_id }) {
    readServiceConfig();
    const node = nodesInfo.read(node_id);
    if (node === undefined) return;
    if (node.status === "Pending") nodesInfo.remove(node_id);
    else nodesInfo.write({ ...node, status: "Retired" }, node_id);
  },
});

define("set_node_certificate_validity", {
  args: { node_id: checkEntityId, ...validity },
  apply(args) {
    const node = nodesInfo.require(`No such node: ${args.node_id}`, args.node_id);
    if (node.status !== "Trusted") {
      throw new Error(`Node ${args.node_id} is not trusted`);
    }
    renewNodeCertificate(args.node_id, node, args);
  },
});

define("set_all_nodes_certificate_validity", {
  args: validity,
  apply(args) {
    nodesInfo.forEach((nodeId, value) => {
      const node = ccf.bufToJsonCompatible(value);
      if (node.status === "Trusted") renewNodeCertificate(nodeId, node, args);
    });
  },
});

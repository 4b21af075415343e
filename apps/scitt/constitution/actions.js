// What members of a transparency service may decide, beyond the default constitution.
//
// Joined after the default's `actions.js`, whether ccfpy's or CCF's: of that it uses
// `Action`, `actions`, `checkType` and `getSingletonKvKey`, which both have.

const SCITT_CONFIGURATION = "public:ccf.gov.scitt.configuration";
const SCITT_ALGORITHMS = [
  "ES256",
  "ES384",
  "ES512",
  "PS256",
  "PS384",
  "PS512",
  "EdDSA",
];

function checkScittObject(value, field) {
  checkType(value, "object?", field);
  if (Array.isArray(value)) throw new Error(`${field} is a list`);
}

function checkScittPolicy(policy) {
  checkScittObject(policy, "configuration.policy");
  if (policy === undefined || policy === null) return;
  if (policy.policyRego !== undefined && policy.policyRego !== null) {
    throw new Error(
      "configuration.policy.policyRego is not supported: write the policy in " +
        "JavaScript, as policyScript",
    );
  }
  checkType(policy.policyScript, "string?", "configuration.policy.policyScript");
  const accepted = policy.acceptedAlgorithms;
  checkType(accepted, "array?", "configuration.policy.acceptedAlgorithms");
  for (const name of accepted ?? []) {
    if (!SCITT_ALGORITHMS.includes(name)) {
      throw new Error(
        `configuration.policy.acceptedAlgorithms has ${name}, and the service ` +
          `verifies ${SCITT_ALGORITHMS.join(", ")}`,
      );
    }
  }
}

function checkScittAuthentication(authentication) {
  const field = "configuration.authentication";
  checkScittObject(authentication, field);
  if (authentication === undefined || authentication === null) return;
  checkType(
    authentication.allowUnauthenticated,
    "boolean?",
    `${field}.allowUnauthenticated`,
  );
  const { jwt } = authentication;
  checkScittObject(jwt, `${field}.jwt`);
  checkScittObject(jwt?.requiredClaims, `${field}.jwt.requiredClaims`);
}

// Set who may register statements, and which.
actions.set(
  "set_scitt_configuration",
  new Action(
    function (args) {
      checkType(args.configuration, "object", "configuration");
      checkScittObject(args.configuration, "configuration");
      const { policy, authentication, maxSignedStatementBytes } =
        args.configuration;
      checkScittPolicy(policy);
      checkScittAuthentication(authentication);
      const size = "configuration.maxSignedStatementBytes";
      checkType(maxSignedStatementBytes, "integer?", size);
      if (maxSignedStatementBytes < 0) {
        throw new Error(`${size} is negative`);
      }
    },
    function (args) {
      ccf.kv[SCITT_CONFIGURATION].set(
        getSingletonKvKey(),
        ccf.jsonCompatibleToBuf(args.configuration),
      );
    },
  ),
);

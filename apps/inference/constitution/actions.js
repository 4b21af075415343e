// What members may propose of models, beyond the default constitution.
//
// Joined after the default's `actions.js`, whether ccfpy's or CCF's: of that it uses
// `Action`, `actions`, `checkType`, `checkEnum`, `checkBounds`, `checkEntityId` and
// `getSingletonKvKey`. The application reads what is written here and writes none of it.

const MODELS = "public:ccf.gov.inference.models";
const KEY_LIFETIME = "public:ccf.gov.inference.key_lifetime";
const MODEL_BYTES_MAX = 64 * 1024 * 1024;
const ELEMENTS_MAX = 4 * 1024 * 1024;
const SECONDS_MAX = 2 ** 31 - 1;
// Of AES-256-GCM: what an encrypted model has beyond the model.
const ENCRYPTION_BYTES = 28;

const modelKey = ({ name, version }) => ccf.strToBuf(`${name}/${version}`);

// Names that may stand in a path.
function checkModelName(value) {
  checkType(value, "string", "name");
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(value)) {
    throw new Error(
      "name must be 1 to 32 small letters, digits and hyphens, and begin with no hyphen",
    );
  }
}

function checkInteger(value, low, high, field) {
  checkType(value, "integer", field);
  checkBounds(value, low, high, field);
}

function checkContent({ sha256, size }, sizeMax, field) {
  checkType(sha256, "string", `${field}sha256`);
  if (!/^[0-9a-f]{64}$/.test(sha256)) {
    throw new Error(`${field}sha256 must be 64 digits of hex, in small letters`);
  }
  checkInteger(size, 1, sizeMax, `${field}size`);
}

function checkWhich(args) {
  checkModelName(args.name);
  checkInteger(args.version, 1, Number.MAX_SAFE_INTEGER, "version");
}

// Register a version of a model by its digest. What was registered is not changed again:
// a client that was told a version and a digest can rely on both.
actions.set(
  "set_inference_model",
  new Action(
    function (args) {
      checkWhich(args);
      checkContent(args, MODEL_BYTES_MAX, "");
      checkEntityId(args.uploader, "uploader");
      if (args.access !== undefined) {
        checkEnum(args.access, ["users", "anybody"], "access");
      }
      if (args.elements_max !== undefined) {
        checkInteger(args.elements_max, 1, ELEMENTS_MAX, "elements_max");
      }
      if (args.encrypted !== undefined) {
        checkType(args.encrypted, "object", "encrypted");
        checkContent(args.encrypted, MODEL_BYTES_MAX, "encrypted.");
        if (args.encrypted.size !== args.size + ENCRYPTION_BYTES) {
          throw new Error(
            `encrypted.size must be the model's and ${ENCRYPTION_BYTES} more`,
          );
        }
      }
    },
    function (args) {
      const key = modelKey(args);
      if (ccf.kv[MODELS].has(key)) {
        throw new Error(`Model ${args.name}/${args.version} is registered already`);
      }
      const { name, version, sha256, size, uploader } = args;
      const row = { name, version, content: { sha256, size }, uploader };
      if (args.encrypted !== undefined) {
        row.encrypted = {
          sha256: args.encrypted.sha256,
          size: args.encrypted.size,
        };
      }
      if (args.access !== undefined) row.access = args.access;
      if (args.elements_max !== undefined) row.elements_max = args.elements_max;
      ccf.kv[MODELS].set(key, ccf.jsonCompatibleToBuf(row));
    },
  ),
);

// Let a version be used no more, for good.
actions.set(
  "retire_inference_model",
  new Action(
    function (args) {
      checkWhich(args);
    },
    function (args) {
      const key = modelKey(args);
      const value = ccf.kv[MODELS].get(key);
      if (value === undefined) {
        throw new Error(`No model ${args.name}/${args.version}`);
      }
      const row = { ...ccf.bufToJsonCompatible(value), retired: true };
      ccf.kv[MODELS].set(key, ccf.jsonCompatibleToBuf(row));
    },
  ),
);

// After how many seconds anybody may have a new key made for the channel.
actions.set(
  "set_inference_key_lifetime",
  new Action(
    function ({ seconds }) {
      checkInteger(seconds, 1, SECONDS_MAX, "seconds");
    },
    function ({ seconds }) {
      ccf.kv[KEY_LIFETIME].set(getSingletonKvKey(), ccf.jsonCompatibleToBuf(seconds));
    },
  ),
);

// Runs the functions that administrators brought: on their own, and around an append.

const DEFAULT_EXPORT = "main";
const FOLDER = "/confidential_ledger/functions/";
const FRAME = /^ *at (\S+) \(\/confidential_ledger\/functions\/([\w-]+)\.js[^)]*\)$/;

function refuse(statusCode, code, message) {
  return { statusCode, body: { error: { code, message } } };
}

// Return what a body says, and nothing if it is no object in JSON.
function propertiesOf(request) {
  if (!request.body.text()) return {};
  let properties;
  try {
    properties = request.body.json();
  } catch {
    return undefined;
  }
  return properties?.constructor === Object ? properties : undefined;
}

function refuseBody() {
  return refuse(400, "InvalidInput", "The body is no object in JSON.");
}

// What functions find as `context`, of a request that is being answered.
function introduce(request, more) {
  const userId = confidentialLedger.userId();
  globalThis.context = { request, userId, ...more };
}

async function run(functionId, properties) {
  const name = properties.exportedFunctionName ?? DEFAULT_EXPORT;
  const module = await import(`${FOLDER}${functionId}.js`);
  if (typeof module[name] !== "function") {
    throw new TypeError(`the function exports no '${name}'`);
  }
  return await module[name](...(properties.arguments ?? []));
}

// Azure's words for a failure: the error, and the frames of functions by their ids.
function described(functionId, error) {
  const lines = error instanceof Error ? String(error.stack).split("\n") : [];
  const frames = lines.map((line) => FRAME.exec(line)).filter(Boolean);
  const trace = frames.map(([, name, id]) => `    at ${name} (${id})\n`).join("");
  return `Error while executing function ${functionId}: ${String(error)}\n${trace}`;
}

function written(value) {
  if (value === undefined) return {};
  return {
    returnValue: typeof value === "string" ? value : JSON.stringify(value),
  };
}

export async function execute(request) {
  confidentialLedger.requireContributor();
  const { functionId } = request.params;
  if (!confidentialLedger.hasFunction(functionId)) {
    return refuse(404, "ResourceNotFound", "There is no such function.");
  }
  const properties = propertiesOf(request);
  if (properties === undefined) return refuseBody();
  introduce(request, {});
  try {
    const value = await run(functionId, properties);
    return { body: { status: "Succeeded", result: written(value) } };
  } catch (error) {
    ccf.rpc.setApplyWrites(false);
    const message = described(functionId, error);
    return { body: { status: "Failed", error: { message } } };
  }
}

// Run hooks in their order; return how the first that fails is answered.
async function runAll(hooks) {
  for (const hook of hooks) {
    const functionId = String(hook?.functionId ?? hook?.id);
    if (!confidentialLedger.hasFunction(functionId)) {
      return refuse(400, "InvalidInput", `There is no function '${functionId}'.`);
    }
    try {
      await run(functionId, hook?.properties ?? {});
    } catch (error) {
      return refuse(500, "InternalError", described(functionId, error));
    }
  }
}

export async function append(request) {
  confidentialLedger.requireContributor();
  const properties = propertiesOf(request);
  if (properties === undefined) return refuseBody();
  const { contents, preHooks = [], postHooks = [] } = properties;
  if (typeof contents !== "string") {
    return refuse(400, "InvalidInput", "'contents' is no text.");
  }
  if (!Array.isArray(preHooks) || !Array.isArray(postHooks)) {
    return refuse(400, "InvalidInput", "Hooks are listed in an array.");
  }
  confidentialLedger.requireFewHooks(preHooks.length + postHooks.length);
  const collectionId = confidentialLedger.collectionId();
  introduce(request, { collectionId, contents });
  const early = await runAll(preHooks);
  if (early !== undefined) return early;
  confidentialLedger.append(contents);
  return (await runAll(postHooks)) ?? { body: { collectionId } };
}

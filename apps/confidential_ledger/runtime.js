// Runs the functions that administrators brought: on their own, and around an append.

const DEFAULT_EXPORT = "main";

function refuse(statusCode, code, message) {
  return { statusCode, body: { error: { code, message } } };
}

function propertiesOf(request) {
  return request.body.text() ? request.body.json() : {};
}

async function run(functionId, properties) {
  if (!confidentialLedger.hasFunction(String(functionId))) {
    throw new ReferenceError(`there is no function '${functionId}'`);
  }
  const name = properties.exportedFunctionName ?? DEFAULT_EXPORT;
  const module = await import(
    `/confidential_ledger/functions/${functionId}.js`
  );
  if (typeof module[name] !== "function") {
    throw new TypeError(`the function exports no '${name}'`);
  }
  return await module[name](...(properties.arguments ?? []));
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
  try {
    const value = await run(functionId, propertiesOf(request));
    return { body: { status: "Succeeded", result: written(value) } };
  } catch (error) {
    ccf.rpc.setApplyWrites(false);
    return { body: { status: "Failed", error: { message: String(error) } } };
  }
}

export async function append(request) {
  confidentialLedger.requireContributor();
  const { contents, preHooks = [], postHooks = [] } = propertiesOf(request);
  if (typeof contents !== "string") {
    return refuse(400, "InvalidInput", "'contents' is no text.");
  }
  let collectionId;
  try {
    for (const hook of preHooks) await run(hook.functionId, hook.properties ?? {});
    collectionId = confidentialLedger.append(contents);
    for (const hook of postHooks) await run(hook.functionId, hook.properties ?? {});
  } catch (error) {
    return refuse(400, "UserDefinedFunctionFailed", String(error));
  }
  return { body: { collectionId } };
}

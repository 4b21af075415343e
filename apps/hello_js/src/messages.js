// A message board: anybody reads, registered users write, the ledger remembers.
//
// The tables, keys and values are those of apps/hello, byte for byte.

const MESSAGES = "public:messages";
const NUMBER_MAX = 2n ** 64n - 1n;

// Say something.
export function write(request) {
  const key = keyOf(request.params.number);
  if (key === undefined) return noNumber(request.params.number);
  const text = textOf(request.body);
  if (text === undefined) {
    return failure(400, "InvalidInput", "expected an object whose text is a string");
  }
  ccf.kv[MESSAGES].set(key, ccf.jsonCompatibleToBuf(text));
  return { statusCode: 204 };
}

// Read what was said.
export function read(request) {
  const { number } = request.params;
  const key = keyOf(number);
  if (key === undefined) return noNumber(number);
  const text = ccf.kv[MESSAGES].get(key);
  if (text === undefined) {
    return failure(404, "ResourceNotFound", `No message ${number}.`);
  }
  return { body: { text: ccf.bufToJsonCompatible(text) } };
}

// A path is text that anybody may have written: nothing is a number until it is read.
function keyOf(number) {
  if (!/^[0-9]{1,39}$/.test(number)) return undefined;
  const value = BigInt(number);
  return value > NUMBER_MAX ? undefined : ccf.strToBuf(value.toString());
}

function noNumber(found) {
  const message = `Unable to parse path parameter '${found}' as a number`;
  return failure(400, "InvalidResourceName", message);
}

// So is a body; one that is no JSON throws, and what is thrown would answer 500.
function textOf(body) {
  try {
    const text = body.json()?.text;
    return typeof text === "string" ? text : undefined;
  } catch {
    return undefined;
  }
}

// An answer that is no success changes nothing, whatever was written before it.
function failure(statusCode, code, message) {
  return { statusCode, body: { error: { code, message } } };
}

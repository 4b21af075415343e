// One read and one write, as most requests of most apps are.
export function add(request) {
  const { by } = request.body.json();
  if (!Number.isInteger(by)) {
    return { statusCode: 400, body: { error: { message: "by must be an integer" } } };
  }
  const key = ccf.strToBuf(request.params.key);
  const counts = ccf.kv["counts"];
  const before = counts.get(key);
  const count = (before === undefined ? 0 : ccf.bufToJsonCompatible(before)) + by;
  counts.set(key, ccf.jsonCompatibleToBuf(count));
  return { body: { count } };
}

// Messages by number, as the logging app keeps them.
function write(records, request) {
  const { id, msg } = request.body.json();
  if (!msg) {
    return { statusCode: 400, body: { error: { message: "msg must not be empty" } } };
  }
  records.set(ccf.strToBuf(String(id)), ccf.strToBuf(msg));
  return { body: true };
}

function read(records, request) {
  const [, id] = request.query.split("id=");
  const found = records.get(ccf.strToBuf(id));
  if (found === undefined) {
    return { statusCode: 404, body: { error: { message: "no such message" } } };
  }
  return { body: { msg: ccf.bufToStr(found) } };
}

export const write_private = (request) => write(ccf.kv["records"], request);
export const read_private = (request) => read(ccf.kv["records"], request);
export const write_public = (request) => write(ccf.kv["public:records"], request);
export const read_public = (request) => read(ccf.kv["public:records"], request);

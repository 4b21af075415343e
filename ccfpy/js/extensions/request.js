(function (python, tools) {
  const { apply, parse, stringify, textOf, isBuffer, bodyReader, server } = tools;
  const { isView } = ArrayBuffer;
  const { getPrototypeOf, getOwnPropertyDescriptor } = Object;
  const { slice } = ArrayBuffer.prototype;
  const { then } = Promise.prototype;
  const TypedArray = getPrototypeOf(Uint8Array.prototype);
  const getter = (name) => getOwnPropertyDescriptor(TypedArray, name).get;
  const bufferOf = getter("buffer");
  const offsetOf = getter("byteOffset");
  const lengthOf = getter("byteLength");

  function sign(caller) {
    if (caller === null) return;
    if (caller.cose) caller.cose = { content: python.signedContent() };
    if (typeof caller.policy !== "string") {
      for (let i = 0; i < caller.policy.length; i++) sign(caller[caller.policy[i]]);
    }
  }

  function bytesOf(view) {
    try {
      const buffer = apply(bufferOf, view, []);
      const offset = apply(offsetOf, view, []);
      return apply(slice, buffer, [offset, offset + apply(lengthOf, view, [])]);
    } catch {
      return undefined;
    }
  }

  // A body that is neither text nor an ArrayBuffer, as one of both.
  function writeBody(value) {
    const bytes = isView(value) ? bytesOf(value) : undefined;
    if (bytes !== undefined) return bytes;
    try {
      return textOf(stringify(value));
    } catch (thrown) {
      python.writingJson();
      throw thrown;
    }
  }

  // A header's value that is no text.
  function writeHeader(value) {
    try {
      return textOf(value);
    } catch {
      python.refuse("header value type");
    }
  }

  const later = (pending, answer) => apply(then, pending, [answer]);
  tools.serve = server(
    python.answer, python.refuse,
    parse, Promise, sign, writeBody, writeHeader, later,
    bodyReader(0, "text", python.text, parse),
    bodyReader(1, "json", python.text, parse),
    bodyReader(2, "arrayBuffer", python.bytes, parse),
  );
})

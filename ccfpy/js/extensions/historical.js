(function (python, { ccf, arity, namespace, maps, parse }) {
  const trunc = Math.trunc;
  // ECMAScript's ToInt64, near enough: no seqno is beyond a double's integers.
  function toInteger(value) {
    const number = trunc(value);
    return number === number && number - number === 0 ? number : 0;
  }
  const methods = [
    "allow", "has", "get", "getVersionOfPreviousWrite", "size", "set", "delete",
    "clear", "forEach", "nextKey", "nextValue", "endVisit",
  ];

  function state(key) {
    const { transactionId, receipt } = parse(python.describe(key));
    const tables = { __proto__: null };
    for (let i = 0; i < methods.length; i++) {
      const method = methods[i];
      tables[method] = (...args) => python.table(key, method, ...args);
    }
    return { transactionId, receipt, kv: maps(tables) };
  }

  namespace("historical", {
    getStateRange(...args) {
      arity(args, 4, ", but expected 4");
      const handle = toInteger(args[0]);
      const first = toInteger(args[1]);
      const last = toInteger(args[2]);
      const expiry = toInteger(args[3]);
      if (handle < 0 || first < 0 || last < 0 || expiry < 0) {
        throw new RangeError("Invalid handle or seqno or expiry: cannot be negative");
      }
      const count = python.range(handle, first, last, expiry);
      if (count === 0) return null;
      const states = [];
      for (let i = 0; i < count; i++) states[i] = state(first + i);
      return states;
    },
    dropCachedStates(...args) {
      arity(args, 1, ", but expected 1");
      const handle = toInteger(args[0]);
      if (handle < 0) throw new RangeError("Invalid handle: cannot be negative");
      return python.drop(handle);
    },
  });

  let asked;
  let built;
  Object.defineProperty(ccf, "historicalState", {
    __proto__: null,
    configurable: true,
    enumerable: true,
    get() {
      const call = python.asked();
      if (call === undefined) return undefined;
      if (call !== asked) {
        built = state(0);
        asked = call;
      }
      return built;
    },
  });
})

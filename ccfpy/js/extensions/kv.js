(function (python, tools) {
  const { arity, checkBuffer, apply, mapMethod, mapsOf } = tools;
  const define = Object.defineProperty;
  const givesThis = 4;
  tools.maps = (python) => {
    // CCF says what is forbidden before it looks at arguments; asking is left to
    // the rare case that these are wrong: every operation is checked by itself.
    function refuse(name, method, count, length, first) {
      python.allow(name, method);
      arity({ __proto__: null, length }, count, `, but expected ${count}`);
      if (count === 2) throw new TypeError("Arguments must be ArrayBuffers");
      checkBuffer(first);
    }
    class KvMap {
      constructor(name) {
        define(this, "_map_name", { __proto__: null, value: name });
      }
      get size() {
        return python.size(this._map_name);
      }
      clear(...args) {
        if (args.length !== 0) {
          python.allow(this._map_name, "clear");
          arity(args, 0, ", but expected 0");
        }
        python.clear(this._map_name);
      }
      forEach(...args) {
        python.allow(this._map_name, "forEach");
        arity(args, 1, ", but expected 1");
        const visit = args[0];
        if (typeof visit !== "function") {
          throw new TypeError("Argument must be a function");
        }
        const cursor = python.forEach(this._map_name);
        try {
          for (;;) {
            const key = python.nextKey(cursor);
            if (key === undefined) return;
            apply(visit, undefined, [python.nextValue(cursor), key, this]);
          }
        } finally {
          python.endVisit(cursor);
        }
      }
    }
    const hidden = { __proto__: null, writable: true, configurable: true };
    function method(form, name) {
      const value = mapMethod(form, python[name], refuse, name);
      define(KvMap.prototype, name, { ...hidden, __proto__: null, value });
    }
    method(1, "has");
    method(1, "get");
    method(1, "getVersionOfPreviousWrite");
    method(2 + givesThis, "set");
    method(1, "delete");
    return mapsOf(KvMap.prototype);
  };
  tools.ccf.kv = tools.maps(python);
})

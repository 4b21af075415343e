(function (python, { textOf }) {
  const { now } = python;
  const Real = Date;
  const { construct } = Reflect;
  function ScriptDate(...args) {
    if (new.target === undefined) return textOf(new Real(now()));
    return construct(Real, args.length === 0 ? [now()] : args, new.target);
  }
  const define = Object.defineProperty;
  const hidden = { __proto__: null, writable: true, configurable: true };
  define(ScriptDate, "name", { value: "Date", configurable: true });
  define(ScriptDate, "length", { value: 7, configurable: true });
  define(ScriptDate, "prototype", { value: Real.prototype, writable: false });
  define(ScriptDate, "now", { ...hidden, value: () => now() });
  define(ScriptDate, "parse", { ...hidden, value: Real.parse });
  define(ScriptDate, "UTC", { ...hidden, value: Real.UTC });
  define(Real.prototype, "constructor", { ...hidden, value: ScriptDate });
  define(globalThis, "Date", { ...hidden, value: ScriptDate });
})

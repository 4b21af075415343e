(function (python, tools) {
  const { ccf, arity, methods, parse, stringify, textOf } = tools;
  const expected1 = ", but expected 1";
  const of = (kind, name) => tools.converter(kind, name, stringify, parse);
  let metricsLogging = true;
  methods(ccf, {
    strToBuf: of(0, "strToBuf"),
    bufToStr: of(1, "bufToStr"),
    jsonCompatibleToBuf: of(2, "jsonCompatibleToBuf"),
    bufToJsonCompatible: of(3, "bufToJsonCompatible"),
    enableUntrustedDateTime(...args) {
      arity(args, 1, expected1);
      const enabled = !!args[0];
      python.enableUntrustedDateTime(enabled);
      return enabled; // and not, as its type says, what was before
    },
    enableMetricsLogging(...args) {
      arity(args, 1, expected1);
      if (typeof args[0] !== "boolean") {
        throw new TypeError("First argument must be a boolean");
      }
      const previous = metricsLogging;
      metricsLogging = args[0];
      python.enableMetricsLogging(args[0]);
      return previous;
    },
    pemToId(...args) {
      arity(args, 1, expected1);
      return python.pemToId(textOf(args[0]));
    },
    tcbHexToPolicy(...args) {
      arity(args, 2, ", but expected 2");
      return parse(python.tcbHexToPolicy(textOf(args[0]), textOf(args[1])));
    },
  });
})

(function (python, { stringify, textOf, isError, methods }) {
  function line(args) {
    let text = "";
    for (let i = 0; i < args.length; i++) {
      const value = args[i];
      const isPlainObject =
        value !== null && !isError(value) &&
        (typeof value === "object" || typeof value === "function");
      if (i > 0) text += " ";
      text += isPlainObject ? textOf(stringify(value)) : textOf(value);
    }
    return text;
  }
  globalThis.console = methods({}, {
    log(...args) { python.write("info", line(args)); },
    info(...args) { python.write("info", line(args)); },
    warn(...args) { python.write("fail", line(args)); },
    error(...args) { python.write("fatal", line(args)); },
  });
})

(function (
  python, evaluate, utf8Of, textOf, isBuffer,
  hostFunction, converter, mapMethod, mapsOf, bodyReader, server,
) {
  const { apply, has } = Reflect;
  const { isError } = Error;
  const { parse, stringify } = JSON;
  const toText = String;
  const classes = { __proto__: null, Error, TypeError, RangeError, InternalError };
  const then = Promise.prototype.then;
  const ccf = (globalThis.ccf = {});

  // Throws what the Python function that was called last would have thrown.
  function raise() {
    throw new classes[python(0, true)](python(0, false));
  }

  const tools = {
    ccf,
    apply,
    stringify,
    parse,
    isError,
    utf8Of,
    textFrom: textOf,
    isBuffer,
    converter,
    mapMethod,
    mapsOf,
    bodyReader,
    server,
    // CCF's wording differs between its files: some have a comma, some spell the
    // number; each extension passes its own.
    arity(args, count, expectation) {
      if (args.length !== count) {
        throw new TypeError(`Passed ${args.length} arguments${expectation}`);
      }
    },
    checkBuffer(value) {
      if (!isBuffer(value)) {
        throw new TypeError("Argument must be an ArrayBuffer");
      }
    },
    // Where CCF leaves it to the engine to say what is wrong with an argument.
    needBuffer(value) {
      if (!isBuffer(value)) throw new TypeError("ArrayBuffer object expected");
    },
    textOf(value) {
      try {
        return `${value}`;
      } catch {
        throw new TypeError("value is not a string");
      }
    },
    namespace(name, members) {
      ccf[name] = tools.methods({}, members);
    },
    // Methods that look native: named, not constructible, with CCF's length.
    methods(target, members) {
      for (const name in members) target[name] = members[name];
      return target;
    },
  };

  function reasonOf(thrown) {
    try {
      if (!isError(thrown) && typeof thrown === "object" && thrown !== null) {
        return stringify(thrown) ?? "";
      }
      return toText(thrown);
    } catch {
      return "";
    }
  }

  function traceOf(thrown) {
    try {
      const { stack } = thrown;
      return stack === undefined ? undefined : toText(stack);
    } catch {
      return undefined;
    }
  }

  function fail(thrown) {
    python(1, reasonOf(thrown), isError(thrown) ? traceOf(thrown) : undefined);
  }

  const loaded = { __proto__: null };
  let main;
  return {
    install(script, file, names) {
      const installers = evaluate(script, file);
      const extensions = names.split(";");
      let index = 2;
      for (let i = 0; i < installers.length; i++) {
        const functions = { __proto__: null };
        for (const name of extensions[i].split(",")) {
          functions[name] = hostFunction(index++, raise);
        }
        installers[i](functions, tools);
      }
    },
    load(name) {
      main = undefined;
      if (name in loaded) {
        main = loaded[name];
        return undefined;
      }
      return apply(then, import(name), [(ns) => { main = loaded[name] = ns; }, fail]);
    },
    kindOf(name) {
      return main !== undefined && has(main, name) ? typeof main[name] : "absent";
    },
    parameterCount(name) {
      return main[name].length >>> 0;
    },
    serve(module, name, given) {
      main = loaded[module];
      if (main === undefined || !has(main, name)) return "absent";
      if (typeof main[name] !== "function") return "present";
      try {
        const pending = tools.serve(main[name], given);
        return pending && apply(then, pending, [undefined, fail]);
      } catch (thrown) {
        fail(thrown);
      }
    },
    call(name, mask, ...args) {
      try {
        for (let i = 0; i < args.length; i++) {
          if (mask[i] === "j") args[i] = parse(args[i]);
        }
        const callee = main[name];
        return stringify(apply(callee, undefined, args));
      } catch (thrown) {
        fail(thrown);
      }
    },
  };
})

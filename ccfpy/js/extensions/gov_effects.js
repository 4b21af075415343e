(function (python, { arity, ccf, methods, stringify, textOf }) {
  function jsonOf(value, name) {
    let text;
    try {
      text = stringify(value);
    } catch {
      throw new TypeError(`${name} argument is not a JSON object`);
    }
    return textOf(text);
  }
  methods(ccf, {
    refreshAppBytecodeCache(...args) {
      arity(args, 0, " but expected none");
      python.refreshAppBytecodeCache();
    },
    setJwtPublicSigningKeys(...args) {
      arity(args, 3, " but expected 3");
      python.setJwtPublicSigningKeys(
        textOf(args[0]), jsonOf(args[1], "metadata"), jsonOf(args[2], "jwks"));
    },
    removeJwtPublicSigningKeys(...args) {
      arity(args, 1, " but expected 1");
      python.removeJwtPublicSigningKeys(textOf(args[0]));
    },
  });
})

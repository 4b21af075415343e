(function (python, { arity, namespace }) {
  namespace("gov", {
    validateConstitution(...args) {
      arity(args, 1, ", but expected 1");
      if (typeof args[0] !== "string") {
        throw new TypeError("constitution is not a string");
      }
      python.validate(args[0]);
      return true;
    },
  });
})

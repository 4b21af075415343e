(function (python, { arity, checkBuffer, namespace }) {
  const expected1 = " but expected 1";
  namespace("rpc", {
    setApplyWrites(...args) {
      arity(args, 1, expected1);
      python.setApplyWrites(!!args[0]);
    },
    setClaimsDigest(...args) {
      arity(args, 1, expected1);
      checkBuffer(args[0]);
      python.setClaimsDigest(args[0]);
    },
  });
})

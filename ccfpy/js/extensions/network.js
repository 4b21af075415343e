(function (python, { arity, namespace, textOf }) {
  const trunc = Math.trunc;
  const max = Number.MAX_SAFE_INTEGER;
  function toIndex(value) {
    const number = trunc(value) || 0;
    if (number < 0 || number > max) throw new RangeError("invalid array index");
    return number;
  }
  namespace("network", {
    getLatestLedgerSecretSeqno(...args) {
      arity(args, 0, " but expected none");
      return python.getLatestLedgerSecretSeqno();
    },
    generateEndorsedCertificate(...args) {
      arity(args, 3, " but expected 3");
      return python.generateEndorsedCertificate(
        textOf(args[0]), textOf(args[1]), toIndex(args[2]));
    },
    generateNetworkCertificate(...args) {
      arity(args, 2, " but expected 2");
      return python.generateNetworkCertificate(textOf(args[0]), toIndex(args[1]));
    },
  });
})

(function (python, { arity, namespace, parse }) {
  const trunc = Math.trunc;
  // ECMAScript's ToInt64, near enough: no view or seqno is beyond a double's integers.
  function toInteger(value) {
    const number = trunc(value);
    return number === number && number - number === 0 ? number : 0;
  }
  namespace("consensus", {
    getLastCommittedTxId(...args) {
      arity(args, 0, ", but expected 0");
      return parse(python.lastCommitted());
    },
    getStatusForTxId(...args) {
      arity(args, 2, ", but expected 2");
      const view = toInteger(args[0]);
      const seqno = toInteger(args[1]);
      if (view < 0 || seqno < 0) {
        throw new RangeError("Invalid view or seqno: cannot be negative");
      }
      return python.status(view, seqno);
    },
    getViewForSeqno(...args) {
      arity(args, 1, ", but expected 1");
      const seqno = toInteger(args[0]);
      if (seqno < 0) throw new RangeError("Invalid seqno: cannot be negative");
      return python.view(seqno) ?? null;
    },
  });
})

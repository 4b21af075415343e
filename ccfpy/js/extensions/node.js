(function (python, { arity, isBuffer, namespace }) {
  const none = " but expected none";
  namespace("node", {
    triggerLedgerRekey(...args) {
      arity(args, 0, none);
      python.triggerLedgerRekey();
    },
    transitionServiceToOpen(...args) {
      arity(args, 2, " but expected two");
      const [previous, next] = args;
      if (previous !== undefined && !isBuffer(previous)) {
        throw new TypeError(
          "Previous service identity argument is not an array buffer");
      }
      if (next === undefined) {
        throw new InternalError("Proposal requires a service identity");
      }
      if (!isBuffer(next)) {
        throw new TypeError("Next service identity argument is not an array buffer");
      }
      python.transitionServiceToOpen(previous, next);
    },
    triggerRecoverySharesRefresh(...args) {
      arity(args, 0, none);
      python.triggerRecoverySharesRefresh();
    },
    triggerLedgerChunk() { python.triggerLedgerChunk(); },
    triggerSnapshot() { python.triggerSnapshot(); },
  });
})

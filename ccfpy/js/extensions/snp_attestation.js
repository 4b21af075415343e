(function (python, { apply, needBuffer, methods, parse, textOf }) {
  const { slice } = ArrayBuffer.prototype;
  const { keys } = Object;
  const places = {
    family_id: [0x010, 16],
    image_id: [0x020, 16],
    report_data: [0x050, 64],
    measurement: [0x090, 48],
    host_data: [0x0c0, 32],
    id_key_digest: [0x0e0, 48],
    author_key_digest: [0x110, 48],
    report_id: [0x140, 32],
    report_id_ma: [0x160, 32],
    chip_id: [0x1a0, 64],
  };
  const part = (raw, [offset, size]) => apply(slice, raw, [offset, offset + size]);

  globalThis.snp_attestation = methods({}, {
    verifySnpAttestation(...args) {
      if (args.length < 2 || args.length > 4) {
        throw new TypeError(
          `Passed ${args.length} arguments, but expected between 2 and 4`);
      }
      const [evidence, endorsements, uvmEndorsements, tcb] = args;
      needBuffer(evidence);
      needBuffer(endorsements);
      if (uvmEndorsements !== undefined) needBuffer(uvmEndorsements);
      const endorsedTcb = tcb === undefined ? undefined : textOf(tcb);
      const result = parse(
        python.verify(evidence, endorsements, uvmEndorsements, endorsedTcb));
      const { attestation } = result;
      for (const name of keys(places)) attestation[name] = part(evidence, places[name]);
      attestation.signature = {
        r: part(evidence, [0x2a0, 72]),
        s: part(evidence, [0x2e8, 72]),
      };
      return result;
    },
  });
})

(function (python, tools) {
  const { arity, needBuffer, isBuffer, namespace, parse, stringify, textOf } = tools;
  const expected = (args, count) => arity(args, count, `, but expected ${count}`);
  function oneOrTwo(args) {
    if (args.length !== 2) arity(args, 1, ", but expected 1 or 2");
  }
  const label = (algorithm) => {
    const given = algorithm.label;
    return isBuffer(given) ? given : undefined;
  };
  const hashOf = (name, algorithm) =>
    name === "EdDSA" ? "" : textOf(algorithm.hash);
  const salt = (algorithm) => {
    const given = +algorithm.saltLength;
    return given === given ? given : 0;
  };
  const toPair = (text) => parse(text);
  const { trunc } = Math;
  const toInt32 = (value) => trunc(value) | 0;
  const toUint32 = (value) => trunc(value) >>> 0;

  function wrapping(operation) {
    return (...args) => {
      expected(args, 3);
      const [key, wrappingKey, algorithm] = args;
      needBuffer(key);
      needBuffer(wrappingKey);
      const name = textOf(algorithm.name);
      if (name === "RSA-OAEP") {
        return operation(name, key, wrappingKey, label(algorithm), 0);
      }
      if (name === "RSA-OAEP-AES-KWP") {
        const size = toInt32(algorithm.aesKeySize);
        return operation(name, key, wrappingKey, label(algorithm), size);
      }
      return operation(name, key, wrappingKey, undefined, 0);
    };
  }

  const members = {
    sign(...args) {
      expected(args, 3);
      const [algorithm, key, data] = args;
      const name = textOf(algorithm.name);
      const hash = hashOf(name, algorithm);
      const keyText = textOf(key);
      needBuffer(data);
      return python.sign(name, hash, keyText, data, salt(algorithm));
    },
    verifySignature(...args) {
      expected(args, 4);
      const [algorithm, key, signature, data] = args;
      needBuffer(signature);
      needBuffer(data);
      const name = textOf(algorithm.name);
      const hash = hashOf(name, algorithm);
      return python.verify(name, hash, textOf(key), signature, data, salt(algorithm));
    },
    generateAesKey(...args) {
      expected(args, 1);
      return python.aesKey(toInt32(args[0]));
    },
    generateRsaKeyPair(...args) {
      oneOrTwo(args);
      const exponent = args.length === 2 ? toUint32(args[1]) : 65537;
      return toPair(python.rsaPair(toUint32(args[0]), exponent));
    },
    generateEcdsaKeyPair(...args) {
      expected(args, 1);
      return toPair(python.ecdsaPair(textOf(args[0])));
    },
    generateEddsaKeyPair(...args) {
      expected(args, 1);
      return toPair(python.eddsaPair(textOf(args[0])));
    },
    wrapKey: wrapping(python.wrap),
    unwrapKey: wrapping(python.unwrap),
    digest(...args) {
      expected(args, 2);
      if (textOf(args[0]) !== "SHA-256") {
        throw new RangeError("unsupported digest algorithm, supported: SHA-256");
      }
      needBuffer(args[1]);
      return python.sha256(args[1]);
    },
    isValidX509CertBundle(...args) {
      expected(args, 1);
      return python.isValidBundle(textOf(args[0]));
    },
    isValidX509CertChain(...args) {
      expected(args, 2);
      return python.isValidChain(textOf(args[0]), textOf(args[1]));
    },
  };
  const kinds = ["pub", "", "pubRsa", "rsa", "pubEddsa", "eddsa"];
  for (let i = 0; i < kinds.length; i++) {
    const kind = kinds[i];
    members[kind === "" ? "pemToJwk" : kind + "PemToJwk"] = (...args) => {
      oneOrTwo(args);
      const pem = textOf(args[0]);
      const kid = args.length === 2 ? textOf(args[1]) : undefined;
      return parse(python.toJwk(kind, pem, kid));
    };
    members[kind === "" ? "jwkToPem" : kind + "JwkToPem"] = (...args) => {
      expected(args, 1);
      return python.toPem(kind, textOf(stringify(args[0])));
    };
  }
  namespace("crypto", members);
  const deprecated = [
    "generateAesKey", "generateRsaKeyPair", "generateEcdsaKeyPair", "wrapKey",
    "digest", "isValidX509CertBundle", "isValidX509CertChain",
  ];
  for (let i = 0; i < deprecated.length; i++) {
    tools.ccf[deprecated[i]] = members[deprecated[i]];
  }
})

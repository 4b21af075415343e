// Behind a constitution, as a part of its module: which actions it defines, and which
// arguments each takes. An action says nothing about its arguments but by checking
// them, so its check runs on an object that notes which names the check looks at. The
// words in which the check refuses a value say what the value must be.

export function definitions(examples) {
  // No check takes a function, so each that looks at a value says what it wants.
  const wrong = () => 0;

  function attempt(validate, given) {
    const looked = [];
    const args = new Proxy(given, {
      get(target, name) {
        if (typeof name === "string" && !looked.includes(name)) looked.push(name);
        return target[name];
      },
    });
    try {
      validate(args);
      return { looked, refusal: null };
    } catch (e) {
      return { looked, refusal: String(e?.message ?? e) };
    }
  }

  function argumentsOf(validate) {
    const found = new Map();
    const given = {};
    for (let round = 0; round < 64; round++) {
      const { looked, refusal } = attempt(validate, { ...given });
      for (const name of looked) {
        if (!found.has(name)) found.set(name, { name, required: false, wanted: "" });
      }
      const last = looked[looked.length - 1];
      if (refusal === null || last === undefined || last in given) break;
      found.get(last).required = true;
      // Go on with the first example that leads further, to see what comes next.
      const further = examples.find((example) => {
        const next = attempt(validate, { ...given, [last]: example });
        return next.refusal === null || next.looked[next.looked.length - 1] !== last;
      });
      if (further === undefined) break;
      given[last] = further;
    }
    for (const [name, argument] of found) {
      argument.wanted = attempt(validate, { ...given, [name]: wrong }).refusal ?? "";
    }
    return [...found.values()];
  }

  return [...actions].map(([name, action]) => ({
    name,
    arguments: argumentsOf((args) => action.validate(args)),
  }));
}

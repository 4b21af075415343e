// Decides, before anyone votes, whether a proposal can be carried out at all. Every
// fault is reported, so that a proposal need not be repaired one fault at a time.

export function validate(input) {
  const proposed = JSON.parse(input)?.actions;
  if (!Array.isArray(proposed)) {
    return { valid: false, description: "actions must be an array" };
  }
  const faults = [];
  for (const [position, proposal] of proposed.entries()) {
    const { name, args } = proposal ?? {};
    const definition = actions.get(name);
    if (definition === undefined) {
      faults.push(`${name}: no such action`);
      continue;
    }
    try {
      definition.validate(args);
    } catch (e) {
      faults.push(
        `${name} at position ${position} failed validation: ${e}\n${e.stack}`,
      );
    }
  }
  return { valid: faults.length === 0, description: faults.join(", ") };
}

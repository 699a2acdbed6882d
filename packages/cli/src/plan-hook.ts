// Loaded before a program whose plan is wanted: leveret finds the function at its start, and waits for it.
const asked = (plan: unknown) =>
  new Promise<never>(() => {
    process.send?.(plan, () => process.exit(0));
  });

Object.assign(globalThis, { [Symbol.for('leveret.plan')]: asked });

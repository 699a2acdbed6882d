/** What a person has written into the field of headers: what changes, or why it cannot be read. */
export type HeaderEdit =
  | { readonly headers: Readonly<Record<string, unknown>> | undefined; readonly fault?: never }
  | { readonly headers?: never; readonly fault: string };

/** Compares headers as they were written with those before: changed ones, and `null` for each that was taken away. */
export function headerEdit(before: Readonly<Record<string, unknown>>, written: string): HeaderEdit {
  let after: unknown;
  try {
    after = JSON.parse(written);
  } catch (error) {
    return { fault: `The headers are no JSON: ${(error as Error).message}` };
  }
  if (typeof after !== 'object' || after === null || Array.isArray(after)) {
    return { fault: 'Expected the headers as a JSON object, such as {"tenant": "acme"}.' };
  }
  const now = after as Record<string, unknown>;
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const changes = names.flatMap((name) => {
    if (!Object.hasOwn(now, name)) return [[name, null] as const];
    return JSON.stringify(before[name]) === JSON.stringify(now[name]) ? [] : [[name, now[name]] as const];
  });
  return { headers: changes.length === 0 ? undefined : Object.fromEntries(changes) };
}

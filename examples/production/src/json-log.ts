import type { Logger } from 'leveret';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** A line of JSON for each entry, on stdout: what collectors of container logs read. pino can stand here as it is. */
export function jsonLog(level: string): Logger {
  const least = LEVELS.indexOf(level as (typeof LEVELS)[number]);
  const write = (each: (typeof LEVELS)[number]) => (fields: object, text: string) => {
    if (LEVELS.indexOf(each) < least) return;
    // Named last: a field of the same name cannot take their place.
    const entry = { ...fields, time: new Date().toISOString(), level: each, text };
    process.stdout.write(`${JSON.stringify(entry, withErrors)}\n`);
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/** Of an error JSON knows nothing: name, code and text, with the causes. */
function withErrors(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return typeof value === 'bigint' ? String(value) : value;
  const { name, message, stack, cause } = value;
  return { name, code: (value as { code?: unknown }).code, message, stack, cause };
}

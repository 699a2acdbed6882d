/**
 * Texts of AMQP tables: JSON, with what JSON has no word for under a `$` name. Reading gives back what was written, byte
 * for byte; properties that are `undefined` are left out, as on the wire.
 */
export function writeTable(table: object): string {
  return JSON.stringify(encode(table));
}

/** Reads what {@link writeTable} wrote. @throws {SyntaxError} when it is something else */
export function readTable(text: string): Record<string, unknown> {
  const table: unknown = JSON.parse(text);
  // Most are as JSON has them.
  return (HAS_NAMES.test(text) ? decode(table) : table) as Record<string, unknown>;
}

/** What begins with a `$` may be one of our names, however it is written. */
const HAS_NAMES = /"(?:\$|\\u0024)/;

function encode(value: unknown): unknown {
  if (typeof value === 'bigint') return { $bigint: String(value) };
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0) ? value : { $number: numberText(value) };
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return { $date: value.getTime() };
  if (value instanceof Uint8Array)
    return { $bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') };
  if (Array.isArray(value)) return value.map(encode);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  const encoded = fromEntries(entries.map(([name, each]) => [name, encode(each)]));
  // An object that looks like one of ours.
  return entries.length === 1 && entries[0]?.[0].startsWith('$') ? { $object: encoded } : encoded;
}

function decode(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(decode);
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) {
    const [name, inner] = only;
    if (name === '$bigint') return BigInt(String(inner));
    if (name === '$number') return Number(inner);
    if (name === '$date') return new Date(inner === null ? Number.NaN : Number(inner));
    if (name === '$bytes') return Buffer.from(String(inner), 'base64');
    if (name === '$object')
      return fromEntries(Object.entries(inner as object).map(([key, each]) => [key, decode(each)]));
  }
  return fromEntries(entries.map(([name, each]) => [name, decode(each)]));
}

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Unlike assignment, this makes an own property of `__proto__` too. */
function fromEntries(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(entries) as Record<string, unknown>;
}

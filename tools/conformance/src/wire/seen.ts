import { encodeField, type FieldTable, type FieldValue, type Seen } from './codec.js';

export type { Seen } from './codec.js';

const LONG_BODY = 80;
/** What is nested deeper is compared by its bytes. */
const DEEPEST = 20;

/** What was seen as one line with every field, property and header, each header with the letter of its type. */
export function describeSeen(seen: Seen): string {
  const parts: string[] = [seen.name];
  if (seen.name === 'protocol header') parts.push(`[${[...(seen.body ?? [])].join(' ')}]`);
  if (seen.method !== undefined) {
    for (const [name, value] of seen.method.entries()) parts.push(`${name}=${describeValue(value)}`);
  }
  if (seen.properties !== undefined) {
    for (const [name, value] of Object.entries(seen.properties)) parts.push(`${name}=${describeValue(value)}`);
    parts.push(describeBody(seen));
  }
  return parts.join(' ');
}

function describeBody(seen: Seen): string {
  const body = seen.body ?? Buffer.alloc(0);
  const frames = seen.bodyFrames !== undefined && seen.bodyFrames.length > 1 ? ` in ${seen.bodyFrames.join('+')}` : '';
  if (body.length <= LONG_BODY) return `body=${JSON.stringify(body.toString('latin1'))}${frames}`;
  return `body=${sumOf(body)}${frames}`;
}

function sumOf(bytes: Buffer): string {
  return `${bytes.length} bytes, sum ${bytes.reduce((total, byte) => (total * 31 + byte) % 1_000_000_007, 7)}`;
}

function describeValue(value: string | number | bigint | boolean | FieldTable): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object') return describeTable(value);
  return String(value);
}

function describeTable(table: FieldTable, depth = 0): string {
  return `{${table.map(([key, field]) => `${key}:${describeField(field, depth)}`).join(', ')}}`;
}

function describeField(field: FieldValue, depth: number): string {
  const { tag, value } = field;
  if ((tag === 'F' || tag === 'A') && depth >= DEEPEST) return `${tag} of ${sumOf(encodeField(field))}`;
  if (tag === 'F') return describeTable(value as FieldTable, depth + 1);
  if (tag === 'A')
    return `[${(value as readonly FieldValue[]).map((item) => describeField(item, depth + 1)).join(', ')}]`;
  if (tag === 'D') return `D${JSON.stringify(value)}`;
  return `${tag}${typeof value === 'string' ? JSON.stringify(value) : String(value)}`;
}

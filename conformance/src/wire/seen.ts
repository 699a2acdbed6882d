import type { FieldTable, FieldValue, Seen } from './codec.js';

export type { Seen } from './codec.js';

const LONG_BODY = 80;

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
  const sum = body.reduce((total, byte) => (total * 31 + byte) % 1_000_000_007, 7);
  return `body=${body.length} bytes, sum ${sum}${frames}`;
}

function describeValue(value: string | number | bigint | boolean | FieldTable): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object') return describeTable(value);
  return String(value);
}

function describeTable(table: FieldTable): string {
  return `{${table.map(([key, field]) => `${key}:${describeField(field)}`).join(', ')}}`;
}

function describeField({ tag, value }: FieldValue): string {
  if (tag === 'F') return describeTable(value as FieldTable);
  if (tag === 'A') return `[${(value as readonly FieldValue[]).map(describeField).join(', ')}]`;
  if (tag === 'D') return `D${JSON.stringify(value)}`;
  return `${tag}${typeof value === 'string' ? JSON.stringify(value) : String(value)}`;
}

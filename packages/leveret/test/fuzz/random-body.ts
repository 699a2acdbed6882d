import { gzipSync } from 'node:zlib';
import type { Random } from './random.js';

const ODD_TEXTS = [
  '',
  'x'.repeat(10_000),
  '\u0000\u001b[2J\u202e\u2028',
  '2026-11-27T00:00:00Z',
  '9007199254740993',
  '😀'.repeat(300),
  '(a+)+$'.repeat(50),
  '__proto__',
];
const ODD_NUMBERS = [
  '1',
  '-0',
  '1e400',
  '9007199254740993',
  '0.1',
  '1E-400',
  `${'9'.repeat(300)}`,
  '01',
  'NaN',
  '0x10',
];
const ODD_KEYS = ['id', 'items', 'name', '__proto__', 'constructor', 'toString', '', 'a\u0000b', 'length', 'then'];

/** A body: mostly JSON that looks like an order, with something odd in it, at times a large or broken one. */
export function randomBody(random: Random): Buffer {
  const text = random.once(12) ? large(random) : json(random, 0);
  if (random.once(15)) return random.bytes(random.below(200));
  const bytes = Buffer.from(text);
  if (random.once(6)) return mutated(random, bytes);
  return random.once(20) ? gzipSync(bytes) : bytes;
}

function json(random: Random, depth: number): string {
  const kind = random.below(depth === 0 ? 3 : 8);
  if (kind < 2) return order(random, depth);
  if (kind === 2) return `[${Array.from({ length: random.below(5) }, () => value(random, depth + 1)).join(',')}]`;
  return value(random, depth);
}

function order(random: Random, depth: number): string {
  const entries = [`"id":${value(random, depth + 1)}`, `"items":${items(random, depth + 1)}`];
  while (random.once(2)) entries.push(`${JSON.stringify(random.pick(ODD_KEYS))}:${value(random, depth + 1)}`);
  return `{${entries.join(random.once(9) ? ' ,\n' : ',')}}`;
}

function items(random: Random, depth: number): string {
  if (random.once(6)) return value(random, depth);
  const item = (): string => `{"name":${value(random, depth + 1)},"count":${random.below(9)}}`;
  return `[${Array.from({ length: random.below(4) }, item).join(',')}]`;
}

function value(random: Random, depth: number): string {
  switch (random.below(depth > 6 ? 5 : 8)) {
    case 0:
    case 1:
      return String(random.below(1000));
    case 2:
      return random.pick(ODD_NUMBERS);
    case 3:
      return JSON.stringify(random.pick(ODD_TEXTS));
    case 4:
      return random.pick(['null', 'true', 'false', '""', '{}', '[]']);
    default:
      return json(random, depth + 1);
  }
}

/** What may cost: deep, wide, or with many violations; up to a megabyte, where the defaults end. */
function large(random: Random): string {
  const bytes = 1_000 * (1 + random.below(1_040));
  const fill = (unit: string): string => unit.repeat(Math.max(1, Math.floor(bytes / unit.length)));
  const commas = (unit: string): string => fill(`${unit},`).slice(0, -1);
  switch (random.below(9)) {
    case 0:
      return `{"id":1,"items":[${commas('{}')}]}`;
    case 1:
      return `{"id":1,"items":[${commas('{"name":1,"count":"x"}')}]}`;
    case 2:
      return `{"id":1,"items":[${commas('[]')}]}`;
    case 3: {
      const depth = Math.floor(bytes / 12);
      return `{"id":1,"items":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    }
    case 4: {
      const depth = Math.floor(bytes / 12);
      return `${'{"items":['.repeat(depth)}1${']}'.repeat(depth)}`;
    }
    case 5: {
      const keys = Array.from({ length: Math.floor(bytes / 12) }, (_, i) => `"k${i}":${i % 10}`);
      return `{${keys.join(',')}}`;
    }
    case 6:
      return `{"id":1,"name":"${fill('\\u0061')}"}`;
    case 7:
      return `{"id":${fill('9')}}`;
    default:
      return `[${commas('{"id":1,"items":[{"name":"a","count":1}]}')}]`;
  }
}

function mutated(random: Random, original: Buffer): Buffer {
  const bytes = Buffer.from(original);
  for (let changes = 1 + random.below(4); changes > 0 && bytes.length > 0; changes--) {
    bytes[random.below(bytes.length)] = random.below(256);
  }
  return random.once(3) ? bytes.subarray(0, random.below(bytes.length + 1)) : bytes;
}

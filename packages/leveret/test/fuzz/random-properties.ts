import type { Random } from './random.js';

const CONTENT_TYPES = [
  'application/json',
  'application/json',
  'application/json',
  'application/json;charset=utf-8',
  'application/json; charset=latin1',
  'application/vnd.x+json',
  'text/plain',
  'text/json',
  'application/octet-stream',
  'application/x-java-serialized-object',
  '\u001b[31m',
  '',
];
const ENCODINGS = ['gzip', 'deflate', 'br', 'utf-8', 'gzip,gzip', 'nothing'];
const TYPES = 'bBsuIilLfdtVSxTDFA';
const SIZES: Readonly<Record<string, number>> = { b: 1, B: 1, t: 1, s: 2, u: 2, I: 4, i: 4, f: 4, D: 5, V: 0 };
const HEADERS = [
  '__TypeId__',
  'x-death',
  'x-leveret-original-queue',
  'x-exception-message',
  'spring_returned',
  '__proto__',
];
const [TYPE, TABLE, EXPIRATION, USER_ID] = [15, 13, 8, 4];

/** How each property is made, by its flag; the others are short texts. */
const PROPERTIES: Readonly<Record<number, (random: Random) => Buffer>> = {
  15: (random) => shortText(Buffer.from(random.pick(CONTENT_TYPES), 'latin1')),
  14: (random) => shortText(Buffer.from(random.pick(ENCODINGS))),
  13: (random) => sized(random.once(20) ? deep(random) : entries(random, 0)),
  12: (random) => Buffer.from([1 + random.below(2)]),
  11: (random) => random.bytes(1),
  6: (random) => random.bytes(8),
};
const anyText = (random: Random): Buffer =>
  shortText(random.bytes(random.once(8) ? random.below(256) : random.below(8)));

/**
 * Message properties as bytes, flags first: mostly such that the body is looked at, else anything a sender can write. Never
 * an expiration or a user id: a broker acts on them before anybody reads the message.
 */
export function randomProperties(random: Random): Buffer {
  let flags = random.once(3) ? random.below(0x4000) << 2 : 1 << TYPE;
  if (random.once(3)) flags |= 1 << TABLE;
  flags &= ~((1 << EXPIRATION) | (1 << USER_ID));
  const parts: Buffer[] = [Buffer.from([flags >> 8, flags & 0xff])];
  for (let bit = TYPE; bit >= 2; bit--) {
    if ((flags & (1 << bit)) !== 0) parts.push((PROPERTIES[bit] ?? anyText)(random));
  }
  return Buffer.concat(parts);
}

function entries(random: Random, depth: number): Buffer {
  return Buffer.concat(
    Array.from({ length: random.below(6) }, () => {
      const name = random.once(4) ? Buffer.from(random.pick(HEADERS)) : random.bytes(random.below(12));
      return Buffer.concat([shortText(name), value(random, depth)]);
    }),
  );
}

function value(random: Random, depth: number): Buffer {
  const type = random.pick([...TYPES]);
  return Buffer.concat([Buffer.from(type), content(random, type, depth)]);
}

function content(random: Random, type: string, depth: number): Buffer {
  if (type === 'S' || type === 'x') return sized(random.bytes(random.below(40)));
  if (type === 'F') return sized(depth > 4 ? Buffer.alloc(0) : entries(random, depth + 1));
  if (type === 'A') {
    const items = depth > 4 ? 0 : random.below(5);
    return sized(Buffer.concat(Array.from({ length: items }, () => value(random, depth + 1))));
  }
  return random.bytes(SIZES[type] ?? 8);
}

/** One header of tables or arrays in each other, up to what a frame has room for. */
function deep(random: Random): Buffer {
  const isTable = random.once(2);
  const level = isTable ? Buffer.from([0, 0x46, 0, 0, 0, 0]) : Buffer.from([0x41, 0, 0, 0, 0]);
  const all = Buffer.concat(Array.from({ length: 1 + random.below(isTable ? 18_000 : 22_000) }, () => level));
  for (let end = level.length; end <= all.length; end += level.length) all.writeUInt32BE(all.length - end, end - 4);
  return isTable ? all : Buffer.concat([Buffer.from([1, 0x61]), all]);
}

function shortText(text: Buffer): Buffer {
  return Buffer.concat([Buffer.from([text.length]), text]);
}

function sized(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

import { bytes } from './property-bytes.js';

const TYPES = 'bBsuIilLfdtVSxTDFA';
const SIZES: Readonly<Record<string, number>> = { b: 1, B: 1, t: 1, s: 2, u: 2, I: 4, i: 4, f: 4, D: 5, V: 0 };

/**
 * Property flags and properties by chance, the same for the same seed: well-formed ones, ones with some bytes changed or
 * cut off, and plain noise.
 */
export function randomSection(seed: number): Buffer {
  const random = generator(seed);
  if (random(10) === 0) return noise(random, random(60));
  const section = wellFormed(random);
  if (random(3) === 0) return section;
  const changed = Buffer.from(section);
  for (let changes = 1 + random(4); changes > 0; changes--) {
    if (changed.length > 0) changed[random(changed.length)] = random(256);
  }
  return random(4) === 0 ? changed.subarray(0, random(changed.length + 1)) : changed;
}

/** A whole number below another, by chance. */
export type Random = (below: number) => number;

function wellFormed(random: Random): Buffer {
  const flags = random(0x4000) << 2;
  const parts: Buffer[] = [Buffer.from([flags >> 8, flags & 0xff])];
  for (let bit = 15; bit >= 2; bit--) {
    if ((flags & (1 << bit)) === 0) continue;
    if (bit === 13) parts.push(bytes(entries(random, 0)));
    else if (bit === 12 || bit === 11) parts.push(noise(random, 1));
    else if (bit === 6) parts.push(noise(random, 8));
    else parts.push(short(random));
  }
  return Buffer.concat(parts);
}

function entries(random: Random, depth: number): Buffer {
  return Buffer.concat(Array.from({ length: random(6) }, () => Buffer.concat([short(random), value(random, depth)])));
}

function value(random: Random, depth: number): Buffer {
  const type = TYPES[random(TYPES.length)] as string;
  return Buffer.concat([Buffer.from(type), content(random, type, depth)]);
}

function content(random: Random, type: string, depth: number): Buffer {
  if (type === 'S' || type === 'x') return bytes(noise(random, random(20)));
  if (type === 'F') return bytes(depth > 4 ? Buffer.alloc(0) : entries(random, depth + 1));
  if (type === 'A') {
    const items = depth > 4 ? 0 : random(5);
    return bytes(Buffer.concat(Array.from({ length: items }, () => value(random, depth + 1))));
  }
  return noise(random, SIZES[type] ?? 8);
}

function short(random: Random): Buffer {
  const length = random(8) === 0 ? random(256) : random(8);
  return Buffer.concat([Buffer.from([length]), noise(random, length)]);
}

function noise(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => (random(2) === 0 ? 0x61 + random(26) : random(256))));
}

/** mulberry32: the same numbers for the same seed. */
export function generator(seed: number): Random {
  let state = (seed * 2_654_435_761) >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

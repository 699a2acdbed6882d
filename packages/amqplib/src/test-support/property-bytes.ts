/** Bytes of message properties, as a sender makes them who does not keep to what clients write. */

export function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

/** With their length in four bytes before them. */
export function bytes(...parts: readonly Buffer[]): Buffer {
  const all = Buffer.concat(parts);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(all.length);
  return Buffer.concat([length, all]);
}

/** One entry of a table. */
export function entry(name: string, type: string, value: string | Buffer): Buffer {
  const own = Buffer.from(name);
  return Buffer.concat([
    Buffer.from([own.length]),
    own,
    Buffer.from(type),
    Buffer.isBuffer(value) ? value : hex(value),
  ]);
}

/** The entries of a table that holds so many tables, one within the other. */
export function table(levels: number): Buffer {
  return nested(levels, Buffer.from([1, 0x61, 0x46]));
}

/** The same of arrays, in one entry. */
export function array(levels: number): Buffer {
  return Buffer.concat([Buffer.from([1, 0x61]), nested(levels, Buffer.from([0x41]))]);
}

function nested(levels: number, start: Buffer): Buffer {
  const level = Buffer.concat([start, Buffer.alloc(4)]);
  const all = Buffer.concat(Array.from({ length: levels }, () => level));
  for (let i = 1; i <= levels; i++) all.writeUInt32BE(all.length - level.length * i, level.length * i - 4);
  return all;
}

/** Counting ends here: no table that can be sent is larger, and a value that holds itself would never end. */
const ENOUGH_BYTES = 1024 * 1024;

/**
 * Bytes that headers take as an AMQP field table, never less than what amqplib writes for them. What is larger than a
 * mebibyte is not counted to its end.
 * @see https://www.rabbitmq.com/amqp-0-9-1-errata#section_3
 */
export function tableBytes(table: Readonly<Record<string, unknown>>): number {
  let bytes = 0;
  // A list of what is still to be counted, not a recursion: senders choose how deep their headers nest.
  const open: unknown[] = [table];
  while (open.length > 0 && bytes < ENOUGH_BYTES) {
    const value = open.pop();
    bytes += ownBytes(value);
    if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) continue;
    if (Array.isArray(value)) {
      bytes += value.length;
      for (const item of value) open.push(item);
      continue;
    }
    // amqplib writes inherited names as well, and leaves out what is undefined.
    for (const name in value) {
      const child = (value as Record<string, unknown>)[name];
      if (child === undefined) continue;
      bytes += 2 + Buffer.byteLength(name);
      open.push(child);
    }
  }
  return bytes;
}

/** A value without its type, its name and its children. */
function ownBytes(value: unknown): number {
  if (typeof value === 'string') return 4 + Buffer.byteLength(value);
  if (typeof value === 'boolean') return 1;
  if (typeof value === 'number' || typeof value === 'bigint' || value instanceof Date) return 8;
  if (Buffer.isBuffer(value)) return 4 + value.length;
  return typeof value === 'object' && value !== null ? 4 : 0;
}

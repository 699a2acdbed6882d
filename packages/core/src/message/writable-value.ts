const MAX_NAME_BYTES = 255;
/** Writers recurse: a sender who nests thousands deep must not exhaust their stack. */
const MAX_DEPTH = 64;

/**
 * Whether a header that was received can be written again. Senders can make headers that cannot: names that are not
 * UTF-8 grow when they are read, tables nest as deep as a frame allows, a table with the key `!` looks like amqplib's
 * notation for a type, and the last thousand timestamps round up to one too many.
 * @see https://amqp-node.github.io/amqplib/channel_api.html#channel_publish (values with types)
 */
export function isWritableHeader(name: string, value: unknown): boolean {
  if (!isWritableName(name)) return false;
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return false;
    const below: unknown[] = [];
    for (const each of level) if (!isWritableAlone(each, below)) return false;
    level = below;
  }
  return true;
}

/** Whether a value can be written, but for the values in it, which are added to `below`. */
function isWritableAlone(value: unknown, below: unknown[]): boolean {
  if (typeof value === 'symbol' || typeof value === 'function') return false;
  // RabbitMQ closes the connection of whoever sends one.
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return true;
  if (Object.hasOwn(value, '!')) return isWritableTyped(value as Typed);
  if (Array.isArray(value)) {
    for (const item of value) below.push(item);
    return true;
  }
  // amqplib writes inherited names as well.
  for (const name in value) {
    if (!isWritableName(name)) return false;
    below.push((value as Record<string, unknown>)[name]);
  }
  return true;
}

function isWritableName(name: string): boolean {
  return Buffer.byteLength(name) <= MAX_NAME_BYTES;
}

/** Whether it fits into the 64 bits of an AMQP timestamp. */
export function isWritableTimestamp(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 64;
}

interface Typed {
  readonly '!'?: unknown;
  readonly value?: unknown;
}

/** The two types that amqplib says when it reads a table; any other table with this key is a sender's own. */
function isWritableTyped({ '!': type, value }: Typed): boolean {
  if (type === 'timestamp') return isWritableTimestamp(value);
  if (type !== 'decimal' || typeof value !== 'object' || value === null) return false;
  const { places, digits } = value as { places?: unknown; digits?: unknown };
  return isWhole(places, 2 ** 8) && isWhole(digits, 2 ** 32);
}

function isWhole(value: unknown, below: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < below;
}

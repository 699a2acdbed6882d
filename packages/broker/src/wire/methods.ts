import { isUtf8 } from 'node:buffer';
import { encodeTable } from './encode-table.js';
import { decodeTable, type FieldTable } from './field-table.js';

/**
 * Every AMQP 0-9-1 method as data: `class.method` to its number and its fields in wire order. A `bit` shares its octet
 * with the bits beside it.
 *
 * @see https://www.rabbitmq.com/amqp-0-9-1-reference
 */
const METHODS = {
  'connection.start': [
    10,
    10,
    'versionMajor:octet versionMinor:octet serverProperties:table mechanisms:long locales:long',
  ],
  'connection.start-ok': [10, 11, 'clientProperties:table mechanism:short response:long locale:short'],
  'connection.secure': [10, 20, 'challenge:long'],
  'connection.secure-ok': [10, 21, 'response:long'],
  'connection.tune': [10, 30, 'channelMax:uint16 frameMax:uint32 heartbeat:uint16'],
  'connection.tune-ok': [10, 31, 'channelMax:uint16 frameMax:uint32 heartbeat:uint16'],
  'connection.open': [10, 40, 'virtualHost:short capabilities:short insist:bit'],
  'connection.open-ok': [10, 41, 'knownHosts:short'],
  'connection.close': [10, 50, 'replyCode:uint16 replyText:short classId:uint16 methodId:uint16'],
  'connection.close-ok': [10, 51, ''],
  'connection.blocked': [10, 60, 'reason:short'],
  'connection.unblocked': [10, 61, ''],
  'connection.update-secret': [10, 70, 'newSecret:long reason:short'],
  'connection.update-secret-ok': [10, 71, ''],
  'channel.open': [20, 10, 'outOfBand:short'],
  'channel.open-ok': [20, 11, 'channelId:long'],
  'channel.flow': [20, 20, 'active:bit'],
  'channel.flow-ok': [20, 21, 'active:bit'],
  'channel.close': [20, 40, 'replyCode:uint16 replyText:short classId:uint16 methodId:uint16'],
  'channel.close-ok': [20, 41, ''],
  'access.request': [30, 10, 'realm:short exclusive:bit passive:bit active:bit write:bit read:bit'],
  'access.request-ok': [30, 11, 'ticket:uint16'],
  'exchange.declare': [
    40,
    10,
    'ticket:uint16 exchange:short type:short passive:bit durable:bit autoDelete:bit internal:bit nowait:bit arguments:table',
  ],
  'exchange.declare-ok': [40, 11, ''],
  'exchange.delete': [40, 20, 'ticket:uint16 exchange:short ifUnused:bit nowait:bit'],
  'exchange.delete-ok': [40, 21, ''],
  'exchange.bind': [40, 30, 'ticket:uint16 destination:short source:short routingKey:short nowait:bit arguments:table'],
  'exchange.bind-ok': [40, 31, ''],
  'exchange.unbind': [
    40,
    40,
    'ticket:uint16 destination:short source:short routingKey:short nowait:bit arguments:table',
  ],
  'exchange.unbind-ok': [40, 51, ''],
  'queue.declare': [
    50,
    10,
    'ticket:uint16 queue:short passive:bit durable:bit exclusive:bit autoDelete:bit nowait:bit arguments:table',
  ],
  'queue.declare-ok': [50, 11, 'queue:short messageCount:uint32 consumerCount:uint32'],
  'queue.bind': [50, 20, 'ticket:uint16 queue:short exchange:short routingKey:short nowait:bit arguments:table'],
  'queue.bind-ok': [50, 21, ''],
  'queue.purge': [50, 30, 'ticket:uint16 queue:short nowait:bit'],
  'queue.purge-ok': [50, 31, 'messageCount:uint32'],
  'queue.delete': [50, 40, 'ticket:uint16 queue:short ifUnused:bit ifEmpty:bit nowait:bit'],
  'queue.delete-ok': [50, 41, 'messageCount:uint32'],
  'queue.unbind': [50, 50, 'ticket:uint16 queue:short exchange:short routingKey:short arguments:table'],
  'queue.unbind-ok': [50, 51, ''],
  'basic.qos': [60, 10, 'prefetchSize:uint32 prefetchCount:uint16 global:bit'],
  'basic.qos-ok': [60, 11, ''],
  'basic.consume': [
    60,
    20,
    'ticket:uint16 queue:short consumerTag:short noLocal:bit noAck:bit exclusive:bit nowait:bit arguments:table',
  ],
  'basic.consume-ok': [60, 21, 'consumerTag:short'],
  'basic.cancel': [60, 30, 'consumerTag:short nowait:bit'],
  'basic.cancel-ok': [60, 31, 'consumerTag:short'],
  'basic.publish': [60, 40, 'ticket:uint16 exchange:short routingKey:short mandatory:bit immediate:bit'],
  'basic.return': [60, 50, 'replyCode:uint16 replyText:short exchange:short routingKey:short'],
  'basic.deliver': [60, 60, 'consumerTag:short deliveryTag:uint64 redelivered:bit exchange:short routingKey:short'],
  'basic.get': [60, 70, 'ticket:uint16 queue:short noAck:bit'],
  'basic.get-ok': [60, 71, 'deliveryTag:uint64 redelivered:bit exchange:short routingKey:short messageCount:uint32'],
  'basic.get-empty': [60, 72, 'clusterId:short'],
  'basic.ack': [60, 80, 'deliveryTag:uint64 multiple:bit'],
  'basic.reject': [60, 90, 'deliveryTag:uint64 requeue:bit'],
  'basic.recover-async': [60, 100, 'requeue:bit'],
  'basic.recover': [60, 110, 'requeue:bit'],
  'basic.recover-ok': [60, 111, ''],
  'basic.nack': [60, 120, 'deliveryTag:uint64 multiple:bit requeue:bit'],
  'confirm.select': [85, 10, 'nowait:bit'],
  'confirm.select-ok': [85, 11, ''],
  'tx.select': [90, 10, ''],
  'tx.select-ok': [90, 11, ''],
  'tx.commit': [90, 20, ''],
  'tx.commit-ok': [90, 21, ''],
  'tx.rollback': [90, 30, ''],
  'tx.rollback-ok': [90, 31, ''],
} as const satisfies Record<string, readonly [number, number, string]>;

/** The name of a method, such as `queue.declare-ok`. */
export type MethodName = keyof typeof METHODS;

/** A value of a method's field. */
export type MethodValue = string | number | boolean | FieldTable;

interface Field {
  readonly name: string;
  readonly type: string;
}

interface MethodShape {
  readonly name: MethodName;
  readonly id: number;
  readonly fields: readonly Field[];
}

const SHAPES = new Map<MethodName, MethodShape>();
const SHAPES_BY_ID = new Map<number, MethodShape>();
for (const [key, [classId, methodId, fields]] of Object.entries(METHODS)) {
  const name = key as MethodName;
  const shape = { name, id: methodNumber(classId, methodId), fields: parseFields(fields) };
  SHAPES.set(name, shape);
  SHAPES_BY_ID.set(shape.id, shape);
}

function parseFields(text: string): Field[] {
  return text
    .split(' ')
    .filter((part) => part !== '')
    .map((part) => {
      const [name = '', type = ''] = part.split(':');
      return { name, type };
    });
}

/** Class and method in one number: `class << 16 | method`. */
export function methodNumber(classId: number, methodId: number): number {
  return (classId << 16) | methodId;
}

/** The number of a method by its name. */
export function methodId(name: MethodName): number {
  return SHAPES.get(name)?.id ?? 0;
}

/** The name of a method by its number; `undefined` when there is no such method. */
export function methodName(id: number): MethodName | undefined {
  return SHAPES_BY_ID.get(id)?.name;
}

/** Thrown when a method's fields cannot be read. */
export class MalformedMethodError extends Error {
  constructor() {
    super('malformed method fields');
    this.name = 'MalformedMethodError';
  }
}

/** Thrown when a short string is no UTF-8. */
export class MalformedTextError extends Error {
  constructor() {
    super('Malformed UTF-8 in shortstr');
    this.name = 'MalformedTextError';
  }
}

/** The fields of a received method, by name. */
export class MethodArguments {
  readonly #values = new Map<string, MethodValue>();

  set(name: string, value: MethodValue): void {
    this.#values.set(name, value);
  }

  /** Every field in wire order. */
  entries(): IterableIterator<[name: string, value: MethodValue]> {
    return this.#values.entries();
  }

  text(name: string): string {
    return this.#values.get(name) as string;
  }

  flag(name: string): boolean {
    return this.#values.get(name) as boolean;
  }

  number(name: string): number {
    return this.#values.get(name) as number;
  }

  table(name: string): FieldTable {
    return this.#values.get(name) as FieldTable;
  }
}

/**
 * Reads the fields of method `id` from a frame's payload (class and method numbers already taken off).
 *
 * @param checksText whether short strings must be UTF-8
 * @throws {MalformedMethodError} when the bytes do not fit the method, {@link MalformedTableError} for a bad table,
 *   {@link MalformedTextError} for text that must be UTF-8 and is not
 */
export function decodeMethod(
  id: number,
  bytes: Buffer,
  start: number,
  end: number,
  checksText = false,
): MethodArguments {
  const shape = SHAPES_BY_ID.get(id);
  const out = new MethodArguments();
  if (shape === undefined) return out;
  let offset = start;
  let bit = 0;
  const take = (length: number): number => {
    const at = offset;
    if (at + length > end) throw new MalformedMethodError();
    offset += length;
    return at;
  };
  for (const { name, type } of shape.fields) {
    if (type === 'bit') {
      if (bit === 0) take(1);
      out.set(name, ((bytes[offset - 1] ?? 0) & (1 << bit)) !== 0);
      bit++;
      continue;
    }
    bit = 0;
    switch (type) {
      case 'octet':
        out.set(name, bytes.readUInt8(take(1)));
        break;
      case 'uint16':
        out.set(name, bytes.readUInt16BE(take(2)));
        break;
      case 'uint32':
        out.set(name, bytes.readUInt32BE(take(4)));
        break;
      case 'uint64': {
        const at = take(8);
        out.set(name, bytes.readUInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4));
        break;
      }
      case 'short': {
        const length = bytes[take(1)] ?? 0;
        const at = take(length);
        if (checksText && !isUtf8(bytes.subarray(at, at + length))) throw new MalformedTextError();
        out.set(name, bytes.toString('latin1', at, at + length));
        break;
      }
      case 'long': {
        const length = bytes.readUInt32BE(take(4));
        const at = take(length);
        out.set(name, bytes.toString('latin1', at, at + length));
        break;
      }
      default: {
        const length = bytes.readUInt32BE(take(4));
        const at = take(length);
        out.set(name, decodeTable(bytes, at, at + length));
      }
    }
  }
  if (offset !== end) throw new MalformedMethodError();
  return out;
}

/** Encodes a method's payload, class and method numbers first. Fields left out are empty, 0 or false. */
export function encodeMethod(name: MethodName, values: Readonly<Record<string, MethodValue>> = {}): Buffer {
  const shape = SHAPES.get(name);
  const parts: Buffer[] = [];
  const head = Buffer.alloc(4);
  head.writeInt32BE(shape?.id ?? 0);
  parts.push(head);
  let bits: Buffer | undefined;
  let bit = 0;
  for (const field of shape?.fields ?? []) {
    const value = values[field.name];
    if (field.type === 'bit') {
      if (bits === undefined) {
        bits = Buffer.alloc(1);
        bit = 0;
        parts.push(bits);
      }
      bits[0] = (bits[0] ?? 0) | (value === true ? 1 << bit : 0);
      bit++;
      continue;
    }
    bits = undefined;
    parts.push(encodeValue(field.type, value));
  }
  return Buffer.concat(parts);
}

function encodeValue(type: string, value: MethodValue | undefined): Buffer {
  switch (type) {
    case 'octet':
      return Buffer.from([Number(value ?? 0)]);
    case 'uint16': {
      const out = Buffer.alloc(2);
      out.writeUInt16BE(Number(value ?? 0));
      return out;
    }
    case 'uint32': {
      const out = Buffer.alloc(4);
      out.writeUInt32BE(Number(value ?? 0));
      return out;
    }
    case 'uint64': {
      const out = Buffer.alloc(8);
      out.writeBigUInt64BE(BigInt((value as number) ?? 0));
      return out;
    }
    case 'short': {
      const text = Buffer.from((value as string) ?? '', 'latin1').subarray(0, 255);
      return Buffer.concat([Buffer.from([text.length]), text]);
    }
    case 'long': {
      const text = Buffer.from((value as string) ?? '', 'latin1');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(text.length);
      return Buffer.concat([length, text]);
    }
    default:
      return encodeTable((value as FieldTable) ?? []);
  }
}

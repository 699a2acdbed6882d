import type { Random } from '../random/random.js';
import { encodeMethod, encodeProperties, FRAME_END, type MethodName, type MethodValue } from '../wire/codec.js';
import { type Plain, tableOf } from '../wire/plain-fields.js';

const QUEUES = ['f1', 'f2', 'f3', ''] as const;
const EXCHANGES = ['', 'fx', 'amq.direct', 'amq.topic', 'amq.headers', 'amq.fanout'] as const;
const ARGUMENTS: readonly { readonly [key: string]: Plain }[] = [
  {},
  { 'x-max-length': 3, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'f2' },
  { 'x-message-ttl': 5, 'x-max-priority': 4 },
  { 'x-queue-type': 'quorum', 'x-delivery-limit': 2 },
  { 'x-match': 'any', a: 1, list: [1, 'two', { three: null }] },
];

/** A frame with everything around its payload. */
export function frame(type: number, channel: number, payload: Buffer): Buffer {
  const out = Buffer.alloc(payload.length + 8);
  out.writeUInt8(type, 0);
  out.writeUInt16BE(channel, 1);
  out.writeUInt32BE(payload.length, 3);
  payload.copy(out, 7);
  out.writeUInt8(FRAME_END, payload.length + 7);
  return out;
}

/** A method's frame. */
export function methodFrame(channel: number, name: MethodName, fields: Readonly<Record<string, MethodValue>>): Buffer {
  return frame(1, channel, encodeMethod(name, fields));
}

/** One step of a lively conversation, as one frame or, for a publish, as three. */
export function conversation(random: Random): Buffer[] {
  const channel = 1 + random.int(2);
  const queue = random.pick(QUEUES);
  const exchange = random.pick(EXCHANGES);
  const args = tableOf(random.pick(ARGUMENTS));
  const flags = { durable: random.chance(50), nowait: random.chance(10), noAck: random.chance(30) };
  const one = (name: MethodName, fields: Readonly<Record<string, MethodValue>> = {}): Buffer[] => [
    methodFrame(channel, name, fields),
  ];
  const make = random.weighted<() => Buffer[]>([
    [10, () => publish(random, channel, exchange, queue)],
    [4, () => one('queue.declare', { queue, ...flags, arguments: args })],
    [2, () => one('exchange.declare', { exchange: 'fx', type: random.pick(['topic', 'headers']), arguments: args })],
    [2, () => one('queue.bind', { queue, exchange, routingKey: 'a.b', arguments: args })],
    [1, () => one('exchange.bind', { destination: 'fx', source: exchange, routingKey: '#', arguments: args })],
    [3, () => one('basic.consume', { queue, ...flags, arguments: args })],
    [3, () => one('basic.get', { queue, ...flags })],
    [3, () => one('basic.ack', { deliveryTag: random.int(4), multiple: random.chance(50) })],
    [
      3,
      () => one('basic.nack', { deliveryTag: random.int(4), multiple: random.chance(50), requeue: random.chance(50) }),
    ],
    [1, () => one('basic.qos', { prefetchCount: random.int(3), global: random.chance(50) })],
    [1, () => one('basic.recover', { requeue: true })],
    [1, () => one('basic.cancel', { consumerTag: 'c' })],
    [1, () => one('queue.purge', { queue })],
    [1, () => one('queue.delete', { queue })],
    [1, () => one('confirm.select')],
    [1, () => one(random.pick(['tx.select', 'tx.commit', 'tx.rollback'] as const))],
    [1, () => one('channel.flow', { active: true })],
    [1, () => one('channel.close', { replyCode: 200 })],
    [2, () => one('channel.open')],
    [1, () => [frame(8, 0, Buffer.alloc(0))]],
  ]);
  return make();
}

function publish(random: Random, channel: number, exchange: string, routingKey: string): Buffer[] {
  const body = Buffer.alloc(random.int(40), 'b');
  const properties = encodeProperties({
    headers: tableOf({ a: random.int(3), CC: ['f1'], nested: { list: [1, null, 'x'] } }),
    delivery_mode: 1 + random.int(2),
    priority: random.int(6),
    expiration: String(random.int(3) * 20),
    message_id: 'id',
    ...(random.chance(10) ? { reply_to: 'amq.rabbitmq.reply-to' } : {}),
  });
  const head = Buffer.alloc(12);
  head.writeUInt16BE(60, 0);
  head.writeUInt32BE(body.length, 8);
  return [
    methodFrame(channel, 'basic.publish', { exchange, routingKey, mandatory: random.chance(30) }),
    frame(2, channel, Buffer.concat([head, properties])),
    ...(body.length > 0 ? [frame(3, channel, body)] : []),
  ];
}

/** The frame with something wrong in it: a byte, its size, type, channel or end, something missing, added or twice. */
export function mutate(random: Random, original: Buffer): Buffer {
  const bytes = Buffer.from(original);
  const at = random.int(bytes.length);
  // Whoever destroys the framing ends the connection: mostly the payload is what changes.
  const inPayload = bytes.length > 8 ? 7 + random.int(bytes.length - 8) : at;
  const change = random.weighted<() => Buffer>([
    [40, () => withByte(bytes, inPayload, random.int(256))],
    [20, () => withByte(bytes, inPayload, (bytes[inPayload] ?? 0) ^ (1 << random.int(8)))],
    [10, () => resized(bytes, inPayload, bytes.subarray(0, 0))],
    [10, () => resized(bytes, inPayload, Buffer.from([random.int(256), random.int(256), random.int(256)]))],
    [5, () => withByte(bytes, 1 + random.int(2), random.int(256))],
    [3, () => withByte(bytes, 0, random.int(256))],
    [3, () => withByte(bytes, 3 + random.int(4), random.int(256))],
    [3, () => withByte(bytes, bytes.length - 1, random.int(256))],
    [3, () => Buffer.concat([bytes, bytes])],
    [3, () => bytes.subarray(0, at)],
  ]);
  return change();
}

function withByte(bytes: Buffer, at: number, value: number): Buffer {
  bytes[at] = value;
  return bytes;
}

/** Another payload in sound framing: cut off at `at`, or with something put in there. */
function resized(bytes: Buffer, at: number, inserted: Buffer): Buffer {
  const payload = bytes.subarray(7, bytes.length - 1);
  const before = payload.subarray(0, at - 7);
  const after = inserted.length > 0 ? payload.subarray(at - 7) : inserted;
  return frame(bytes[0] ?? 1, bytes.readUInt16BE(1), Buffer.concat([before, inserted, after]));
}

import { randomBytes } from 'node:crypto';
import { channelError, connectionError, invalidArgument } from '../errors/amqp-error.js';
import type { Queue } from '../queue/queue.js';
import type { VersionProfile } from '../version/version-profile.js';
import { FIELD_TYPE_NAMES, type FieldTable, type FieldValue, lookup } from '../wire/field-table.js';
import type { MethodArguments } from '../wire/methods.js';
import type { Channel } from './channel.js';
import { type MethodHandlers, queueName } from './method-handler.js';
import { REPLY_QUEUE } from './reply-registry.js';

/** The methods of the basic class, but for basic.publish and basic.ack, which a channel takes without detour. */
export const BASIC_METHODS: MethodHandlers = {
  'basic.qos': (channel, method) => {
    const size = method.number('prefetchSize');
    if (size !== 0) throw connectionError(540, `prefetch_size!=0 (${size})`);
    const count = method.number('prefetchCount');
    if (method.flag('global') && channel.host.environment.profile.globalQos === 'channel') {
      channel.sharedPrefetch = count;
      channel.send('basic.qos-ok');
      channel.wake();
      return;
    }
    channel.prefetch = count;
    channel.send('basic.qos-ok');
    if (channel.sharedPrefetch === 0) return;
    // The older limit is not shared any more: whoever waited for it may go on.
    channel.sharedPrefetch = 0;
    channel.wake();
  },
  'basic.consume': consume,
  'basic.cancel': (channel, method) => {
    const consumerTag = method.text('consumerTag');
    channel.cancel(consumerTag);
    if (!method.flag('nowait')) channel.send('basic.cancel-ok', { consumerTag });
  },
  'basic.cancel-ok': () => {},
  'basic.get': (channel, method) => {
    const name = queueName(channel, method.text('queue'));
    const { host } = channel;
    host.checkPermission('read', 'queue', name);
    const queue = host.vhost.queues.require(name, host);
    if (queue.type === 'stream')
      throw connectionError(540, `basic.get not supported by stream queues ${queue.description}`);
    if (queue.type === 'quorum' && queue.singleActive) {
      const type = host.environment.profile.quotesQueueTypes ? '<<"quorum">>' : 'quorum';
      const text = `basic.get operations are not supported by ${type} queues with single active consumer`;
      throw channelError(405, `cannot obtain access to locked ${queue.description}. ${text}`);
    }
    const noAck = method.flag('noAck');
    let left = 0;
    const message = queue.get(noAck, (count) => {
      left = count;
    });
    if (message === undefined) channel.send('basic.get-empty');
    else channel.deliverGet(queue, message, left, noAck);
  },
  'basic.reject': (channel, method) => {
    channel.refuse(method.number('deliveryTag'), false, method.flag('requeue'), 'reject');
  },
  'basic.nack': (channel, method) => {
    channel.refuse(method.number('deliveryTag'), method.flag('multiple'), method.flag('requeue'), 'nack');
  },
  'basic.recover': (channel, method) => {
    checkRecover(method);
    channel.send('basic.recover-ok');
    channel.recover();
  },
  'basic.recover-async': (channel, method) => {
    checkRecover(method);
    channel.recover();
  },
};

function consume(channel: Channel, method: MethodArguments): void {
  const { host } = channel;
  const given = method.text('consumerTag');
  if (given !== '') channel.checkConsumerTag(given);
  const tag = given === '' ? `amq.ctag-${randomBytes(16).toString('base64url')}` : given;
  const noAck = method.flag('noAck');
  const nowait = method.flag('nowait');
  if (method.text('queue') === REPLY_QUEUE) {
    if (!noAck) throw channelError(406, 'reply consumer cannot acknowledge');
    if (channel.replyConsumer !== undefined) throw channelError(406, 'reply consumer already set');
    channel.replyConsumer = { tag, address: host.environment.replies.register(channel) };
    if (!nowait) channel.send('basic.consume-ok', { consumerTag: tag });
    return;
  }
  const name = queueName(channel, method.text('queue'));
  host.checkPermission('read', 'queue', name);
  const queue = host.vhost.queues.require(name, host);
  if (queue.type === 'stream') throw connectionError(540, `${queue.description} is a stream: not supported here`);
  if (queue.type === 'quorum' && channel.sharedPrefetch > 0) {
    throw connectionError(540, `${queue.description} does not support global qos`);
  }
  const table = method.table('arguments');
  checkConsumerTimeout(table, queue, host.environment.profile);
  const consumer = queue.consume({
    tag,
    queue,
    owner: channel,
    noAck,
    exclusive: method.flag('exclusive'),
    priority: consumerPriority(table, queue),
    prefetch: channel.prefetch,
    arguments: table,
  });
  channel.consumers.set(tag, consumer);
  if (!nowait) channel.send('basic.consume-ok', { consumerTag: tag });
  queue.startDelivering();
}

function consumerPriority(table: FieldTable, queue: Queue): number {
  const field = lookup(table, 'x-priority');
  if (field === undefined) return 0;
  checkWholeNumber('x-priority', field, queue);
  return Number(field.value);
}

/** Where a consumer may say how long its deliveries may wait, it must be one of a quorum queue. */
function checkConsumerTimeout(table: FieldTable, queue: Queue, { consumerTimeout }: VersionProfile): void {
  const field = lookup(table, 'x-consumer-timeout');
  if (field === undefined || consumerTimeout === 'close-channel') return;
  if (queue.type !== 'quorum') {
    throw channelError(
      406,
      `invalid arg 'x-consumer-timeout' for ${queue.description} of queue type rabbit_${queue.type}_queue`,
    );
  }
  checkWholeNumber('x-consumer-timeout', field, queue);
  if (Number(field.value) < 0) {
    throw invalidArgument('x-consumer-timeout', queue.description, `{value_negative,${field.value}}`);
  }
}

function checkWholeNumber(name: string, field: FieldValue, queue: Queue): void {
  if ('bBsuIilL'.includes(field.tag)) return;
  throw invalidArgument(name, queue.description, `"expected integer, got ${FIELD_TYPE_NAMES[field.tag]}"`);
}

function checkRecover(method: MethodArguments): void {
  if (!method.flag('requeue')) throw connectionError(540, 'requeue=false');
}

import { randomBytes } from 'node:crypto';
import { channelError, connectionError, invalidArgument, noQueue } from '../errors/amqp-error.js';
import type { Queue } from '../queue/queue.js';
import { FIELD_TYPE_NAMES, type FieldTable, lookup } from '../wire/field-table.js';
import type { MethodArguments, MethodName } from '../wire/methods.js';
import type { Channel } from './channel.js';
import { Confirms } from './confirms.js';
import { REPLY_QUEUE } from './reply-registry.js';
import { Transaction } from './transaction.js';

/** Carries out one method on an open channel. */
type Handler = (channel: Channel, method: MethodArguments) => void;

const handlers: Partial<Record<MethodName, Handler>> = {
  'channel.flow': (channel, method) => {
    if (!method.flag('active')) throw connectionError(540, 'active=false');
    channel.send('channel.flow-ok', { active: true });
  },
  'channel.flow-ok': () => {},
  'access.request': (channel) => channel.send('access.request-ok', { ticket: 1 }),

  'exchange.declare': (channel, method) => {
    const name = method.text('exchange');
    const { vhost } = channel.host;
    if (method.flag('passive')) {
      checkPassive(channel, 'exchange', name);
      vhost.exchanges.check(name);
    } else {
      channel.host.checkPermission('configure', 'exchange', name);
      const alternate = lookup(method.table('arguments'), 'alternate-exchange');
      if (alternate?.tag === 'S') {
        channel.host.checkPermission('read', 'exchange', name);
        channel.host.checkPermission('write', 'exchange', alternate.value as string);
      }
      vhost.exchanges.declare({
        name,
        type: method.text('type'),
        durable: method.flag('durable'),
        autoDelete: method.flag('autoDelete'),
        internal: method.flag('internal'),
        arguments: method.table('arguments'),
      });
    }
    reply(channel, method, 'exchange.declare-ok');
  },
  'exchange.delete': (channel, method) => {
    const name = method.text('exchange');
    channel.host.vhost.exchanges.checkDeletable(name);
    channel.host.checkPermission('configure', 'exchange', name);
    channel.host.vhost.exchanges.delete(name, method.flag('ifUnused'));
    reply(channel, method, 'exchange.delete-ok');
  },
  'exchange.bind': (channel, method) => {
    const { source, destination } = exchangePair(channel, method);
    const { vhost } = channel.host;
    vhost.exchanges.checkNotDefault(source);
    vhost.exchanges.checkNotDefault(destination);
    vhost.exchanges.require(source);
    const target = vhost.exchanges.require(destination);
    vhost.exchanges.bind(source, target, method.text('routingKey'), method.table('arguments'));
    reply(channel, method, 'exchange.bind-ok');
  },
  'exchange.unbind': (channel, method) => {
    const { source, destination } = exchangePair(channel, method);
    const { vhost } = channel.host;
    vhost.exchanges.checkNotDefault(destination);
    vhost.exchanges.unbind(source, vhost.exchange(destination), method.text('routingKey'), method.table('arguments'));
    reply(channel, method, 'exchange.unbind-ok');
  },

  'queue.declare': declareQueue,
  'queue.bind': (channel, method) => {
    const name = queueName(channel, method.text('queue'));
    const exchange = method.text('exchange');
    const { host } = channel;
    host.vhost.exchanges.checkNotDefault(exchange);
    host.checkPermission('write', 'queue', name);
    host.checkPermission('read', 'exchange', exchange);
    host.vhost.exchanges.require(exchange);
    const queue = host.vhost.queues.require(name, host);
    host.vhost.exchanges.bind(exchange, queue, bindingKey(method, name), method.table('arguments'));
    reply(channel, method, 'queue.bind-ok');
  },
  'queue.unbind': (channel, method) => {
    const name = queueName(channel, method.text('queue'));
    const exchange = method.text('exchange');
    const { host } = channel;
    host.vhost.exchanges.checkNotDefault(exchange);
    host.checkPermission('write', 'queue', name);
    host.checkPermission('read', 'exchange', exchange);
    host.vhost.queues.unbind(exchange, name, bindingKey(method, name), method.table('arguments'), host);
    channel.send('queue.unbind-ok');
  },
  'queue.purge': (channel, method) => {
    const name = queueName(channel, method.text('queue'));
    channel.host.checkPermission('read', 'queue', name);
    const messageCount = channel.host.vhost.queues.require(name, channel.host).purge();
    if (!method.flag('nowait')) channel.send('queue.purge-ok', { messageCount });
  },
  'queue.delete': (channel, method) => {
    const name = queueName(channel, method.text('queue'));
    const { host } = channel;
    host.checkPermission('configure', 'queue', name);
    // The answer goes before the cancellation of consumers, which may be on this channel.
    host.vhost.queues.delete(name, host, method.flag('ifUnused'), method.flag('ifEmpty'), (messageCount) => {
      if (!method.flag('nowait')) channel.send('queue.delete-ok', { messageCount });
    });
  },

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
    const message = queue.get(method.flag('noAck'));
    if (message === undefined) channel.send('basic.get-empty');
    else channel.deliverGet(queue, message, method.flag('noAck'));
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

  'confirm.select': (channel, method) => {
    if (channel.transaction !== undefined) throw channelError(406, 'cannot switch from tx to confirm mode');
    channel.confirms ??= new Confirms(channel.number, channel.host.writer);
    reply(channel, method, 'confirm.select-ok');
  },
  'tx.select': (channel) => {
    if (channel.confirms !== undefined) throw channelError(406, 'cannot switch from confirm to tx mode');
    channel.transaction ??= new Transaction();
    channel.send('tx.select-ok');
  },
  'tx.commit': (channel) => {
    channel.commit();
    channel.send('tx.commit-ok');
  },
  'tx.rollback': (channel) => {
    channel.rollback();
    channel.send('tx.rollback-ok');
  },
};

/**
 * Carries out a method of an open channel.
 *
 * @throws {AmqpError} what RabbitMQ would answer; 503 for a method only servers send
 */
export function handleMethod(channel: Channel, name: MethodName, method: MethodArguments): void {
  const handler = handlers[name];
  if (handler === undefined) throw connectionError(503, 'unimplemented method');
  handler(channel, method);
}

function reply(channel: Channel, method: MethodArguments, name: MethodName): void {
  if (!method.flag('nowait')) channel.send(name);
}

function checkPassive({ host }: Channel, kind: 'queue' | 'exchange', name: string): void {
  if (host.environment.profile.guardsPassiveDeclare) host.checkPermission('configure', kind, name);
}

function declareQueue(channel: Channel, method: MethodArguments): void {
  const { host } = channel;
  const { vhost } = host;
  const name = method.text('queue');
  if (name.startsWith(REPLY_QUEUE)) {
    if (name !== REPLY_QUEUE && host.environment.replies.find(name) === undefined) throw noQueue(name, vhost.name);
    if (!method.flag('nowait')) channel.send('queue.declare-ok', { queue: name, messageCount: 0, consumerCount: 1 });
    return;
  }
  let queue: Queue;
  if (method.flag('passive')) {
    checkPassive(channel, 'queue', name);
    queue = vhost.queues.require(name, host);
    queue.touch();
  } else {
    host.checkPermission('configure', 'queue', name);
    const table = method.table('arguments');
    const deadLetterExchange = lookup(table, 'x-dead-letter-exchange');
    if (deadLetterExchange?.tag === 'S') {
      host.checkPermission('read', 'queue', name);
      host.checkPermission('write', 'exchange', deadLetterExchange.value as string);
    }
    const wanted = {
      durable: method.flag('durable'),
      exclusive: method.flag('exclusive'),
      autoDelete: method.flag('autoDelete'),
      arguments: table,
    };
    queue = vhost.queues.declare(name, wanted, host);
  }
  channel.lastQueue = queue.name;
  if (method.flag('nowait')) return;
  channel.send('queue.declare-ok', {
    queue: queue.name,
    messageCount: queue.readyCount,
    consumerCount: queue.reportedConsumers,
  });
}

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
  if ('bBsuIilL'.includes(field.tag)) return Number(field.value);
  const reason = `"expected integer, got ${FIELD_TYPE_NAMES[field.tag]}"`;
  throw invalidArgument('x-priority', queue.description, reason);
}

function checkRecover(method: MethodArguments): void {
  if (!method.flag('requeue')) throw connectionError(540, 'requeue=false');
}

/** What an empty queue name stands for. */
function queueName(channel: Channel, given: string): string {
  if (given !== '') return given;
  if (channel.lastQueue === undefined) throw channelError(404, 'no previously declared queue');
  return channel.lastQueue;
}

/** With neither queue nor key named, the last declared queue's name is the key too. */
function bindingKey(method: MethodArguments, queue: string): string {
  const key = method.text('routingKey');
  return key === '' && method.text('queue') === '' ? queue : key;
}

function exchangePair(channel: Channel, method: MethodArguments): { source: string; destination: string } {
  const source = method.text('source');
  const destination = method.text('destination');
  channel.host.checkPermission('write', 'exchange', destination);
  channel.host.checkPermission('read', 'exchange', source);
  return { source, destination };
}

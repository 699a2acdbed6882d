import { noQueue } from '../errors/amqp-error.js';
import type { Queue } from '../queue/queue.js';
import { lookup } from '../wire/field-table.js';
import type { MethodArguments } from '../wire/methods.js';
import type { Channel } from './channel.js';
import { checkPassive, declaredName, type MethodHandlers, queueName, reply } from './method-handler.js';
import { REPLY_QUEUE } from './reply-registry.js';

/** The methods of the queue class. */
export const QUEUE_METHODS: MethodHandlers = {
  'queue.declare': declareQueue,
  'queue.bind': (channel, method) => {
    const { host } = channel;
    const { name, exchange } = permittedBinding(channel, method);
    host.vhost.exchanges.require(exchange);
    const queue = host.vhost.queues.require(name, host);
    host.vhost.exchanges.bind(exchange, queue, bindingKey(method, name), method.table('arguments'));
    reply(channel, method, 'queue.bind-ok');
  },
  'queue.unbind': (channel, method) => {
    const { host } = channel;
    const { name, exchange } = permittedBinding(channel, method);
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
    const name = queueName(channel, declaredName(method, 'queue'));
    const { host } = channel;
    host.checkPermission('configure', 'queue', name);
    // The answer goes before the cancellation of consumers, which may be on this channel.
    host.vhost.queues.delete(name, host, method.flag('ifUnused'), method.flag('ifEmpty'), (messageCount) => {
      if (!method.flag('nowait')) channel.send('queue.delete-ok', { messageCount });
    });
  },
};

function declareQueue(channel: Channel, method: MethodArguments): void {
  const { host } = channel;
  const { vhost } = host;
  const given = method.text('queue');
  if (given.startsWith(REPLY_QUEUE)) {
    if (given !== REPLY_QUEUE && host.environment.replies.find(given) === undefined) throw noQueue(given, vhost.name);
    if (!method.flag('nowait')) {
      channel.send('queue.declare-ok', { queue: given, messageCount: 0, consumerCount: 1 });
    }
    return;
  }
  const name = declaredName(method, 'queue');
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

/** The two ends of a binding that a client wants to make or remove, once it may. */
function permittedBinding(channel: Channel, method: MethodArguments): { name: string; exchange: string } {
  const name = queueName(channel, declaredName(method, 'queue'));
  const exchange = declaredName(method, 'exchange');
  const { host } = channel;
  host.vhost.exchanges.checkNotDefault(exchange);
  host.checkPermission('write', 'queue', name);
  host.checkPermission('read', 'exchange', exchange);
  return { name, exchange };
}

/** With neither queue nor key named, the last declared queue's name is the key too. */
function bindingKey(method: MethodArguments, queue: string): string {
  const key = method.text('routingKey');
  return key === '' && method.text('queue') === '' ? queue : key;
}

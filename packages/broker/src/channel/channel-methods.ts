import { channelError, connectionError } from '../errors/amqp-error.js';
import type { MethodArguments, MethodName } from '../wire/methods.js';
import { BASIC_METHODS } from './basic-methods.js';
import type { Channel } from './channel.js';
import { Confirms } from './confirms.js';
import { EXCHANGE_METHODS } from './exchange-methods.js';
import { type MethodHandlers, reply } from './method-handler.js';
import { QUEUE_METHODS } from './queue-methods.js';
import { Transaction } from './transaction.js';

const HANDLERS: MethodHandlers = {
  ...EXCHANGE_METHODS,
  ...QUEUE_METHODS,
  ...BASIC_METHODS,

  'channel.flow': (channel, method) => {
    if (!method.flag('active')) throw connectionError(540, 'active=false');
    channel.send('channel.flow-ok', { active: true });
  },
  'channel.flow-ok': () => {},
  'access.request': (channel) => channel.send('access.request-ok', { ticket: 1 }),

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
  const handler = HANDLERS[name];
  if (handler === undefined) throw connectionError(503, 'unimplemented method');
  handler(channel, method);
}

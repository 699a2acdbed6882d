import { lookup } from '../wire/field-table.js';
import type { MethodArguments } from '../wire/methods.js';
import type { Channel } from './channel.js';
import { checkPassive, declaredName, type MethodHandlers, reply } from './method-handler.js';

/** The methods of the exchange class. */
export const EXCHANGE_METHODS: MethodHandlers = {
  'exchange.declare': (channel, method) => {
    const name = declaredName(method, 'exchange');
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
    const name = declaredName(method, 'exchange');
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
};

function exchangePair(channel: Channel, method: MethodArguments): { source: string; destination: string } {
  const source = declaredName(method, 'source');
  const destination = declaredName(method, 'destination');
  channel.host.checkPermission('write', 'exchange', destination);
  channel.host.checkPermission('read', 'exchange', source);
  return { source, destination };
}

import type { MethodStep, PublishStep, SettleStep } from '../program/program.js';
import type { Plain } from '../wire/plain-fields.js';

type Fields = { readonly [field: string]: Plain };

/** A method on channel `a1`, or where `on` says. */
export function call(name: MethodStep['do'], fields: Fields = {}, on?: string): MethodStep {
  return { do: name, ...(on === undefined ? {} : { on }), fields };
}

export function declare(queue: string, args: Fields = {}, fields: Fields = {}, on?: string): MethodStep {
  return call('queue.declare', { queue, ...fields, arguments: args }, on);
}

/** A durable queue: quorum queues have to be. */
export function declareQuorum(queue: string, args: Fields = {}, fields: Fields = {}): MethodStep {
  return declare(queue, { 'x-queue-type': 'quorum', ...args }, { durable: true, ...fields });
}

export function exchange(name: string, type: string, fields: Fields = {}, on?: string): MethodStep {
  return call('exchange.declare', { exchange: name, type, ...fields }, on);
}

export function bind(queue: string, from: string, routingKey = '', args: Fields = {}): MethodStep {
  return call('queue.bind', { queue, exchange: from, routingKey, arguments: args });
}

/** Over the default exchange. */
export function send(
  queue: string,
  body: string | number,
  properties?: PublishStep['properties'],
  on?: string,
): PublishStep {
  return {
    do: 'basic.publish',
    ...(on === undefined ? {} : { on }),
    routingKey: queue,
    body,
    ...(properties === undefined ? {} : { properties }),
  };
}

export function publish(
  to: string,
  routingKey: string,
  body: string,
  more: Omit<Partial<PublishStep>, 'do'> = {},
): PublishStep {
  return { do: 'basic.publish', exchange: to, routingKey, body, ...more };
}

export function consume(queue: string, consumerTag: string, fields: Fields = {}, on?: string): MethodStep {
  return call('basic.consume', { queue, consumerTag, ...fields }, on);
}

export function get(queue: string, noAck = false, on?: string): MethodStep {
  return call('basic.get', { queue, noAck }, on);
}

/** basic.ack of the open delivery that is `pick` places from the oldest. */
export function ack(pick = 0, more: Omit<Partial<SettleStep>, 'do' | 'by'> = {}): SettleStep {
  return { do: 'settle', by: 'basic.ack', pick, ...more };
}

export function nack(pick = 0, more: Omit<Partial<SettleStep>, 'do' | 'by'> = {}): SettleStep {
  return { do: 'settle', by: 'basic.nack', pick, ...more };
}

export function requeue(pick = 0, more: Omit<Partial<SettleStep>, 'do' | 'by'> = {}): SettleStep {
  return { do: 'settle', by: 'basic.nack', pick, requeue: true, ...more };
}

export function reject(pick = 0, more: Omit<Partial<SettleStep>, 'do' | 'by'> = {}): SettleStep {
  return { do: 'settle', by: 'basic.reject', pick, ...more };
}

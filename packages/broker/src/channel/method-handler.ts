/** What the handlers of channel methods share. */
import { channelError } from '../errors/amqp-error.js';
import type { MethodArguments, MethodName } from '../wire/methods.js';
import type { Channel } from './channel.js';

/** Carries out one method on an open channel; throws what RabbitMQ would answer. */
export type MethodHandler = (channel: Channel, method: MethodArguments) => void;

/** Handlers by method. */
export type MethodHandlers = Readonly<Partial<Record<MethodName, MethodHandler>>>;

/** Answers with a method without fields, unless the client wants no answer. */
export function reply(channel: Channel, method: MethodArguments, name: MethodName): void {
  if (!method.flag('nowait')) channel.send(name);
}

/** Whether this may be looked at by a passive declare, in the versions that ask. */
export function checkPassive({ host }: Channel, kind: 'queue' | 'exchange', name: string): void {
  if (host.environment.profile.guardsPassiveDeclare) host.checkPermission('configure', kind, name);
}

/** What an empty queue name stands for. */
export function queueName(channel: Channel, given: string): string {
  if (given !== '') return given;
  if (channel.lastQueue === undefined) throw channelError(404, 'no previously declared queue');
  return channel.lastQueue;
}

/** A name as RabbitMQ reads it where things are declared, bound and deleted: without carriage returns and line feeds. */
export function declaredName(method: MethodArguments, field: string): string {
  return method.text(field).replace(/[\r\n]/g, '');
}

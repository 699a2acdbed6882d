import { randomBytes } from 'node:crypto';
import { type AmqpError, channelError, connectionError, noQueue } from '../errors/amqp-error.js';
import { Queue, type QueueHost } from '../queue/queue.js';
import {
  checkQueueArguments,
  checkQueueEquivalence,
  completeArguments,
  type QueueProperties,
  queueTypeOf,
} from '../queue/queue-arguments.js';
import { resolveSettings } from '../queue/queue-settings.js';
import type { FieldTable } from '../wire/field-table.js';
import type { ExchangeTable } from './exchange-table.js';
import type { PolicyTable } from './policy-table.js';

/** The queues of a virtual host: declared, found and removed for the connections that may. */
export class QueueTable {
  readonly #vhost: string;
  readonly #host: QueueHost;
  readonly #exchanges: ExchangeTable;
  readonly #policies: PolicyTable;
  readonly #queues = new Map<string, Queue>();
  #duplicates = false;
  #declared = 0;

  constructor(vhost: string, host: QueueHost, exchanges: ExchangeTable, policies: PolicyTable) {
    this.#vhost = vhost;
    this.#host = host;
    this.#exchanges = exchanges;
    this.#policies = policies;
  }

  [Symbol.iterator](): Iterator<Queue> {
    return this.#queues.values();
  }

  get(name: string): Queue | undefined {
    return this.#queues.get(name);
  }

  /**
   * Finds a queue for a connection.
   *
   * @throws {AmqpError} 404 when it is not there, 405 when another connection owns it
   */
  require(name: string, owner: object): Queue {
    const queue = this.#queues.get(name);
    if (queue === undefined) throw noQueue(name, this.#vhost);
    checkOwner(queue, owner);
    return queue;
  }

  /**
   * queue.declare.
   *
   * @param name empty for one made by the server
   * @param owner the connection, for exclusive queues
   * @throws {AmqpError} 403, 405, 406
   */
  declare(name: string, wanted: QueueProperties, owner: object): Queue {
    // Also for one that is there: whoever means the queue that the broker named declares it passively.
    if (name.startsWith('amq.')) throw channelError(403, `queue name '${name}' contains reserved prefix 'amq.*'`);
    const { profile } = this.#host;
    // An exclusive queue is never durable, whatever was asked for.
    const durable = wanted.durable && !wanted.exclusive;
    const completed = { ...wanted, durable, arguments: completeArguments(wanted.arguments, profile) };
    const current = name === '' ? undefined : this.#queues.get(name);
    if (current !== undefined) {
      checkOwner(current, owner);
      if ((current.owner !== undefined) !== wanted.exclusive) throw lockedError(current);
      const properties = { ...current, exclusive: current.owner !== undefined };
      checkQueueEquivalence(properties, completed, current.description, profile);
      current.touch();
      return current;
    }
    const type = queueTypeOf(completed.arguments);
    if (name === '' && type !== 'classic') {
      throw channelError(406, `Cannot declare a server-named queue for type rabbit_${type}_queue`);
    }
    const finalName = name === '' ? `amq.gen-${randomBytes(16).toString('base64url')}` : name;
    checkQueueArguments(completed, `queue '${finalName}' in vhost '${this.#vhost}'`, profile);
    const declaration = {
      name: finalName,
      vhost: this.#vhost,
      type,
      durable,
      autoDelete: wanted.autoDelete,
      owner: wanted.exclusive ? owner : undefined,
      arguments: completed.arguments,
      serial: ++this.#declared,
    };
    const policy = this.#policies.inForce(finalName, type);
    const settings = resolveSettings(type, completed.arguments, policy?.definition, profile);
    const queue = new Queue(declaration, settings, this.#host);
    queue.policy = policy?.name;
    queue.duplicates = this.#duplicates;
    this.#queues.set(finalName, queue);
    this.#exchanges.version++;
    return queue;
  }

  /**
   * queue.unbind; what is not there is no mistake.
   *
   * @throws {AmqpError} 405 when the binding is there and its queue belongs to another connection
   */
  unbind(source: string, name: string, routingKey: string, bindingArguments: FieldTable, owner: object): void {
    const queue = this.#queues.get(name);
    const exchange = this.#exchanges.get(source);
    const bound = queue !== undefined && exchange?.has(queue, routingKey, bindingArguments) === true;
    if (bound) checkOwner(queue, owner);
    this.#exchanges.unbind(source, queue, routingKey, bindingArguments);
  }

  /**
   * queue.delete; a missing one is no mistake.
   *
   * @param answer told how many ready messages went with it, before consumers learn of it
   */
  delete(
    name: string,
    owner: object,
    ifUnused: boolean,
    ifEmpty: boolean,
    answer: (messageCount: number) => void,
  ): void {
    const queue = this.#queues.get(name);
    if (queue === undefined) {
      answer(0);
      return;
    }
    checkOwner(queue, owner);
    if (queue.type === 'quorum' && (ifUnused || ifEmpty)) {
      const flag = ifUnused ? 'if-unused' : 'if-empty';
      const text = `queue.delete operations with ${flag} flag set are not supported by quorum queues`;
      throw connectionError(540, `cannot delete ${queue.description}. ${text}`);
    }
    if (ifUnused && queue.consumerCount > 0) throw channelError(406, `${queue.description} in use`);
    if (ifEmpty && queue.readyCount > 0) throw channelError(406, `${queue.description} not empty`);
    this.remove(queue, answer);
  }

  /** Removes a queue with its bindings; its consumers are told, after `answer`. */
  remove(queue: Queue, answer: (messageCount: number) => void = () => {}): void {
    if (this.#queues.get(queue.name) !== queue) return;
    this.#queues.delete(queue.name);
    this.#exchanges.version++;
    this.#exchanges.removeBindingsTo(queue);
    const messageCount = queue.readyCount;
    const consumers = queue.end();
    answer(messageCount);
    const byTag = [...consumers].sort((a, b) => (a.tag < b.tag ? -1 : 1));
    for (const consumer of byTag) consumer.owner.cancelled(consumer);
  }

  /** Removes the exclusive queues of a connection that has ended. */
  removeOf(owner: object): void {
    for (const queue of this.#queues.values()) if (queue.owner === owner) this.remove(queue);
  }

  /** Makes everything published from now on arrive twice, or ends that. */
  deliverTwice(on: boolean): void {
    this.#duplicates = on;
    for (const queue of this.#queues.values()) queue.duplicates = on;
  }

  /** Puts the settings in force that policies name. */
  applyPolicies(): void {
    const { profile } = this.#host;
    for (const queue of this.#queues.values()) {
      const policy = this.#policies.inForce(queue.name, queue.type);
      queue.configure(resolveSettings(queue.type, queue.arguments, policy?.definition, profile), policy?.name);
    }
  }

  /** What a restart of the node leaves: durable queues, with their persistent messages. */
  restart(): void {
    for (const queue of [...this.#queues.values()]) {
      if (!queue.durable || queue.owner !== undefined) this.remove(queue);
      else queue.dropTransient();
    }
  }

  /** Removes all queues. */
  end(): void {
    for (const queue of [...this.#queues.values()]) this.remove(queue);
  }
}

function checkOwner(queue: Queue, owner: object): void {
  if (queue.owner !== undefined && queue.owner !== owner) throw lockedError(queue);
}

function lockedError(queue: Queue): AmqpError {
  return channelError(
    405,
    `cannot obtain exclusive access to locked ${queue.description}. It could be originally declared on another ` +
      'connection or the exclusive property value does not match that of the original declaration.',
  );
}

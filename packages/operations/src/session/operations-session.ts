import { createHash } from 'node:crypto';
import {
  BrokerSession,
  type ConnectionOptions,
  type HostTarget,
  type ManagementOptions,
  resolveConnectionOptions,
  resolveManagementOptions,
} from '@leveret/amqplib';
import { type Clock, LeveretError, Problems, pause, systemClock } from '@leveret/core';
import { ManagementReader } from '../management/management-reader.js';

/** How to reach the broker that operations work on. */
export interface OperationsOptions {
  /** As for an application. Default `amqp://guest:guest@localhost`. */
  readonly connection?: ConnectionOptions;
  /**
   * The management HTTP API, which knows of all queues and bindings. Default: on the first host, port 15672, with the same user;
   * what needs it says so when it is not there. `false`: it is never asked.
   */
  readonly management?: ManagementOptions | false;
  /** For tests. */
  readonly clock?: Clock;
}

/** How long it may take to find out that there is no management API where nobody said that there is one. */
const KNOCK_MS = 3000;
/** How long it is taken for granted that there is none. */
const KNOCK_AGAIN_MS = 30_000;

/** How long another operation on the same queue is waited for. */
const LOCK_MS = 10_000;
const MAX_NAME_BYTES = 255;

/** Name of a queue of leveret's own that belongs to another: that one's behind a prefix, or a digest of it where it is too long. */
export function ownName(prefix: string, queue: string): string {
  const name = prefix + queue;
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return name;
  return prefix + createHash('sha256').update(queue).digest('hex').slice(0, 32);
}

/** AMQP without and with TLS: behind a forwarded port, the broker's own port is another. */
const USUAL_PORTS: readonly number[] = [5672, 5671];

/** Whether the broker that a management API belongs to listens at this port: on one machine there may be several. */
function listensAt(overview: unknown, port: number): boolean {
  const { listeners } = overview as { readonly listeners?: unknown };
  return Array.isArray(listeners) && listeners.some((each: { port?: unknown } | null) => each?.port === port);
}

/** The connection that operations work on, with what is known of the broker. */
export class OperationsSession {
  readonly broker: BrokerSession;
  readonly clock: Clock;
  /** Where it is connected to; with several hosts, the first. */
  readonly host: HostTarget | undefined;
  readonly #management: ManagementReader | undefined;
  /** Somebody said where it is: then it must be there. Else it is the broker's only if that listens at this port. */
  readonly #expected: 'given' | number;
  #answers: Promise<boolean> | undefined;
  readonly #locked = new Set<string>();
  readonly #types = new Map<string, string | undefined>();

  private constructor(
    broker: BrokerSession,
    clock: Clock,
    management: ManagementReader | undefined,
    expected: 'given' | number,
    host: HostTarget | undefined,
  ) {
    this.host = host;
    this.broker = broker;
    this.clock = clock;
    this.#management = management;
    this.#expected = expected;
  }

  /**
   * Connects. Nothing is declared.
   * @throws {ConfigurationError} for options that are none
   * @throws {LeveretError} LEV_CONNECTION_FAILED, LEV_AUTHENTICATION_REFUSED
   */
  static async connect(options: OperationsOptions = {}): Promise<OperationsSession> {
    const { connection = {}, management, clock = systemClock } = options;
    const named = { name: `leveret-operations:${process.pid}`, ...connection };
    const problems = new Problems();
    const resolved = resolveConnectionOptions(named);
    const given = management === undefined ? { timeout: KNOCK_MS } : management;
    const reader =
      given === false ? undefined : new ManagementReader(resolveManagementOptions(given, resolved, problems));
    problems.throwIfAny();
    const broker = await BrokerSession.open(named, clock);
    const [host] = resolved.hosts;
    const isGiven = management !== undefined && management !== false;
    return new OperationsSession(broker, clock, reader, isGiven ? 'given' : (host?.port ?? 5672), host);
  }

  /**
   * The management API, when it answers.
   * @throws {ManagementApiError} when the options say where it is, and it does not answer there
   */
  async management(): Promise<ManagementReader | undefined> {
    const reader = this.#management;
    if (reader === undefined) return undefined;
    this.#answers ??= this.#knock(reader);
    return (await this.#answers) ? reader : undefined;
  }

  async #knock(reader: ManagementReader): Promise<boolean> {
    const expected = this.#expected;
    let answers = false;
    try {
      const overview = await reader.get('/api/overview');
      answers = expected === 'given' || USUAL_PORTS.includes(expected) || listensAt(overview, expected);
    } catch (error) {
      // It may be on its way up: whoever asks next knocks anew.
      if (expected === 'given') {
        this.#answers = undefined;
        throw error;
      }
    }
    if (!answers) {
      this.clock.after(KNOCK_AGAIN_MS, () => {
        this.#answers = undefined;
      });
    }
    return answers;
  }

  /**
   * The management API.
   * @param what needs it, as a sentence begins: `Finding error queues`
   * @throws {LeveretError} LEV_OPERATION_REFUSED when there is none
   * @throws {ManagementApiError} when the options say where it is, and it does not answer there
   */
  async needManagement(what: string, instead: string): Promise<ManagementReader> {
    const reader = await this.management();
    if (reader !== undefined) return reader;
    const text = `${what} needs the management HTTP API, which does not answer${this.#management === undefined ? '' : ` at ${this.#management.url}`}. ${instead}`;
    throw new LeveretError('LEV_OPERATION_REFUSED', text);
  }

  /**
   * Does the work while no other operation does the same with this queue, in this process or in another: by a queue that only this
   * connection may declare, which ends with it. A user who may not declare it looks without: then two who look at the same time
   * share the messages between them.
   * @throws {LeveretError} LEV_OPERATION_REFUSED when another operation is at work for longer than 10 s
   */
  async exclusively<T>(to: 'look' | 'move', queue: string, work: () => Promise<T>): Promise<T> {
    const lock = ownName(`leveret.lock.${to}.`, queue);
    const until = this.clock.monotonic() + LOCK_MS;
    while (this.#locked.has(lock) || !(await this.#lock(lock, to === 'look'))) {
      if (this.clock.monotonic() >= until) {
        const text = `Another operation is at work on queue ${JSON.stringify(queue)}. Try again when that has ended.`;
        throw new LeveretError('LEV_OPERATION_REFUSED', text);
      }
      await pause(this.clock, 100);
    }
    try {
      return await work();
    } finally {
      this.#locked.delete(lock);
      await this.broker.deleteQueue(lock).catch(() => {});
    }
  }

  async #lock(lock: string, isOptional: boolean): Promise<boolean> {
    this.#locked.add(lock);
    try {
      await this.broker.declareQueue(lock, { durable: false, exclusive: true });
      return true;
    } catch (error) {
      if (isOptional && error instanceof Error && /403 ACCESS_REFUSED/.test(error.message)) return true;
      this.#locked.delete(lock);
      if (error instanceof Error && /405 RESOURCE_LOCKED/.test(error.message)) return false;
      throw error;
    }
  }

  /** The type of a queue, such as `quorum`; `undefined` when nobody could tell. Asked once for each queue. */
  async queueType(queue: string): Promise<string | undefined> {
    if (!this.#types.has(queue)) this.#types.set(queue, await this.#askForType(queue));
    return this.#types.get(queue);
  }

  async #askForType(queue: string): Promise<string | undefined> {
    // The broker itself knows, too.
    const reader = await this.management().catch(() => undefined);
    if (reader !== undefined) {
      const path = `/api/queues/${encodeURIComponent(reader.vhost)}/${encodeURIComponent(queue)}`;
      const found = (await reader.get(path).catch(() => undefined)) as { readonly type?: unknown } | undefined;
      if (typeof found?.type === 'string') return found.type;
    }
    const learned = await this.broker.learnQueue(queue);
    if (learned === undefined) return undefined;
    const type = learned.arguments['x-queue-type'];
    return typeof type === 'string' ? type : 'classic';
  }

  /** Closes the connection. Never rejects. */
  async close(): Promise<void> {
    await this.broker.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import type { DeliveryContext } from '../delivery/delivery-context.js';
import { Problems } from '../errors/configuration-error.js';
import type { DeliveryEvent } from '../events/delivery-event.js';
import { EventHub } from '../events/event-hub.js';
import type { ListenerEvent } from '../events/listener-event.js';
import { type LogFields, type Logger, silentLogger } from '../events/logger.js';
import type { HandlerRoute } from '../handler/handler.js';
import type { KeyPolicy } from '../idempotency/decide-key.js';
import type { IdempotencyGuard } from '../idempotency/idempotency-guard.js';
import type { Message } from '../message/message.js';
import type { WaitRecord } from '../message/wait-record.js';
import { FakeSender } from '../recoverer/failed-delivery.support.test.js';
import type { RecovererFunction } from '../recoverer/recoverer.js';
import { rejectAndDontRequeue } from '../recoverer/reject-recoverer.js';
import type { FailurePolicy, RetryPolicy } from '../retry/failure-policy.js';
import { RedeliveryAttempts } from '../retry/redelivery-attempts.js';
import type { QueueDeclaration } from '../topology/topology.js';
import { BrokerPatience, DEFAULT_CONSUMER_TIMEOUT_MS } from './broker-patience.js';
import { consumesStream } from './check-stream.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import type { DeliveryFlow } from './delivery-flow.js';
import { DeliveryReporter } from './delivery-reporter.js';
import { type ListenerCounts, zeroCounts } from './listener-counters.js';
import type { ListenerDefinition } from './listener-definition.js';
import { keepsRejected } from './rejected-messages.js';
import { resolveListenerPolicies } from './resolve-listener-policies.js';
import { StillAtWork } from './still-at-work.js';
import { StreamPosition } from './stream-position.js';
import { UnsentAcks } from './unsent-acks.js';

/** What a test says about its listener; the rest is a listener of the queue `orders` with every default. */
export interface ListenerParts {
  readonly definition?: Partial<ListenerDefinition>;
  readonly policy?: Partial<FailurePolicy>;
  readonly retry?: Partial<RetryPolicy>;
  readonly recover?: RecovererFunction;
  readonly handle?: (context: DeliveryContext) => unknown;
  readonly route?: Partial<HandlerRoute>;
  /** The handler takes effect once. */
  readonly guard?: IdempotencyGuard;
  readonly keyPolicy?: KeyPolicy;
}

/** Three attempts, waiting 1 s and then 2 s. */
const RETRY: RetryPolicy = {
  maxAttempts: 3,
  backoff: { initialIntervalMs: 1000, multiplier: 2, maxIntervalMs: 10_000, jitter: 0 },
  stateless: true,
  retryable: () => true,
};

export function aDefinition(parts: ListenerParts = {}): ListenerDefinition {
  const { policy, retry, recover, handle = () => undefined } = parts;
  const route: HandlerRoute = {
    name: 'Orders.onPaid',
    convert: (message) => message.body.toString(),
    invoke: handle,
    reply: { sendTo: undefined, encode: (value) => ({ body: Buffer.from(JSON.stringify(value)) }) },
    ...parts.route,
  };
  return {
    id: 'Orders.onPaid',
    queue: 'orders',
    queueDeclaration: undefined,
    deadLetterPolicy: false,
    ...resolveListenerPolicies({}, {}, new Problems()),
    crashLoop: undefined,
    prefetch: 50,
    ordered: false,
    consumerTimeoutMs: DEFAULT_CONSUMER_TIMEOUT_MS,
    retry: retry === undefined ? undefined : { ...RETRY, ...retry },
    ...policy,
    recoverer: recover === undefined ? rejectAndDontRequeue() : { recover },
    handler: { route: () => route },
    idempotency:
      parts.guard === undefined
        ? undefined
        : new Map([[route, { scope: 'Orders.onPaid', guard: parts.guard, policy: parts.keyPolicy ?? {} }]]),
    ...parts.definition,
  };
}

export function aQueueDeclaration(parts: Partial<QueueDeclaration> = {}): QueueDeclaration {
  return {
    name: 'orders',
    declare: 'always',
    type: 'classic',
    durable: true,
    exclusive: false,
    autoDelete: false,
    lazy: false,
    arguments: {},
    ...parts,
  };
}

/** A logger that keeps its lines. */
export class RecordingLogger implements Logger {
  readonly lines: { readonly level: string; readonly text: string; readonly fields: LogFields }[] = [];

  debug = (fields: LogFields, text: string) => void this.lines.push({ level: 'debug', text, fields });
  info = (fields: LogFields, text: string) => void this.lines.push({ level: 'info', text, fields });
  warn = (fields: LogFields, text: string) => void this.lines.push({ level: 'warn', text, fields });
  error = (fields: LogFields, text: string) => void this.lines.push({ level: 'error', text, fields });

  /** Level and text of each line. */
  get said(): readonly string[] {
    return this.lines.map(({ level, text }) => `${level}: ${text}`);
  }
}

/** Where messages wait, as far as a test needs it. */
export class FakeRedeliveries {
  isNative = false;
  fails: unknown;
  readonly sent: { readonly message: Message; readonly record: WaitRecord; readonly delayMs: number }[] = [];

  async send(message: Message, record: WaitRecord, delayMs: number): Promise<'ladder'> {
    if (this.fails !== undefined) throw this.fails;
    this.sent.push({ message, record, delayMs });
    return 'ladder';
  }
}

/** Of a listener that takes whatever comes. */
const FREE_FLOW: DeliveryFlow = {
  inHand: undefined,
  isOutage: false,
  rate: undefined,
  moment: 0,
  succeeded: () => {},
  failed: () => false,
};

/** The surroundings of a listener's deliveries, with all that they would reach outside replaced. */
export class ListenerHarness {
  readonly clock = new FakeClock();
  readonly publisher = new FakeSender();
  readonly logger = new RecordingLogger();
  readonly events = new EventHub<DeliveryEvent | ListenerEvent>(silentLogger);
  readonly happened: (DeliveryEvent | ListenerEvent)[] = [];
  readonly attempts = new RedeliveryAttempts();
  readonly redeliveries = new FakeRedeliveries();
  readonly counts: ListenerCounts = zeroCounts();
  readonly env: DeliveryEnvironment;

  constructor(parts: ListenerParts = {}) {
    const definition = aDefinition(parts);
    this.events.on((event) => this.happened.push(event));
    this.env = {
      flow: FREE_FLOW,
      load: { began: () => {}, ended: () => {} },
      definition,
      publisher: this.publisher,
      clock: this.clock,
      reporter: new DeliveryReporter(definition.id, this.counts, this.events, this.logger, this.clock),
      patience: new BrokerPatience(definition.consumerTimeoutMs),
      stillAtWork: new StillAtWork(),
      unsentAcks: new UnsentAcks(this.clock),
      rejectedKept: () =>
        keepsRejected(definition.queueDeclaration, {
          deadLetterPolicy: definition.deadLetterPolicy,
          isAsDeclared: definition.queueDeclaration?.declare === 'always',
        }),
      position: consumesStream(definition) ? new StreamPosition(this.clock) : undefined,
      attempts: this.attempts,
      redeliveries: this.redeliveries,
      recoverer: { failuresInARow: 0 },
      idempotency: { failuresInARow: 0 },
    };
  }

  /** Types of the events, in order. */
  get types(): readonly string[] {
    return this.happened.map(({ type }) => type);
  }

  /** The first event of a type. */
  readonly event = <T extends DeliveryEvent['type']>(type: T): Extract<DeliveryEvent, { readonly type: T }> => {
    const found = this.happened.find((event) => event.type === type);
    if (found === undefined) throw new Error(`no event ${type} among ${this.types.join(', ')}`);
    return found as Extract<DeliveryEvent, { readonly type: T }>;
  };

  /** The counts that are not zero. */
  get counted(): Partial<ListenerCounts> {
    return Object.fromEntries(Object.entries(this.counts).filter(([, count]) => count !== 0));
  }
}

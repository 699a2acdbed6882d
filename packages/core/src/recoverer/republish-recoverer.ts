import { checkFlag, checkKnown, checkWholeNumber } from '../errors/check-option.js';
import { describeValue, Problems } from '../errors/configuration-error.js';
import type { MessageHeaders, Publication } from '../message/message.js';
import { tableBytes } from '../message/table-bytes.js';
import { wireTable } from '../message/wire-table.js';
import { isWritableTimestamp } from '../message/writable-value.js';
import type { BindingDeclaration, ExchangeDeclaration, QueueDeclaration } from '../topology/topology.js';
import { carryVerbatim } from './carry-verbatim.js';
import { cutUtf8, errorHeaders, isNotPassedOn } from './error-headers.js';
import type { FailedDelivery, Recoverer, RecoveryOutcome } from './recoverer.js';

/** Options of {@link republish}. */
export interface RepublishOptions {
  /** Prefix of the received routing key when no routing key is given. Default `error.`; `''` for none. */
  readonly errorRoutingKeyPrefix?: string;
  /**
   * Send the stack trace as `x-exception-stacktrace`: it shows whoever may read the error queue how the application is built.
   * Default `false`, as in Spring since 4.0.5.
   */
  readonly includeStackTrace?: boolean;
  /** Longest stack trace in bytes of UTF-8. Default 8192. Whatever is said here, all headers fit into one frame. */
  readonly maxStackTraceBytes?: number;
  /** Further headers, which win over those of leveret. */
  readonly additionalHeaders?: (failure: FailedDelivery) => MessageHeaders;
  /**
   * Declares the error exchange (direct, durable), an error queue (durable) and their binding: `true` names the queue
   * after the exchange with `.direct` cut off and `.queue` added (`error.direct` becomes `error.queue`), text is its
   * name. Needs a fixed exchange and routing key. Default `false`: declare them yourself.
   */
  readonly declare?: boolean | string;
}

/** A fixed name, or one for each failure. */
export type NameOrFunction = string | ((failure: FailedDelivery) => string);

/**
 * Parks a failed message: publishes it again with headers that say why, waits for the broker's confirm, and only then
 * lets the original be acknowledged. A nack, a missing exchange, an unroutable key or a lost connection count as a
 * failed recovery: the original is requeued after a pause. It may be parked twice; it is not lost.
 *
 * Properties, priority and body are kept; the message is persistent whatever it was. Left out are `expiration` (a
 * parked message must not vanish), `userId` (the broker would refuse a foreign one) and the `CC`/`BCC` headers.
 *
 * @param exchange where it goes; `''` is the default exchange, where the routing key names a queue
 * @param routingKey default: `error.` + the routing key it came with
 * @see https://docs.spring.io/spring-amqp/reference/amqp/resilience-recovering-from-errors-and-broker-failures.html
 */
export function republish(
  exchange: NameOrFunction,
  routingKey?: NameOrFunction,
  options: RepublishOptions = {},
): Recoverer {
  const { errorRoutingKeyPrefix = 'error.', includeStackTrace = false, maxStackTraceBytes = 8192 } = options;
  const problems = faultsOf(exchange, routingKey, options);
  const keyOf = (failure: FailedDelivery): string => {
    if (typeof routingKey === 'function') return routingKey(failure);
    // A key that the prefix makes too long would keep the message from ever being parked.
    return routingKey ?? cutUtf8(errorRoutingKeyPrefix + failure.message.routingKey, MAX_SHORT_TEXT_BYTES);
  };
  return {
    async recover(failure): Promise<RecoveryOutcome> {
      const target = typeof exchange === 'function' ? exchange(failure) : exchange;
      const additional = writableOrText(options.additionalHeaders?.(failure) ?? {});
      const room = roomFor(failure.publisher.frameMax, additional);
      const without = (name: string) => isNotPassedOn(name) || Object.hasOwn(additional, name);
      const carried = carryVerbatim(failure.message, without, room.frameBytes - OWN_FACTS_BYTES);
      const headers = errorHeaders(carried?.allHeaders === true ? withoutHeaders(failure) : failure, {
        includeStackTrace,
        maxStackTraceBytes,
        budgetBytes: Math.min(room.tableBytes, room.frameBytes - (carried?.bytes ?? 0)),
      });
      Object.assign(headers, carried?.headers, additional);
      await failure.publisher.send(parked(failure, target, keyOf(failure), headers, carried?.verbatim));
      return 'ack';
    },
    ...(typeof exchange === 'string' ? { exchange } : {}),
    ...declaredBy(exchange, routingKey, options),
    ...(problems.length > 0 ? { problems } : {}),
  };
}

/** Texts outside of headers have one byte for their length. */
const MAX_SHORT_TEXT_BYTES = 255;

const KNOWN: readonly (keyof RepublishOptions)[] = [
  'errorRoutingKeyPrefix',
  'includeStackTrace',
  'maxStackTraceBytes',
  'additionalHeaders',
  'declare',
];

function faultsOf(exchange: unknown, routingKey: unknown, options: RepublishOptions): readonly string[] {
  const problems = new Problems('republish');
  checkKnown(options, KNOWN, '', problems);
  const { errorRoutingKeyPrefix, maxStackTraceBytes, additionalHeaders, declare } = options;
  if (!isNameOrFunction(exchange)) {
    problems.add(`the exchange must be text, or a function of the failure; got ${describeValue(exchange)}`);
  }
  if (routingKey !== undefined && !isNameOrFunction(routingKey)) {
    problems.add(`the routing key must be text, or a function of the failure; got ${describeValue(routingKey)}`);
  }
  if (errorRoutingKeyPrefix !== undefined && typeof errorRoutingKeyPrefix !== 'string') {
    problems.add(`errorRoutingKeyPrefix must be text; got ${describeValue(errorRoutingKeyPrefix)}`);
  }
  checkFlag(options.includeStackTrace, 'includeStackTrace', false, problems);
  const bytes = { from: 0, to: Number.MAX_SAFE_INTEGER, or: 0 };
  checkWholeNumber(maxStackTraceBytes, 'maxStackTraceBytes', bytes, problems);
  if (additionalHeaders !== undefined && typeof additionalHeaders !== 'function') {
    problems.add(`additionalHeaders must be a function of the failure; got ${describeValue(additionalHeaders)}`);
  }
  if (declare !== undefined && typeof declare !== 'boolean' && typeof declare !== 'string') {
    problems.add(`declare must be true, false or the name of the error queue; got ${describeValue(declare)}`);
  } else if (
    isDeclared(declare) &&
    (typeof exchange !== 'string' || typeof routingKey !== 'string' || exchange === '')
  ) {
    problems.add('declare needs an exchange and a routing key given as text: both are declared at start');
  }
  return problems.list;
}

function isNameOrFunction(value: unknown): value is NameOrFunction {
  return typeof value === 'string' || typeof value === 'function';
}

function isDeclared(declare: RepublishOptions['declare']): boolean {
  return declare !== undefined && declare !== false;
}

// amqplib encodes a header table in a buffer of 64 KiB, whatever the frame size.
const MAX_TABLE_BYTES = 65_536;
// For the other properties, which share the frame with the headers.
const HEADROOM_BYTES = 4096;

// Left for leveret's own facts beside headers that are carried over as bytes.
const OWN_FACTS_BYTES = 2048;

function withoutHeaders(failure: FailedDelivery): FailedDelivery {
  return { ...failure, message: { ...failure.message, headers: {} } };
}

/** What headers may take beside the additional ones: in a frame, and in a table that amqplib writes. */
function roomFor(frameMax: number, additional: MessageHeaders): { frameBytes: number; tableBytes: number } {
  const taken = Math.min(HEADROOM_BYTES, frameMax / 2) + tableBytes(additional);
  return { frameBytes: frameMax - taken, tableBytes: Math.min(frameMax, MAX_TABLE_BYTES) - taken };
}

function parked(
  failure: FailedDelivery,
  exchange: string,
  routingKey: string,
  headers: MessageHeaders,
  verbatim: Publication['verbatim'],
): Publication {
  const { message } = failure;
  return {
    exchange,
    routingKey,
    body: message.body,
    mandatory: true,
    headers,
    ...(verbatim === undefined ? {} : { verbatim }),
    properties: {
      contentType: shortText(message.contentType),
      contentEncoding: shortText(message.contentEncoding),
      deliveryMode: 2,
      priority: message.priority,
      correlationId: shortText(message.correlationId),
      replyTo: shortText(message.replyTo),
      // As it was read when its bytes go along: what is returned is known by it.
      messageId: verbatim?.properties.messageId === undefined ? shortText(message.messageId) : message.messageId,
      timestamp: isWritableTimestamp(message.timestamp) ? message.timestamp : undefined,
      type: shortText(message.type),
      appId: shortText(message.appId),
    },
  };
}

/** What cannot be written would keep the message from ever being parked: its text goes instead. */
function writableOrText(headers: MessageHeaders): MessageHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      try {
        return [name, Object.values(wireTable({ [name]: value }, 'additionalHeaders'))[0]];
      } catch {
        return [cutUtf8(name, MAX_SHORT_TEXT_BYTES), describeValue(value)];
      }
    }),
  );
}

/** Bytes that are not UTF-8 are three bytes each once they are text: what was short enough may not be any more. */
function shortText(text: string | undefined): string | undefined {
  return text === undefined ? undefined : cutUtf8(text, MAX_SHORT_TEXT_BYTES);
}

function declaredBy(
  exchange: NameOrFunction,
  routingKey: NameOrFunction | undefined,
  { declare = false }: RepublishOptions,
): Pick<Recoverer, 'topology'> {
  if (!isDeclared(declare) || typeof exchange !== 'string' || typeof routingKey !== 'string' || exchange === '')
    return {};
  const queueName = typeof declare === 'string' ? declare : `${exchange.replace(/\.direct$/, '')}.queue`;
  const errorExchange: ExchangeDeclaration = {
    name: exchange,
    declare: 'always',
    type: 'direct',
    durable: true,
    autoDelete: false,
    internal: false,
    arguments: {},
  };
  const errorQueue: QueueDeclaration = {
    name: queueName,
    declare: 'always',
    type: 'classic',
    durable: true,
    exclusive: false,
    autoDelete: false,
    lazy: false,
    arguments: {},
  };
  const binding: BindingDeclaration = {
    source: exchange,
    destination: queueName,
    destinationType: 'queue',
    routingKey,
    arguments: {},
  };
  return { topology: { exchanges: [errorExchange], queues: [errorQueue], bindings: [binding], policies: [] } };
}

import {
  boundedKey,
  buildPublication,
  type Channel,
  ConfigurationError,
  checkPayload,
  contentTypeConverter,
  type DelayOptions,
  type Duration,
  describeValue,
  durationMs,
  encodable,
  isChannel,
  LeveretError,
  type MessageConverter,
  type PayloadType,
  Problems,
  type Publication,
  type Publishable,
  type PublisherOptions,
  type PublishOptions,
  type PublishRoute,
  publishDelayMs,
  type ResolvedPublisherOptions,
  resolvePublisherOptions,
  routeOfChannel,
  systemClock,
} from '@leveret/core';
import { type SqlDatabase, serviceOf } from '../database/sql-database.js';
import { idList } from '../database/sql-text.js';
import { countOutbox, type OutboxCounts } from './outbox-counts.js';
import type { ParkedMessage } from './parked-message.js';
import { ParkedRows } from './parked-rows.js';
import { writeTable } from './table-json.js';
import { wakeKeys } from './wake-keys.js';

/** How messages are built that an outbox takes. */
export interface OutboxOptions {
  /** Writes payloads. Default: JSON, text and bytes, as a publisher does. */
  readonly converter?: MessageConverter;
  /** Defaults, `appId`, `returns`, `persistent`, `validate` and `beforePublish`, as for a publisher; the rest is the relay's. */
  readonly publisher?: PublisherOptions;
  /**
   * Wake relays that listen, at commit (PostgreSQL). Default `true`. `NOTIFY` lets transactions of one server commit one at
   * a time: switch it off for thousands of commits per second.
   */
  readonly notify?: boolean;
}

/**
 * What can be said about a message in an outbox. With `delay` or `deliverAt` it waits in the table, by the clock of the database,
 * and is published to the millisecond as far as a relay is there; `delay` counts from the statement, not from the commit.
 */
export interface OutboxPublishOptions extends PublishOptions {
  /**
   * Messages with the same key are published one behind the other, each when the one before is confirmed, in the order
   * their transactions wrote them; one that is parked holds up the rest of its key. Does not go with a delay. Default: no
   * order.
   */
  readonly orderKey?: string;
}

/** The channel that relays listen to. */
export const OUTBOX_CHANNEL = 'leveret_outbox';

/** Longest exchange name and routing key in bytes (an AMQP short string). */
const MAX_SHORT_BYTES = 255;

/**
 * Takes messages in the caller's own transaction: they are published when it commits, and only then, by an
 * {@link OutboxRelay}. A message keeps its id over every attempt, so that a consumer that sees it twice can tell.
 */
export class Outbox<Tx> {
  readonly #database: SqlDatabase<Tx>;
  readonly #converter: MessageConverter;
  readonly #publisher: ResolvedPublisherOptions;
  readonly #insert: string;
  readonly #insertDelayed: string;
  readonly #service: string;
  readonly #parked: ParkedRows<Tx>;

  /** @throws {ConfigurationError} when an option of `publisher` is wrong, or the database does not say which service uses it */
  constructor(database: SqlDatabase<Tx>, options: OutboxOptions = {}) {
    this.#service = serviceOf(database);
    this.#parked = new ParkedRows(database);
    const problems = new Problems('outbox');
    this.#database = database;
    this.#converter = options.converter ?? contentTypeConverter();
    this.#publisher = resolvePublisherOptions(options.publisher, problems);
    problems.throwIfAny();
    const { dialect } = database;
    const notify = dialect.name === 'postgres' && (options.notify ?? true);
    const insert = (due: string) =>
      dialect.placeholders(
        `INSERT INTO leveret_outbox (message_id, exchange, routing_key, properties, headers, mandatory, body, size, order_key, service, created_at, due_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${due}, ${due})${notify ? ` RETURNING pg_notify('${OUTBOX_CHANNEL}', '')::text` : ''}`,
      );
    this.#insert = insert(dialect.now);
    this.#insertDelayed = insert(`${dialect.name === 'sqlite' ? 'max' : 'greatest'}(${dialect.now} + ?, ?)`);
  }

  /**
   * Writes a message beside the business data of the transaction: through a channel, or to an exchange.
   * @returns its message id
   * @throws {ConfigurationError} when an option, the exchange or the routing key is not what it must be; nothing was written
   * @throws {MessageConversionError} when the payload cannot be written as a message; nothing was written
   * @throws {PublishError} LEV_PUBLISH_UNENCODABLE when a header is no value of an AMQP table; nothing was written
   * @throws what the publisher's `validate` throws or rejects with, and LEV_VALIDATION_TIMEOUT when it does not answer; nothing
   *   was written
   * @throws {LeveretError} LEV_OUTBOX_NOT_WRITTEN when the table did not take it, with no fault of the database
   */
  publish<T>(
    tx: Tx,
    channel: Channel<T>,
    payload: Publishable<NoInfer<T>>,
    options?: OutboxPublishOptions,
  ): Promise<string | undefined>;
  publish<T>(
    tx: Tx,
    exchange: string,
    routingKey: string,
    payload: Publishable<T>,
    options?: OutboxPublishOptions,
  ): Promise<string | undefined>;
  async publish(
    tx: Tx,
    target: unknown,
    second: unknown,
    third?: unknown,
    fourth?: unknown,
  ): Promise<string | undefined> {
    if (isChannel(target)) {
      return this.#publish(tx, routeOfChannel(target, second), second, third as OutboxPublishOptions, target.payload);
    }
    const route = { exchange: target as string, routingKey: second as string };
    return this.#publish(tx, route, third, fourth as OutboxPublishOptions);
  }

  async #publish(
    tx: Tx,
    { exchange, routingKey, type }: PublishRoute,
    payload: unknown,
    options: OutboxPublishOptions = {},
    payloadType?: PayloadType,
  ): Promise<string | undefined> {
    const { orderKey, ...rest } = options;
    const route = { exchange: shortText(exchange, 'exchange'), routingKey: shortText(routingKey, 'routing key'), type };
    await checkPayload(this.#publisher, payload, payloadType, systemClock);
    const built = buildPublication(route, payload, rest, this.#publisher, this.#converter);
    return this.send(tx, this.#publisher.beforePublish?.(built) ?? built, options);
  }

  /** Like {@link publish}, for a message that is complete already: nothing is added to it. */
  async send(
    tx: Tx,
    publication: Publication,
    options: Pick<OutboxPublishOptions, 'orderKey' | 'delay' | 'deliverAt'> = {},
  ): Promise<string | undefined> {
    const orderKey = orderKeyOf(options.orderKey);
    const due = dueOf(options, orderKey);
    const { exchange, routingKey, properties, headers, mandatory, body } = publication;
    // Now, while the caller can still mend it: the relay could only park it.
    encodable(publication);
    const { rowCount } = await this.#database.within(tx).query(due.length === 0 ? this.#insert : this.#insertDelayed, [
      properties.messageId === undefined ? null : boundedKey(properties.messageId),
      shortText(exchange, 'exchange'),
      shortText(routingKey, 'routing key'),
      writeTable(properties),
      writeTable(headers),
      mandatory ? 1 : 0,
      body,
      body.byteLength,
      orderKey,
      this.#service,
      // When it was written, and when it is due: one that has to wait was written when its time comes.
      ...due,
      ...due,
    ]);
    if (rowCount !== 1) throw notWritten(rowCount);
    return properties.messageId;
  }

  /**
   * How full it is, for a health check or a gauge. Reads an index entry of every message, and no message: ask every minute, not
   * every second.
   * @param options.timeout how long the database may take. Default 5 s; SQLite has no such limit
   * @throws {LeveretError} LEV_DATABASE_BUSY when that is not enough
   */
  counts(options: { readonly timeout?: Duration } = {}): Promise<OutboxCounts> {
    return countOutbox(this.#database, Math.max(1, Math.ceil(durationMs(options.timeout ?? '5s', 'timeout'))));
  }

  /**
   * Messages that were refused for good, oldest first: a page of at most `limit` messages and about 16 MiB of bodies, and so
   * perhaps a shorter one; an empty page is the end.
   * @param options `limit` from 1, default 100; `afterId` goes on behind the last one of the page before
   */
  async parked(
    options: { readonly limit?: number; readonly afterId?: number } = {},
  ): Promise<readonly ParkedMessage[]> {
    const { limit = 100, afterId = 0 } = options;
    return this.#parked.page(checkedWhole(limit), checkedWhole(afterId));
  }

  /** Lets parked messages be published again, with a clean count of failures. Answers how many there were. */
  async requeue(ids: readonly number[] | 'all'): Promise<number> {
    const { now } = this.#database.dialect;
    return this.#parked.each(checkedIds(ids), async (executor, page) => {
      const set = `parked_at = NULL, failures = 0, due_at = ${now}`;
      await executor.query(`UPDATE leveret_outbox SET ${set} WHERE id IN (${idList(page.map(({ id }) => id))})`);
    });
  }

  /** Deletes parked messages for good; what waited behind them goes on. Answers how many there were. */
  async discard(ids: readonly number[] | 'all'): Promise<number> {
    return this.#parked.each(checkedIds(ids), async (executor, page) => {
      await executor.query(`DELETE FROM leveret_outbox WHERE id IN (${idList(page.map(({ id }) => id))})`);
      const keys = new Set(page.flatMap(({ key }) => (key === undefined ? [] : [key])));
      await wakeKeys(executor, this.#database, [...keys], page.length);
    });
  }
}

function shortText(value: string, name: string): string {
  if (typeof value === 'string' && Buffer.byteLength(value) <= MAX_SHORT_BYTES) return value;
  throw new ConfigurationError([
    `outbox: ${name} must be text of at most ${MAX_SHORT_BYTES} bytes; got ${describeValue(value)}`,
  ]);
}

function orderKeyOf(value: string | undefined): string | null {
  if (value === undefined) return null;
  if (typeof value === 'string' && value !== '') return boundedKey(value);
  throw new ConfigurationError([`outbox: orderKey must be a text that is not empty; got ${describeValue(value)}`]);
}

/** Milliseconds from now and since the epoch, the later of which counts; nothing when it is due at once. */
function dueOf(options: DelayOptions, orderKey: string | null): readonly number[] {
  const askedAt = Date.now();
  const delayMs = publishDelayMs(options, askedAt);
  if (delayMs === 0) return [];
  if (orderKey !== null) {
    throw new ConfigurationError([
      'outbox: orderKey does not go with delay and deliverAt: the rest of the key would wait as long. Leave one of them out',
    ]);
  }
  return options.deliverAt === undefined ? [Math.ceil(delayMs), 0] : [0, options.deliverAt.getTime()];
}

function checkedIds(ids: readonly number[] | 'all'): readonly number[] | 'all' {
  return ids === 'all' ? ids : ids.map(checkedWhole);
}

/** Stands in the text of a statement. */
function checkedWhole(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new ConfigurationError([`outbox: ids and limits must be whole numbers from 0; got ${describeValue(value)}`]);
}

/** Without this, a trigger that keeps a row out would lose a message that was "published". */
function notWritten(rowCount: number): LeveretError {
  return new LeveretError(
    'LEV_OUTBOX_NOT_WRITTEN',
    `The insert into leveret_outbox wrote ${rowCount} rows instead of 1, and the database reported no fault: let this error out, so that the transaction is rolled back. See what triggers, rules and partitions the table has, and that query() of your SqlDatabase answers rowCount.`,
  );
}

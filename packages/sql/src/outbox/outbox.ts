import {
  boundedKey,
  buildPublication,
  ConfigurationError,
  contentTypeConverter,
  describeValue,
  encodable,
  type MessageConverter,
  Problems,
  type Publication,
  type PublisherOptions,
  type PublishOptions,
  type ResolvedPublisherOptions,
  resolvePublisherOptions,
} from '@leveret/core';
import { type SqlDatabase, type SqlResult, serviceOf } from '../database/sql-database.js';
import { ownMessages } from './outbox-row.js';
import { type ParkedMessage, readParked } from './parked-message.js';
import { writeTable } from './table-json.js';

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

/** What can be said about a message in an outbox. */
export interface OutboxPublishOptions extends PublishOptions {
  /**
   * Messages with the same key are published one behind the other, each when the one before is confirmed, in the order
   * their transactions wrote them; one that is parked holds up the rest of its key. Default: no order.
   */
  readonly orderKey?: string;
}

/** What an outbox holds. */
export interface OutboxCounts {
  /** Waiting to be published, or being published. */
  readonly pending: number;
  /** Refused for good: somebody has to look at them. */
  readonly parked: number;
  /** Pending ones that wait behind a parked one with the same order key. */
  readonly heldUp: number;
  /** Age of the oldest pending message in milliseconds, 0 when there is none: how far the relays are behind. */
  readonly oldestPendingMs: number;
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
  readonly #service: string;
  readonly #own: string;

  /** @throws {ConfigurationError} when an option of `publisher` is wrong, or the database does not say which service uses it */
  constructor(database: SqlDatabase<Tx>, options: OutboxOptions = {}) {
    this.#service = serviceOf(database);
    this.#own = ownMessages(this.#service);
    const problems = new Problems('outbox');
    this.#database = database;
    this.#converter = options.converter ?? contentTypeConverter();
    this.#publisher = resolvePublisherOptions(options.publisher, problems);
    problems.throwIfAny();
    const { dialect } = database;
    const notify = dialect.name === 'postgres' && (options.notify ?? true);
    this.#insert = dialect.placeholders(
      `INSERT INTO leveret_outbox (message_id, exchange, routing_key, properties, headers, mandatory, body, order_key, service, created_at, available_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ${dialect.now}, ${dialect.now})${notify ? ` RETURNING pg_notify('${OUTBOX_CHANNEL}', '')::text` : ''}`,
    );
  }

  /**
   * Writes a message beside the business data of the transaction.
   * @returns its message id
   * @throws {ConfigurationError} when an option, the exchange or the routing key is not what it must be; nothing was written
   * @throws {MessageConversionError} when the payload cannot be written as a message; nothing was written
   * @throws {PublishUnencodableError} when a header is no value of an AMQP table; nothing was written
   */
  async publish(
    tx: Tx,
    exchange: string,
    routingKey: string,
    payload: unknown,
    options: OutboxPublishOptions = {},
  ): Promise<string | undefined> {
    const { orderKey, ...rest } = options;
    const route = { exchange: shortText(exchange, 'exchange'), routingKey: shortText(routingKey, 'routing key') };
    await this.#publisher.validate?.(payload);
    const built = buildPublication(route, payload, rest, this.#publisher, this.#converter);
    return this.send(tx, this.#publisher.beforePublish?.(built) ?? built, options);
  }

  /** Like {@link publish}, for a message that is complete already: nothing is added to it. */
  async send(
    tx: Tx,
    publication: Publication,
    options: Pick<OutboxPublishOptions, 'orderKey'> = {},
  ): Promise<string | undefined> {
    const { exchange, routingKey, properties, headers, mandatory, body } = publication;
    // Now, while the caller can still mend it: the relay could only park it.
    encodable(publication);
    await this.#database
      .within(tx)
      .query(this.#insert, [
        properties.messageId === undefined ? null : boundedKey(properties.messageId),
        shortText(exchange, 'exchange'),
        shortText(routingKey, 'routing key'),
        writeTable(properties),
        writeTable(headers),
        mandatory ? 1 : 0,
        body,
        orderKeyOf(options.orderKey),
        this.#service,
      ]);
    return properties.messageId;
  }

  /** How full it is, for a health check or a gauge. Counts rows: ask every minute, not every second. */
  async counts(): Promise<OutboxCounts> {
    const { now } = this.#database.dialect;
    const { rows } = await this.#database.query(
      `SELECT count(*) - count(parked_at) AS pending, count(parked_at) AS parked,
         ${now} - min(CASE WHEN parked_at IS NULL THEN created_at END) AS oldest_ms,
         sum(CASE WHEN parked_at IS NULL AND order_key IS NOT NULL AND EXISTS (SELECT 1 FROM leveret_outbox e
           WHERE e.order_key = o.order_key AND e.id < o.id AND e.parked_at IS NOT NULL AND ${ownMessages(this.#service, 'e')}) THEN 1 ELSE 0 END) AS held_up
       FROM leveret_outbox o WHERE ${this.#own}`,
    );
    const number = (name: string) => Number(rows[0]?.[name] ?? 0);
    return {
      pending: number('pending'),
      parked: number('parked'),
      heldUp: number('held_up'),
      oldestPendingMs: Math.max(0, number('oldest_ms')),
    };
  }

  /**
   * Messages that were refused for good, oldest first.
   * @param options `limit` from 1, default 100; `afterId` goes on behind the last one of the page before
   */
  async parked(
    options: { readonly limit?: number; readonly afterId?: number } = {},
  ): Promise<readonly ParkedMessage[]> {
    const { limit = 100, afterId = 0 } = options;
    const { rows } = await this.#database.query(
      `SELECT id, message_id, exchange, routing_key, properties, headers, mandatory, body, order_key, created_at, parked_at, attempts, failures, error
       FROM leveret_outbox WHERE parked_at IS NOT NULL AND ${this.#own} AND id > ${whole(afterId)} ORDER BY id LIMIT ${whole(limit)}`,
    );
    return rows.map(readParked);
  }

  /** Lets parked messages be published again, with a clean count of failures. Answers how many there were. */
  async requeue(ids: readonly number[] | 'all'): Promise<number> {
    const { now } = this.#database.dialect;
    return this.#parkedOnly(
      `UPDATE leveret_outbox SET parked_at = NULL, failures = 0, locked_until = 0, available_at = ${now}`,
      ids,
    );
  }

  /** Deletes parked messages for good. Answers how many there were. */
  async discard(ids: readonly number[] | 'all'): Promise<number> {
    return this.#parkedOnly('DELETE FROM leveret_outbox', ids);
  }

  async #parkedOnly(statement: string, ids: readonly number[] | 'all'): Promise<number> {
    if (ids !== 'all' && ids.length === 0) return 0;
    const some = ids === 'all' ? '' : ` AND id IN (${ids.map(whole).join(', ')})`;
    const result: SqlResult = await this.#database.query(
      `${statement} WHERE parked_at IS NOT NULL AND ${this.#own}${some}`,
    );
    return result.rowCount;
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

/** Stands in the text of a statement. */
function whole(value: number): string {
  if (Number.isSafeInteger(value) && value >= 0) return String(value);
  throw new ConfigurationError([`outbox: ids and limits must be whole numbers from 0; got ${describeValue(value)}`]);
}

import { channelError, connectionError, replyName } from '../errors/amqp-error.js';
import type { Message } from '../queue/message.js';
import { MessageSlab } from '../queue/message-slab.js';
import type { Queue } from '../queue/queue.js';
import { LONGEST_LIFE_MS } from '../queue/queue-arguments.js';
import type { Exchange } from '../routing/exchange.js';
import { FIELD_TYPE_NAMES, type FieldValue, readField } from '../wire/field-table.js';
import { encodeMethod } from '../wire/methods.js';
import { editProperties, type PropertyEdits } from '../wire/properties.js';
import { PropertyScan } from '../wire/property-scan.js';
import { lookAtTable, type TableLook } from '../wire/table-walk.js';
import type { ChannelHost } from './channel-host.js';
import type { Content } from './content-assembly.js';
import { REPLY_QUEUE } from './reply-registry.js';

/** The fields of a basic.publish. */
export interface PublishMethod {
  readonly exchange: string;
  readonly routingKey: string;
  readonly mandatory: boolean;
  readonly immediate: boolean;
}

/** A publish that passed every check and can be routed. */
export interface Publication {
  readonly exchange: Exchange<Queue>;
  readonly message: Message;
  readonly routingKeys: readonly string[];
  readonly ttlMs: number | undefined;
  readonly mandatory: boolean;
  /** Names of the queues it goes to, when those were looked up before: in a transaction. */
  readonly routedTo?: readonly string[];
}

const NO_ROUTE = 312;
const scan = new PropertyScan();
const slab = new MessageSlab();

/**
 * Turns a basic.publish with its content into something that can be routed.
 *
 * @param replyAddress the channel's own direct reply-to address, when it consumes replies
 * @throws {AmqpError} in RabbitMQ's order: 540, 406 size, 403, 404, 403 internal, 406 user id, expiration, headers
 */
export function preparePublication(
  host: ChannelHost,
  method: PublishMethod,
  content: Content,
  announcedSize: number,
  replyAddress: string | undefined,
): Publication {
  const exchange = writableExchange(host, method, announcedSize);
  const { bytes, propertiesStart } = content;
  scan.scan(bytes, propertiesStart, content.propertiesEnd);
  const { end, deliveryMode, priority } = scan;
  const ttlMs = checkProperties(host, bytes);
  const isReplyRequest = usesDirectReply(bytes);
  if (isReplyRequest && replyAddress === undefined) throw channelError(406, 'fast reply consumer does not exist');
  const headers = scan.hasHeaders ? lookAtTable(bytes, scan.headersStart, scan.headersEnd) : undefined;
  const cc = extraKeys(bytes, 'CC');
  const bcc = extraKeys(bytes, 'BCC');
  const edits = propertyEdits(host, headers, ttlMs, bcc, isReplyRequest ? replyAddress : undefined);
  const properties = edits === undefined ? undefined : editProperties(bytes, propertiesStart, end, edits);
  const message = slab.message(
    exchange.name,
    method.routingKey,
    properties ?? bytes,
    properties === undefined ? propertiesStart : 0,
    properties === undefined ? end : properties.length,
    content.bodyBytes,
    content.bodyStart,
    content.bodyEnd,
  );
  message.describe(deliveryMode === 2, priority);
  if (cc === undefined && bcc === undefined) {
    return { exchange, message, routingKeys: [method.routingKey], ttlMs, mandatory: method.mandatory };
  }
  message.extra = { ...(cc === undefined ? {} : { cc }), ...(bcc === undefined ? {} : { bcc }) };
  const routingKeys = [method.routingKey, ...(cc ?? []), ...(bcc ?? [])];
  return { exchange, message, routingKeys, ttlMs, mandatory: method.mandatory };
}

/** The exchange, when this user may publish this much to it. */
function writableExchange(host: ChannelHost, method: PublishMethod, announcedSize: number): Exchange<Queue> {
  if (method.immediate) throw connectionError(540, 'immediate=true');
  const { environment, vhost } = host;
  if (announcedSize > environment.maxMessageBytes) {
    const limit = environment.maxMessageBytes;
    throw channelError(406, `message size ${announcedSize} is larger than configured max size ${limit}`);
  }
  host.checkPermission('write', 'exchange', method.exchange);
  const exchange = vhost.exchanges.require(method.exchange);
  if (!exchange.internal) return exchange;
  throw channelError(403, `cannot publish to internal exchange '${exchange.name}' in vhost '${vhost.name}'`);
}

/** Checks the scanned properties; returns the message's own time to live. */
function checkProperties(host: ChannelHost, bytes: Buffer): number | undefined {
  if (scan.hasUserId && !host.mayImpersonate)
    checkUserId(bytes.toString('latin1', scan.userIdStart, scan.userIdEnd), host.userName);
  const ttlMs = scan.hasExpiration
    ? parseExpiration(bytes.toString('latin1', scan.expirationStart, scan.expirationEnd))
    : undefined;
  const { deliveryMode } = scan;
  const isKnown = !scan.hasDeliveryMode || deliveryMode === 1 || deliveryMode === 2;
  if (!isKnown && host.environment.profile.checksDeliveryMode) {
    throw channelError(406, `invalid message: {delivery_mode_unknown,${deliveryMode}}`);
  }
  return ttlMs;
}

function usesDirectReply(bytes: Buffer): boolean {
  if (!scan.hasReplyTo || scan.replyToEnd - scan.replyToStart !== REPLY_QUEUE.length) return false;
  return bytes.toString('latin1', scan.replyToStart, scan.replyToEnd) === REPLY_QUEUE;
}

/** What a broker changes in the properties of a new message; `undefined` leaves the bytes as they are. */
function propertyEdits(
  host: ChannelHost,
  headers: TableLook | undefined,
  ttlMs: number | undefined,
  bcc: readonly string[] | undefined,
  replyTo: string | undefined,
): PropertyEdits | undefined {
  const { rewritesProperties } = host.environment.profile;
  const headersChange = headers !== undefined && !(headers.sorted && headers.canonical);
  const expiration = String(ttlMs);
  const expirationChanges = ttlMs !== undefined && scan.expirationEnd - scan.expirationStart !== expiration.length;
  const isRewritten = rewritesProperties && (headersChange || expirationChanges || scan.hasStrayFlags);
  if (!isRewritten && bcc === undefined && replyTo === undefined) return undefined;
  return {
    sort: rewritesProperties ? 'unique' : undefined,
    ...(rewritesProperties && expirationChanges ? { expiration } : {}),
    ...(bcc === undefined ? {} : { remove: ['BCC'] }),
    ...(replyTo === undefined ? {} : { replyTo }),
  };
}

/** A publication that goes to the queues it would reach now, however late it is sent on its way. */
export function routedInAdvance({ vhost }: ChannelHost, publication: Publication): Publication {
  const { exchange, message, routingKeys } = publication;
  return { ...publication, routedTo: vhost.route(exchange, message, routingKeys).map(({ name }) => name) };
}

/**
 * Routes a publication; an unroutable one that is mandatory is returned.
 *
 * @returns `false` when a queue refused it
 */
export function routePublication(host: ChannelHost, channel: number, publication: Publication): boolean {
  const { exchange, message, routingKeys, ttlMs, mandatory, routedTo } = publication;
  const { profile, replies } = host.environment;
  const isReply = exchange.name === '' && message.routingKey.startsWith(`${REPLY_QUEUE}.`);
  if (isReply) {
    const receiver = replies.find(message.routingKey);
    receiver?.receiveReply(message);
    const knownToFail = profile.returnsDeadReplies || !replies.isAddress(message.routingKey);
    const returned = receiver === undefined ? knownToFail : profile.returnsDeliveredReplies;
    if (mandatory && returned) returnMessage(host, channel, message);
    return true;
  }
  const { vhost } = host;
  const { routed, refused } =
    routedTo === undefined
      ? vhost.publish(exchange, message, routingKeys, ttlMs)
      : vhost.put(
          message,
          routedTo.flatMap((name) => vhost.queue(name) ?? []),
          ttlMs,
        );
  if (routed === 0 && mandatory) returnMessage(host, channel, message);
  return !refused;
}

function returnMessage(host: ChannelHost, channel: number, message: Message): void {
  const { exchange, routingKey } = message;
  const replyText = replyName(NO_ROUTE);
  host.writer.method(channel, encodeMethod('basic.return', { replyCode: NO_ROUTE, replyText, exchange, routingKey }));
  host.writer.content(channel, message);
  host.written();
}

function checkUserId(userId: string, userName: string): void {
  if (userId === userName) return;
  throw channelError(406, `user_id property set to '${userId}' but authenticated user was '${userName}'`);
}

/** The expiration in milliseconds. RabbitMQ reads digits from the start and complains about the rest. */
function parseExpiration(text: string): number {
  const match = /^([+-]?\d+)(.*)$/s.exec(text);
  if (match === null) throw channelError(406, `invalid expiration '${text}': no_integer`);
  const [, digits = '', rest = ''] = match;
  if (rest !== '') throw channelError(406, `invalid expiration '${text}': {leftover_string,${erlangString(rest)}}`);
  const value = Number(digits);
  if (value < 0) throw channelError(406, `invalid expiration '${text}': {value_negative,${value}}`);
  if (value > LONGEST_LIFE_MS) {
    throw channelError(406, `invalid expiration '${text}': {value_too_large,${digits}}`);
  }
  return value;
}

/** A list of characters as Erlang prints it: as text only when all of it can be read. */
function erlangString(text: string): string {
  if (/^[\b\t\n\f\r\x20-\x7e\xa0-\xff]*$/.test(text)) return JSON.stringify(text);
  return `[${[...text].map((char) => char.charCodeAt(0)).join(',')}]`;
}

/** The routing keys in a CC or BCC header; `undefined` without that header. */
function extraKeys(bytes: Buffer, name: 'CC' | 'BCC'): string[] | undefined {
  const field = scan.hasHeaders ? readField(bytes, scan.headersStart, scan.headersEnd, name) : undefined;
  if (field === undefined) return undefined;
  if (field.tag !== 'A') {
    throw channelError(406, `invalid message: {unacceptable_type_in_header,"${name}",${FIELD_TYPE_NAMES[field.tag]}}`);
  }
  return (field.value as readonly FieldValue[]).filter(({ tag }) => tag === 'S').map(({ value }) => value as string);
}

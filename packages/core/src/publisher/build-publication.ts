import { randomUUID } from 'node:crypto';

import { describeValue, Problems } from '../errors/configuration-error.js';
import { asError } from '../errors/error-text.js';
import type { MessageHeaders, Publication } from '../message/message.js';
import type { EncodedPayload, EncodeHints, MessageConverter } from '../message/message-converter.js';
import { wireTable } from '../message/wire-table.js';
import { type Duration, durationMs } from '../time/duration.js';
import { PublishError } from './publish-error.js';
import { checkPublishOptions, epochSeconds, type PublishOptions } from './publish-options.js';
import type { ResolvedPublisherOptions } from './publisher-options.js';

/** An exchange (empty for the default one, which routes by queue name) and a routing key. */
export interface PublishRoute {
  readonly exchange: string;
  readonly routingKey: string;
  /** Kind of the message, when its class says so; the options of the call come before it. */
  readonly type?: string | undefined;
}

const NO_HEADERS: MessageHeaders = Object.freeze({});
const NO_HINTS: EncodeHints = Object.freeze({});
const NO_OPTIONS: PublishOptions = Object.freeze({});

/**
 * Makes the message that goes on the wire: encodes the payload, and takes each property from the call, else from the
 * payload's class, else from the publisher's defaults, else from what the converter found.
 * @throws {ConfigurationError} with every option that is unknown or not of the expected kind
 * @throws {MessageConversionError} when the payload cannot be written
 * @throws {PublishError} LEV_PUBLISH_UNENCODABLE when a header is no value of an AMQP table
 */
export function buildPublication(
  route: PublishRoute,
  payload: unknown,
  options: PublishOptions = NO_OPTIONS,
  publisher: ResolvedPublisherOptions,
  converter: MessageConverter,
): Publication {
  const defaults = publisher.defaults;
  if (options !== NO_OPTIONS) refuseBadOptions(options);
  const encoded = converter.toMessage(payload, encodeHints(options, defaults));
  const persistent = options.persistent ?? defaults.persistent ?? publisher.persistent;
  return encodable({
    exchange: route.exchange,
    routingKey: route.routingKey,
    body: encoded.body,
    properties: {
      contentType: encoded.contentType,
      contentEncoding: options.contentEncoding ?? encoded.contentEncoding ?? defaults.contentEncoding,
      deliveryMode: persistent ? 2 : 1,
      priority: options.priority ?? defaults.priority,
      correlationId: options.correlationId,
      replyTo: options.replyTo ?? defaults.replyTo,
      expiration: expirationText(options.expiration ?? defaults.expiration),
      messageId: options.messageId ?? (publisher.createMessageIds ? randomUUID() : undefined),
      timestamp: epochSeconds(options.timestamp ?? defaults.timestamp),
      type: options.type ?? route.type ?? defaults.type,
      userId: options.userId ?? defaults.userId,
      appId: options.appId ?? defaults.appId,
    },
    headers: headersOf(options, defaults, encoded),
    mandatory: options.mandatory ?? defaults.mandatory ?? publisher.returns,
  });
}

/**
 * The message with headers that a transport can write: dates as timestamps, bytes as byte arrays.
 * @throws {PublishError} LEV_PUBLISH_UNENCODABLE with the path of a header that is no value of an AMQP table
 */
export function encodable(publication: Publication): Publication {
  try {
    const headers = wireTable(publication.headers, 'headers');
    return headers === publication.headers ? publication : { ...publication, headers };
  } catch (error) {
    const cause = asError(error);
    const { exchange, routingKey } = publication;
    throw new PublishError(
      'LEV_PUBLISH_UNENCODABLE',
      `The message to exchange ${describeValue(exchange)} with routing key ${describeValue(routingKey)} cannot be written: ${cause.message}`,
      { publication, fate: 'not-sent', attempts: 0, causes: [cause] },
    );
  }
}

function refuseBadOptions(options: PublishOptions): void {
  const problems = new Problems();
  checkPublishOptions(options, problems);
  problems.throwIfAny();
}

function encodeHints(options: PublishOptions, defaults: PublishOptions): EncodeHints {
  const contentType = options.contentType ?? defaults.contentType;
  const contentEncoding = options.contentEncoding ?? defaults.contentEncoding;
  return contentType === undefined && contentEncoding === undefined ? NO_HINTS : { contentType, contentEncoding };
}

function headersOf(options: PublishOptions, defaults: PublishOptions, encoded: EncodedPayload): MessageHeaders {
  const cc = options.cc ?? defaults.cc;
  const bcc = options.bcc ?? defaults.bcc;
  const own = options.headers;
  if (own === undefined && encoded.headers === undefined && defaults.headers === undefined && !cc && !bcc) {
    return NO_HEADERS;
  }
  const headers: Record<string, unknown> = { ...encoded.headers, ...defaults.headers, ...own };
  if (cc !== undefined) headers['CC'] = asList(cc);
  if (bcc !== undefined) headers['BCC'] = asList(bcc);
  return headers;
}

function asList(keys: string | readonly string[]): readonly string[] {
  return typeof keys === 'string' ? [keys] : keys;
}

function expirationText(expiration: Duration | undefined): string | undefined {
  return expiration === undefined ? undefined : String(Math.ceil(durationMs(expiration, 'expiration')));
}

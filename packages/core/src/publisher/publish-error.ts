import type { ErrorCode } from '../errors/error-codes.js';
import { LeveretError } from '../errors/leveret-error.js';
import type { Publication } from '../message/message.js';

/**
 * What became of a message whose publish failed:
 *
 * | fate | the message | publish it again? |
 * |---|---|---|
 * | `not-sent` | never left this process | safe |
 * | `refused` | was sent, and the broker said no (after a nack, some of its queues may have it) | once the reason is gone |
 * | `unknown` | may be in its queues or not: no answer came | may make it arrive twice; keep its message id |
 */
export type PublishFate = 'not-sent' | 'refused' | 'unknown';

/** What every {@link PublishError} knows. */
export interface PublishErrorDetails {
  readonly publication: Publication;
  readonly fate: PublishFate;
  readonly attempts: number;
  readonly causes: readonly Error[];
}

/**
 * A publish failed for good. `fate` says what that means for the message, `attempts` how often it was tried, `causes`
 * why each attempt failed (oldest first; `cause` is the last). The subclasses say what happened last.
 */
export class PublishError extends LeveretError {
  /** The message. `publisher.send(error.publication)` sends it again. */
  readonly publication: Publication;
  readonly fate: PublishFate;
  /** Attempts that were made, 0 when the message was turned away before the first. */
  readonly attempts: number;
  readonly causes: readonly Error[];

  constructor(code: ErrorCode, message: string, details: PublishErrorDetails) {
    const cause = details.causes.at(-1);
    super(code, message, cause === undefined ? undefined : { cause });
    this.publication = details.publication;
    this.fate = details.fate;
    this.attempts = details.attempts;
    this.causes = details.causes;
  }

  /** The id of the message, when it has one. */
  get messageId(): string | undefined {
    return this.publication.properties.messageId;
  }
}

/**
 * The broker answered `basic.nack`: at least one of the queues did not take the message, as when it is full and set to
 * `reject-publish`. Other queues of the same exchange may have it.
 */
export class PublishNackedError extends PublishError {
  constructor(message: string, details: PublishErrorDetails) {
    super('LEV_PUBLISH_NACKED', message, details);
  }
}

/** The broker returned the message: no queue is bound for its routing key. It is in no queue. */
export class PublishUnroutableError extends PublishError {
  /** 312 for NO_ROUTE. */
  readonly replyCode: number;
  readonly replyText: string;

  constructor(
    message: string,
    details: PublishErrorDetails & { readonly replyCode: number; readonly replyText: string },
  ) {
    super('LEV_PUBLISH_UNROUTABLE', message, details);
    this.replyCode = details.replyCode;
    this.replyText = details.replyText;
  }
}

/** The exchange does not exist. The broker closed the channel; other messages on it were published again. */
export class PublishExchangeMissingError extends PublishError {
  constructor(message: string, details: PublishErrorDetails) {
    super('LEV_PUBLISH_EXCHANGE_MISSING', message, details);
  }
}

/**
 * This message alone made the broker close the channel (an internal exchange, no permission, a wrong user id, a body
 * above the broker's limit).
 */
export class PublishRefusedError extends PublishError {
  constructor(message: string, details: PublishErrorDetails) {
    super('LEV_PUBLISH_REFUSED', message, details);
  }
}

/**
 * The message cannot be written as AMQP: headers above the frame size, a header or property of a kind that AMQP does not
 * have. `cause` says which. The channel and the messages on it are unharmed.
 */
export class PublishUnencodableError extends PublishError {
  constructor(message: string, details: PublishErrorDetails) {
    super('LEV_PUBLISH_UNENCODABLE', message, details);
  }
}

/**
 * Neither ack nor nack came within `confirmTimeout`. `fate` is `not-sent` when the message was held back all the time behind
 * others to the same exchange and key that had no answer either.
 */
export class PublishConfirmTimeoutError extends PublishError {
  /**
   * The fault lies with this destination (exchange and routing key), not with the broker: it has been set apart, and other
   * messages are published beside it. So it is with a quorum queue that has lost its majority. `false` when nothing is known
   * of other destinations.
   */
  readonly stuck: boolean;

  constructor(message: string, details: PublishErrorDetails & { readonly stuck?: boolean }) {
    super('LEV_PUBLISH_CONFIRM_TIMEOUT', message, details);
    this.stuck = details.stuck ?? false;
  }
}

/** The channel or the connection went away before the confirm. */
export class PublishChannelLostError extends PublishError {
  constructor(message: string, details: PublishErrorDetails) {
    super('LEV_PUBLISH_CHANNEL_LOST', message, details);
  }
}

/** There was no connection to publish on within `connectionTimeout`, in any attempt. */
export class PublishNotConnectedError extends PublishError {
  constructor(message: string, details: PublishErrorDetails) {
    super('LEV_PUBLISH_NOT_CONNECTED', message, details);
  }
}

/** The broker has a resource alarm and took no messages for `blockedTimeout`. */
export class PublishBlockedError extends PublishError {
  constructor(message: string, details: PublishErrorDetails) {
    super('LEV_PUBLISH_BLOCKED', message, details);
  }
}

/** The publisher holds as many messages or bytes as it may. */
export class PublishBufferFullError extends PublishError {
  constructor(message: string, details: PublishErrorDetails) {
    super('LEV_PUBLISH_BUFFER_FULL', message, details);
  }
}

/** The publisher was closed before the message was confirmed, or before it was given the message. */
export class PublisherClosedError extends PublishError {
  constructor(message: string, details: PublishErrorDetails) {
    super('LEV_PUBLISHER_CLOSED', message, details);
  }
}

/** No reply to a request came in time. The request itself may have been handled. */
export class RequestTimeoutError extends LeveretError {
  /** Correlation id of the request; a reply that still comes carries it, and is dropped and counted. */
  readonly correlationId: string;
  readonly timeoutMs: number;

  constructor(message: string, details: { readonly correlationId: string; readonly timeoutMs: number }) {
    super('LEV_REQUEST_TIMEOUT', message);
    this.correlationId = details.correlationId;
    this.timeoutMs = details.timeoutMs;
  }
}

/** What a listener's error was, as its reply tells it. */
export interface RemoteFailure {
  /** Name of the error's class on the other side, when told. */
  readonly name: string | undefined;
  readonly message: string;
  /** Its code, when it had one, such as `LEV_MESSAGE_INVALID`. */
  readonly code: string | undefined;
}

/** The listener that was asked failed, and said so in its reply. */
export class RemoteFailureError extends LeveretError {
  readonly remote: RemoteFailure;

  constructor(remote: RemoteFailure) {
    const name = remote.name === undefined ? '' : `${remote.name}: `;
    super('LEV_REMOTE_FAILURE', `The listener replied with an error: ${name}${remote.message}`);
    this.remote = remote;
  }
}

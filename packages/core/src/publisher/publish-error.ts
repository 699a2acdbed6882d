import type { ErrorCode } from '../errors/error-codes.js';
import { carry } from '../errors/inspect-error.js';
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
  /** Default `false`. */
  readonly stuck?: boolean;
}

/**
 * A publish failed for good. `fate` says what that means for the message, `attempts` how often it was tried, `causes`
 * why each attempt failed (oldest first; `cause` is the last), and `code` what happened last:
 *
 * | code | |
 * |---|---|
 * | `LEV_PUBLISH_NACKED` | a queue did not take it, as when it is full and set to `reject-publish`; others may have it |
 * | `LEV_PUBLISH_UNROUTABLE` | no queue is bound for it: a {@link PublishUnroutableError} |
 * | `LEV_PUBLISH_EXCHANGE_MISSING` | its exchange does not exist |
 * | `LEV_PUBLISH_REFUSED` | it alone made the broker close the channel: an internal exchange, no permission, a wrong user id, a body above the broker's limit |
 * | `LEV_PUBLISH_UNENCODABLE` | it cannot be written as AMQP; `cause` says why |
 * | `LEV_PUBLISH_CONFIRM_TIMEOUT` | neither ack nor nack within `confirmTimeout`; see {@link PublishError.stuck} |
 * | `LEV_PUBLISH_CHANNEL_LOST` | the channel or the connection went away before the confirm |
 * | `LEV_PUBLISH_NOT_CONNECTED` | no connection within `connectionTimeout`, in any attempt |
 * | `LEV_PUBLISH_BLOCKED` | the broker has a resource alarm, for longer than `blockedTimeout` |
 * | `LEV_PUBLISH_BUFFER_FULL` | the publisher holds as many messages or bytes as it may |
 * | `LEV_PUBLISHER_CLOSED` | the publisher was closed before |
 */
export class PublishError extends LeveretError {
  static override readonly name: string = 'PublishError';
  /** The message. `publisher.send(error.publication)` sends it again. */
  declare readonly publication: Publication;
  readonly fate: PublishFate;
  /** Attempts that were made, 0 when the message was turned away before the first. */
  readonly attempts: number;
  declare readonly causes: readonly Error[];
  /**
   * It had no answer, and the fault lies with its destination (exchange and routing key), not with the broker: that has been
   * set apart, and other messages are published beside it. So it is with a quorum queue that has lost its majority. `false`
   * when nothing is known of other destinations.
   */
  readonly stuck: boolean;

  constructor(code: ErrorCode, message: string, details: PublishErrorDetails) {
    const cause = details.causes.at(-1);
    super(code, message, cause === undefined ? undefined : { cause });
    this.fate = details.fate;
    this.attempts = details.attempts;
    carry<PublishError>(this, { publication: details.publication, causes: details.causes });
    this.stuck = details.stuck ?? false;
  }

  /** The id of the message, when it has one. */
  get messageId(): string | undefined {
    return this.publication.properties.messageId;
  }
}

/** The broker returned the message: no queue is bound for its routing key. It is in no queue. */
export class PublishUnroutableError extends PublishError {
  static override readonly name: string = 'PublishUnroutableError';
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

/** No reply to a request came in time. The request itself may have been handled. */
export class RequestTimeoutError extends LeveretError {
  static override readonly name: string = 'RequestTimeoutError';
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
  static override readonly name: string = 'RemoteFailureError';
  readonly remote: RemoteFailure;

  constructor(remote: RemoteFailure) {
    const name = remote.name === undefined ? '' : `${remote.name}: `;
    super('LEV_REMOTE_FAILURE', `The listener replied with an error: ${name}${remote.message}`);
    this.remote = remote;
  }
}

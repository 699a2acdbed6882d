import type { ErrorCode } from '../errors/error-codes.js';
import type { Publication } from '../message/message.js';
import { backoffDelayMs } from '../time/backoff.js';
import type { ReturnInfo } from '../transport/transport.js';
import { PublishError, type PublishErrorDetails, type PublishFate, PublishUnroutableError } from './publish-error.js';
import type { PublishRetryPolicy } from './publisher-options.js';

/** Why one attempt to publish a message failed. What each kind means stands in one table, {@link RULES}. */
export type PublishFailure =
  | { readonly kind: PlainKind; readonly error: Error }
  | { readonly kind: 'unroutable'; readonly error: Error; readonly returned: ReturnInfo }
  /** No confirm in time. `sent` is false of a message held back because others to the same destination had none. */
  | { readonly kind: 'confirm-timeout'; readonly error: Error; readonly sent: boolean; readonly stuck: boolean }
  /** The publisher was closed; `sent` when the message was written and had no answer yet. */
  | { readonly kind: 'closed'; readonly error: Error; readonly sent: boolean };

type PlainKind =
  | 'nacked'
  /** Refused on a channel that may be the reason; the next attempt goes over a fresh one, and this one did not count. */
  | 'nacked-by-channel'
  | 'exchange-missing'
  | 'refused'
  | 'unencodable'
  | 'channel-lost'
  /** Another message ended the channel; this one is published again and has used no attempt. */
  | 'spoilt'
  | 'not-connected'
  | 'blocked'
  | 'buffer-full';

type FailureKind = PublishFailure['kind'];
type FailureOf<K extends FailureKind> = PublishFailure & { readonly kind: K };

/** What one kind of failure means. */
interface FailureRule<F> {
  /** What is known of the message after this attempt. */
  readonly fate: PublishFate | ((failure: F) => PublishFate);
  /** What another attempt may find mended: the connection, or the queues of the message. */
  readonly repeatable: false | 'connection' | 'queue';
  /** Whether it used up one of the attempts; what only waited did not. */
  readonly attempt: boolean;
  /** What the error text says of it. */
  readonly says: (failure: F) => string;
  readonly code: ErrorCode;
  /** Where the error has more to say. Default: a {@link PublishError} with the code. */
  readonly toError?: (text: string, details: PublishErrorDetails, failure: F) => PublishError;
}

const whenSent = ({ sent }: { readonly sent: boolean }): PublishFate => (sent ? 'unknown' : 'not-sent');
const notConfirmed = ({ error }: PublishFailure) => `was not confirmed: ${error.message}`;
const channelGone = ({ error }: PublishFailure) => `was not confirmed: the channel went away (${error.message})`;
const nacked = () => 'was refused by a queue (basic.nack)';

/** The one table of failures. */
const RULES: { readonly [K in FailureKind]: FailureRule<FailureOf<K>> } = {
  nacked: { fate: 'refused', repeatable: 'queue', attempt: true, says: nacked, code: 'LEV_PUBLISH_NACKED' },
  'nacked-by-channel': {
    fate: 'refused',
    repeatable: 'connection',
    attempt: false,
    says: nacked,
    code: 'LEV_PUBLISH_NACKED',
  },
  unroutable: {
    fate: 'refused',
    repeatable: false,
    attempt: true,
    says: ({ returned }) => `was returned (${returned.replyCode} ${returned.replyText}): no queue is bound for it`,
    code: 'LEV_PUBLISH_UNROUTABLE',
    toError: (text, details, { returned: { replyCode, replyText } }) =>
      new PublishUnroutableError(text, { ...details, replyCode, replyText }),
  },
  'exchange-missing': {
    fate: 'refused',
    repeatable: false,
    attempt: true,
    says: () => 'could not be published: the exchange does not exist',
    code: 'LEV_PUBLISH_EXCHANGE_MISSING',
  },
  refused: {
    fate: 'refused',
    repeatable: false,
    attempt: true,
    says: ({ error }) => `was refused: ${error.message}`,
    code: 'LEV_PUBLISH_REFUSED',
  },
  unencodable: {
    fate: 'not-sent',
    repeatable: false,
    attempt: false,
    says: ({ error }) => `could not be encoded: ${error.message}`,
    code: 'LEV_PUBLISH_UNENCODABLE',
  },
  'confirm-timeout': {
    fate: whenSent,
    repeatable: 'queue',
    attempt: true,
    says: notConfirmed,
    code: 'LEV_PUBLISH_CONFIRM_TIMEOUT',
    toError: (text, details, { stuck }) => new PublishError('LEV_PUBLISH_CONFIRM_TIMEOUT', text, { ...details, stuck }),
  },
  'channel-lost': {
    fate: 'unknown',
    repeatable: 'connection',
    attempt: true,
    says: channelGone,
    code: 'LEV_PUBLISH_CHANNEL_LOST',
  },
  spoilt: {
    fate: 'unknown',
    repeatable: 'connection',
    attempt: false,
    says: channelGone,
    code: 'LEV_PUBLISH_CHANNEL_LOST',
  },
  'not-connected': {
    fate: 'not-sent',
    repeatable: 'connection',
    attempt: true,
    says: ({ error }) => `could not be sent: ${error.message}`,
    code: 'LEV_PUBLISH_NOT_CONNECTED',
  },
  blocked: {
    fate: 'not-sent',
    repeatable: false,
    attempt: false,
    says: notConfirmed,
    code: 'LEV_PUBLISH_BLOCKED',
  },
  'buffer-full': {
    fate: 'not-sent',
    repeatable: false,
    attempt: false,
    says: notConfirmed,
    code: 'LEV_PUBLISH_BUFFER_FULL',
  },
  closed: {
    fate: whenSent,
    repeatable: false,
    attempt: false,
    says: notConfirmed,
    code: 'LEV_PUBLISHER_CLOSED',
  },
};

/** The entry of the table for one failure. */
function ruleOf(failure: PublishFailure): FailureRule<PublishFailure> {
  return RULES[failure.kind] as FailureRule<PublishFailure>;
}

/** Whether a failure used up one of the attempts of its message. */
export function usesAttempt(failure: PublishFailure): boolean {
  return ruleOf(failure).attempt;
}

/** What to do with a message after a failed attempt. */
export type RetryDecision = { readonly action: 'retry'; readonly afterMs: number } | { readonly action: 'fail' };

const FAIL: RetryDecision = Object.freeze({ action: 'fail' });

/**
 * Whether a message is tried again, and when: what another attempt may mend, while attempts are left, after the backoff.
 * @param attempts attempts made so far, this one included
 */
export function decideAfterFailure(
  policy: PublishRetryPolicy,
  failure: PublishFailure,
  attempts: number,
): RetryDecision {
  const { repeatable } = ruleOf(failure);
  if (repeatable === false || attempts >= policy.maxAttempts) return FAIL;
  if (repeatable === 'queue' && policy.connectionOnly === true) return FAIL;
  return { action: 'retry', afterMs: backoffDelayMs(policy.backoff, Math.max(1, attempts)) };
}

/** What one failed attempt means for the message. */
export function fateOf(failure: PublishFailure): PublishFate {
  const { fate } = ruleOf(failure);
  return typeof fate === 'function' ? fate(failure) : fate;
}

const WORSE: Readonly<Record<PublishFate, number>> = { 'not-sent': 0, refused: 1, unknown: 2 };

/** What all failed attempts together mean: one attempt without an answer makes the fate unknown, whatever came after. */
export function overallFate(failures: readonly PublishFailure[]): PublishFate {
  let fate: PublishFate = 'not-sent';
  for (const failure of failures) {
    const one = fateOf(failure);
    if (WORSE[one] > WORSE[fate]) fate = one;
  }
  return fate;
}

/**
 * The failure that the error is named after: the last one, unless that one says "not sent" of a message that an earlier
 * attempt did send. Then it is the last attempt that was sent, so that nobody repeats the message unaware.
 */
export function tellingFailure(failures: readonly PublishFailure[]): PublishFailure | undefined {
  const last = failures.at(-1);
  if (last === undefined || last.kind === 'closed' || fateOf(last) !== 'not-sent') return last;
  return failures.findLast((failure) => fateOf(failure) !== 'not-sent') ?? last;
}

/** What is known of the reason why a message had no queue, or no exchange; `undefined` for nothing. */
export type ExplainPublish = (publication: Publication, missing: 'exchange' | 'queue') => string | undefined;

/** The error a publish rejects with, made of all its failed attempts (at least one). */
export function publishFailureError(
  publication: Publication,
  failures: readonly [PublishFailure, ...PublishFailure[]],
  attempts: number,
  explain?: ExplainPublish,
): PublishError {
  const causes = failures.map((failure) => failure.error);
  const details: PublishErrorDetails = { publication, fate: overallFate(failures), attempts, causes };
  const failure = tellingFailure(failures) ?? failures[0];
  const { says, code, toError } = ruleOf(failure);
  const times = attempts > 1 ? `, after ${attempts} attempts` : '';
  const missing =
    failure.kind === 'unroutable' ? 'queue' : failure.kind === 'exchange-missing' ? 'exchange' : undefined;
  const why = missing && explain?.(publication, missing);
  const end = why === undefined ? '' : ` ${why}${/[.?]$/.test(why) ? '' : '.'}`;
  const text = `${describePublication(publication)} ${says(failure)}${times}. ${FATES[details.fate]}${end}`;
  return toError?.(text, details, failure) ?? new PublishError(code, text, details);
}

const FATES = {
  'not-sent': 'Nothing was sent.',
  refused: 'The broker refused it.',
  unknown: 'Its queues may have it or not; publishing it again may make it arrive twice.',
} as const;

/** A message as an error text or log line names it. */
export function describePublication(publication: Publication): string {
  const id = publication.properties.messageId === undefined ? '' : ` ${publication.properties.messageId}`;
  return publication.exchange === ''
    ? `Message${id} to queue '${publication.routingKey}'`
    : `Message${id} to exchange '${publication.exchange}' with routing key '${publication.routingKey}'`;
}

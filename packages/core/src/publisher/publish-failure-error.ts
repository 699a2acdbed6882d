import type { Publication } from '../message/message.js';
import { overallFate, type PublishFailure, tellingFailure } from './decide-retry.js';
import {
  PublishBlockedError,
  PublishBufferFullError,
  PublishChannelLostError,
  PublishConfirmTimeoutError,
  PublishError,
  type PublishErrorDetails,
  PublishExchangeMissingError,
  PublisherClosedError,
  PublishNackedError,
  PublishNotConnectedError,
  PublishRefusedError,
  PublishUnencodableError,
  PublishUnroutableError,
} from './publish-error.js';

/** The error a publish rejects with, made of all its failed attempts (at least one). */
export function publishFailureError(
  publication: Publication,
  failures: readonly PublishFailure[],
  attempts: number,
): PublishError {
  const details: PublishErrorDetails = {
    publication,
    fate: overallFate(failures),
    attempts,
    causes: failures.map((failure) => failure.error),
  };
  const failure = tellingFailure(failures);
  const text = `${describePublication(publication)} ${describeFailure(failure)}${describeAttempts(attempts)}. ${FATES[details.fate]}`;
  switch (failure?.kind) {
    case 'nacked':
      return new PublishNackedError(text, details);
    case 'unroutable': {
      const { replyCode, replyText } = failure.returned;
      return new PublishUnroutableError(text, { ...details, replyCode, replyText });
    }
    case 'exchange-missing':
      return new PublishExchangeMissingError(text, details);
    case 'unencodable':
      return new PublishUnencodableError(text, details);
    case 'confirm-timeout':
      return new PublishConfirmTimeoutError(text, details);
    case 'channel-lost':
    case 'spoilt':
      return new PublishChannelLostError(text, details);
    case 'not-connected':
      return new PublishNotConnectedError(text, details);
    case 'blocked':
      return new PublishBlockedError(text, details);
    case 'buffer-full':
      return new PublishBufferFullError(text, details);
    case 'closed':
      return new PublisherClosedError(text, details);
    default:
      return new PublishRefusedError(text, details);
  }
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

function describeFailure(failure: PublishFailure | undefined): string {
  switch (failure?.kind) {
    case 'nacked':
      return 'was refused by a queue (basic.nack)';
    case 'unroutable':
      return `was returned (${failure.returned.replyCode} ${failure.returned.replyText}): no queue is bound for it`;
    case 'exchange-missing':
      return 'could not be published: the exchange does not exist';
    case 'unencodable':
      return `could not be encoded: ${failure.error.message}`;
    case 'confirm-timeout':
    case 'buffer-full':
    case 'blocked':
    case 'closed':
      return `was not confirmed: ${failure.error.message}`;
    case 'channel-lost':
    case 'spoilt':
      return `was not confirmed: the channel went away (${failure.error.message})`;
    case 'not-connected':
      return `could not be sent: ${failure.error.message}`;
    default:
      return `was refused: ${failure?.error.message ?? 'no reason given'}`;
  }
}

function describeAttempts(attempts: number): string {
  return attempts > 1 ? `, after ${attempts} attempts` : '';
}

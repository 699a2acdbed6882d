import { isOfFailure, type ParkedMessage, type RetryPlan } from '@leveret/operations';
import type { FailureJson, MessageJson, MessageSummaryJson } from '../contract/contract.js';
import { MaskedMessage } from '../mask/masked-message.js';
import type { BodyMask } from '../mask/read-body.js';
import { timelineOf } from './timeline.js';

const PREVIEW_CHARS = 160;
/** Longer bodies are shown up to here, and cannot be edited on the page. */
export const MOST_CHARS = 262_144;

/** A line of a list. */
export function summaryJson(message: ParkedMessage, mask: BodyMask): MessageSummaryJson {
  return summaryOf(message, new MaskedMessage(message, mask));
}

/** A message with everything that it says of itself. */
export function messageJson(parked: ParkedMessage, plan: RetryPlan, mask: BodyMask): MessageJson {
  const masked = new MaskedMessage(parked, mask);
  const { scrub } = masked;
  const { kind, text, isCut, masked: places } = masked.body('pretty', MOST_CHARS);
  const { message } = parked;
  const timeline = timelineOf(parked).map(({ detail, ...step }) => ({ ...step, detail: detail && scrub(detail) }));
  return {
    ...summaryOf(parked, masked),
    body: { kind, text, bytes: message.body.length, truncated: isCut, masked: places },
    properties: masked.properties,
    headers: masked.headers,
    ownHeaders: Object.keys(message.headers).filter((name) => !isOfFailure(name)),
    exchange: message.exchange,
    routingKey: message.routingKey,
    failure: failureJson(parked, scrub),
    timeline,
    target: plan.faults.length > 0 ? undefined : plan.planned[0]?.target,
    noTarget: plan.faults.length > 0 ? plan.faults.join('; ') : undefined,
  };
}

function summaryOf(
  { key, queue, position, message, failure }: ParkedMessage,
  masked: MaskedMessage,
): MessageSummaryJson {
  return {
    ...{ key, queue, position },
    messageId: message.messageId && masked.scrub(message.messageId),
    group: failure.fingerprint,
    failedAt: failure.lastFailedAt ?? failure.firstFailedAt,
    attempts: failure.attempts,
    preview: masked.preview(PREVIEW_CHARS),
  };
}

function failureJson({ failure }: ParkedMessage, scrub: (text: string) => string): FailureJson {
  const { source, listener, service, queue, reason, errorName, errorMessage, stack } = failure;
  const { attempts, redeliveries, firstFailedAt, lastFailedAt } = failure;
  return {
    ...{ source, listener, service, queue, reason, attempts, redeliveries, firstFailedAt, lastFailedAt },
    errorName: errorName && scrub(errorName),
    errorMessage: errorMessage && scrub(errorMessage),
    stack: stack && scrub(stack),
  };
}

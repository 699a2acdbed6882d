import { LeveretError } from '../errors/leveret-error.js';
import type { PayloadType } from '../message/payload-type.js';
import { type Clock, within } from '../time/clock.js';
import type { ResolvedPublisherOptions } from './publisher-options.js';

/**
 * Lets the publisher's `validate` look at a payload before it is written. A promise only when that answers one.
 * @param type what the payload is declared as, where its channel says so
 * @throws what `validate` throws or rejects with; {LeveretError} LEV_VALIDATION_TIMEOUT when it does not answer in time
 */
export function checkPayload(
  { validate, confirmTimeoutMs }: Pick<ResolvedPublisherOptions, 'validate' | 'confirmTimeoutMs'>,
  payload: unknown,
  type: PayloadType | undefined,
  clock: Clock,
): void | Promise<void> {
  const valid = validate?.(payload, type);
  if (valid === undefined) return;
  return within(clock, confirmTimeoutMs, Promise.resolve(valid), () => {
    throw new LeveretError(
      'LEV_VALIDATION_TIMEOUT',
      `The payload was not validated within ${confirmTimeoutMs} ms (confirmTimeout), and nothing was sent: a rule waits for something that does not come.`,
    );
  });
}

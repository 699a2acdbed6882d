import type { PublishOptions } from 'leveret';
import type { AmqpPublishOptions } from './rabbit-types.js';

/**
 * The options of a publish, from what amqplib takes. A message that nobody is bound for is dropped, as with golevelup, unless
 * `mandatory` says otherwise.
 */
export function publishOptions(given: AmqpPublishOptions): PublishOptions {
  const { CC, BCC, deliveryMode, expiration, mandatory = false, persistent, timeout: _timeout, ...rest } = given;
  const lasts = persistent ?? (deliveryMode === undefined ? undefined : deliveryMode === true || deliveryMode === 2);
  return {
    ...rest,
    mandatory,
    ...(lasts !== undefined && { persistent: lasts }),
    ...(expiration !== undefined && { expiration: Number(expiration) }),
    ...(CC !== undefined && { cc: CC }),
    ...(BCC !== undefined && { bcc: BCC }),
  };
}

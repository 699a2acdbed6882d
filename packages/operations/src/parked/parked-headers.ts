/** Headers that operations write on copies of parked messages. All are taken off again before a message is retried. */
export const PLACE = 'x-leveret-parked-place';
export const PARKED_EXCHANGE = 'x-leveret-parked-exchange';
export const PARKED_KEY = 'x-leveret-parked-routing-key';
export const PARKED_USER = 'x-leveret-parked-user-id';
export const PARKED_CC = 'x-leveret-parked-cc';
/** The exchange that a message was published to, on a copy that a migration made of it. */
export const MOVED_EXCHANGE = 'x-leveret-moved-exchange';
export const STAGED_EXCHANGE = 'x-leveret-staged-exchange';
export const STAGED_KEY = 'x-leveret-staged-routing-key';
export const STAGED_KEY_OF = 'x-leveret-staged-of';

/** Headers on a message that was sent back. */
export const RETRY_OF = 'x-leveret-retry-of';
export const EDIT_OF = 'x-leveret-edit-of';
/** Queue on which a listener of leveret says what became of the message. Read by the consumer of `@leveret/core`. */
export const OUTCOME_TO = 'x-leveret-outcome-to';

const COUNTS = new Set(['x-delivery-count', 'x-acquired-count', 'x-opt-rabbitmq-received-time']);
const DEATH = /^x-(?:death|(?:first|last)-death-(?:queue|reason|exchange))$/;
const OWNED = /^x-(?:leveret|original|exception)-/i;

/** Headers of the broker that belong to a delivery, not to the message. */
export function isOfDelivery(name: string): boolean {
  return COUNTS.has(name);
}

/** Headers that say why a message was parked: a retried one goes without. CC would take it to other queues, too. */
export function isOfFailure(name: string): boolean {
  return isOfDelivery(name) || OWNED.test(name) || DEATH.test(name) || isCopyAddress(name);
}

export function isCopyAddress(name: string): boolean {
  return name === 'CC' || name === 'BCC';
}

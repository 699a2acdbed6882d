import type { TargetJson } from '../../src/contract/contract.js';

/** Where a message goes, in words. */
export function targetText({ exchange, routingKey }: TargetJson): string {
  return exchange === ''
    ? `queue ${routingKey}`
    : `exchange ${exchange}, routing key ${routingKey === '' ? '(none)' : routingKey}`;
}

import { nearest } from '../errors/did-you-mean.js';
import type { Publication } from '../message/message.js';
import type { Topology } from '../topology/topology.js';

/** Keys that a text names before it says "and others". */
const MOST_KEYS = 8;

/**
 * What an application knows of the reason why a message had no queue, or no exchange: a sentence for the error, or nothing.
 * @param declared what it declares itself; `undefined` before its start
 */
export function whyNotRouted(
  { exchange, routingKey }: Publication,
  missing: 'exchange' | 'queue',
  declared: Topology | undefined,
): string | undefined {
  if (declared === undefined) {
    return 'The application has not been started, so that what it declares is not there yet: await its start() first';
  }
  if (missing === 'exchange') {
    return meant(
      exchange,
      declared.exchanges.map(({ name }) => name),
    );
  }
  if (exchange === '') {
    return meant(
      routingKey,
      declared.queues.map(({ name }) => name),
    );
  }
  const keys = [
    ...new Set(declared.bindings.filter(({ source }) => source === exchange).map((each) => each.routingKey)),
  ];
  if (keys.length === 0) return undefined;
  return [boundKeys('This application binds it with', keys), meant(routingKey, keys)].filter(Boolean).join('. ');
}

/** `... 'pay.success', 'pay.refunded'`. */
export function boundKeys(begin: string, keys: readonly string[]): string {
  const shown = keys.slice(0, MOST_KEYS).map((key) => `'${key}'`);
  return `${begin} ${shown.join(', ')}${keys.length > MOST_KEYS ? ` and ${keys.length - MOST_KEYS} others` : ''}`;
}

function meant(word: string, known: readonly string[]): string | undefined {
  const candidate = nearest(word, known);
  return candidate === undefined || candidate === word ? undefined : `Did you mean '${candidate}'?`;
}

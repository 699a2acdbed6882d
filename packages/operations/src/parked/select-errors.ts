import type { ParkedMessage } from './parked-message.js';

/** What is chosen of the messages of the queues that were looked at. */
export type Selection = 'all' | readonly string[];

/** What a selection comes to. */
export interface Selected {
  readonly messages: readonly ParkedMessage[];
  /** Words of the selection that name nothing that is parked. */
  readonly unknown: readonly string[];
}

/**
 * Chooses messages by their key (or the first six digits of it and more), by their message id, or by the fingerprint of their
 * group. In the order of the queues.
 */
export function selectErrors(messages: readonly ParkedMessage[], selection: Selection): Selected {
  if (selection === 'all') return { messages, unknown: [] };
  const wanted = new Set<ParkedMessage>();
  const unknown: string[] = [];
  for (const word of selection) {
    const found = messages.filter((each) => isNamedBy(each, word));
    if (found.length === 0) unknown.push(word);
    for (const each of found) wanted.add(each);
  }
  return { messages: messages.filter((each) => wanted.has(each)), unknown };
}

const SHORTEST = 6;

function isNamedBy({ key, message, failure }: ParkedMessage, word: string): boolean {
  if (word === '') return false;
  if (word === key || word === failure.fingerprint || word === message.messageId) return true;
  return (
    word.length >= SHORTEST &&
    /^[0-9a-f]+$/.test(word) &&
    (key.startsWith(word) || failure.fingerprint.startsWith(word))
  );
}

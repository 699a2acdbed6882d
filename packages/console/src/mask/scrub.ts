import { MASK } from '../contract/contract.js';

/** Shorter ones are in too many words. */
const SHORTEST = 3;
/** With more of them than this, no text is looked through: none of it is shown. */
const MOST_SECRETS = 500;

/**
 * Takes masked values out of texts that may repeat them, such as the message of an error: `card 4111… declined`.
 * @param secrets the masked values as texts
 */
export function scrubber(secrets: Iterable<string>): (text: string) => string {
  const words = new Set<string>();
  for (const secret of secrets) {
    const ways = [secret, JSON.stringify(secret).slice(1, -1), String(Number(secret))];
    for (const way of ways) if (way.length >= SHORTEST && !COMMON.has(way)) words.add(way);
  }
  if (words.size === 0) return (text) => text;
  if (words.size > MOST_SECRETS) return (text) => (text === '' ? '' : MASK);
  // The longest first: one may be part of another.
  const sorted = [...words].sort((a, b) => b.length - a.length);
  return (text) => sorted.reduce((scrubbed, word) => scrubbed.replaceAll(word, () => MASK), text);
}

const COMMON: ReadonlySet<string> = new Set(['NaN', 'true', 'false', 'null']);

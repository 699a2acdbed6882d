/** What the broker says when something exists with other properties. */
export interface Mismatch {
  readonly kind: 'queue' | 'exchange';
  readonly name: string;
  /** Property or argument that differs, such as `durable` or `x-message-ttl`. */
  readonly argument: string;
  /** What was asked for, as the broker shows it; `undefined` = nothing. */
  readonly asked: string | undefined;
  /** What the broker has; `undefined` = nothing. */
  readonly current: string | undefined;
}

const INEQUIVALENT =
  /inequivalent arg '([^']*)' for (queue|exchange) '([\s\S]*)' in vhost '[\s\S]*': received ([\s\S]*) but current is ([\s\S]*)$/;

/**
 * Reads the broker's text on a 406, such as `PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'q' in
 * vhost '/': received none but current is the value '1000' of type 'short'`. `undefined` when it says something else.
 */
export function parseMismatch(text: string): Mismatch | undefined {
  const match = INEQUIVALENT.exec(text);
  if (match === null) return undefined;
  return {
    kind: match[2] as 'queue' | 'exchange',
    name: match[3] as string,
    argument: match[1] as string,
    asked: readValue(match[4] as string),
    current: readValue(match[5] as string),
  };
}

// 'direct' | none | the value '1000' of type 'short'
function readValue(text: string): string | undefined {
  if (text === 'none') return undefined;
  const typed = /^the value '([\s\S]*)' of type '[^']*'$/.exec(text) ?? /^'([\s\S]*)'$/.exec(text);
  return typed === null ? text : (typed[1] as string);
}

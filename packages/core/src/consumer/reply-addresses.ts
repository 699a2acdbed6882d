import { isRecord } from '../errors/check-option.js';
import { describeValue, type Problems } from '../errors/configuration-error.js';
import { LeveretError } from '../errors/leveret-error.js';
import type { ReplyAddress } from '../handler/handler.js';

/** Where a listener may send replies. */
export interface ReplyOptions {
  /**
   * Exchanges and routing keys, as `exchange/key`, that a request may ask for its reply at, besides queues by the default
   * exchange. `*` stands for any text: `replies/*` is every key of the exchange `replies`. Default: none, because whoever may
   * send a message would choose where this application publishes, by its permissions. A `@SendTo` needs no entry.
   */
  readonly allow?: readonly string[];
}

/** Answers whether a request may ask for its reply at an address. */
export type IsReplyAllowed = (address: ReplyAddress) => boolean;

/** Notes every fault of the option `replies`, and answers what it allows. */
export function resolveReplies(options: unknown, problems: Problems): IsReplyAllowed {
  if (options === undefined) return isQueue;
  const allow = isRecord(options) ? (options['allow'] ?? []) : undefined;
  if (!Array.isArray(allow)) {
    problems.add(`replies must be { allow: ['exchange/key', …] }; got ${describeValue(options)}`);
    return isQueue;
  }
  for (const name of Object.keys(options as object)) {
    if (name !== 'allow') problems.add(`replies has no option "${name}"; it knows allow`);
  }
  const patterns = allow.flatMap((pattern: unknown) => {
    if (typeof pattern === 'string' && /^[^/]+\//.test(pattern)) return [patternOf(pattern)];
    problems.add(`replies.allow takes texts such as 'exchange/key' or 'exchange/*'; got ${describeValue(pattern)}`);
    return [];
  });
  return (address) =>
    isQueue(address) || patterns.some((pattern) => pattern.test(`${address.exchange}/${address.routingKey}`));
}

/** What the error says of a reply that may not be sent where its request asks for it. */
export function replyNotAllowed({ exchange, routingKey }: ReplyAddress): LeveretError {
  return new LeveretError(
    'LEV_REPLY_NOT_ALLOWED',
    `A request asks for its reply at exchange ${describeValue(exchange)} with the key ${describeValue(routingKey)}. Only queues are answered, unless the listener allows more: replies: { allow: ['${exchange}/${routingKey}'] }.`,
  );
}

/** Only the default exchange routes to the queue that is named, and to nothing else. */
function isQueue({ exchange }: ReplyAddress): boolean {
  return exchange === '';
}

function patternOf(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}

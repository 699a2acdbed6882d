import { describeValue, type Problems } from '../errors/configuration-error.js';
import { LeveretError } from '../errors/leveret-error.js';
import type { ReplyAddress } from '../handler/handler.js';
import type { OptionsOf } from '../options/option.js';
import { customOption, groupOption } from '../options/option-kinds.js';

/** Where a listener may send replies. */
export interface ReplyOptions {
  /**
   * Exchanges and routing keys, as `exchange/key`, that a request may ask for its reply at, besides queues by the default
   * exchange. `*` stands for any text: `replies/*` is every key of the exchange `replies`. Default: none, because whoever may
   * send a message would choose where this application publishes, by its permissions. A `@SendTo` needs no entry.
   */
  readonly allow?: readonly string[];
}

/** Where requests may ask for their replies. */
export interface ReplyRule {
  allows(address: ReplyAddress): boolean;
}

const REPLY_OPTIONS = {
  allow: customOption<readonly string[], readonly RegExp[]>({
    schema: { type: 'array', items: { type: 'string', pattern: '^[^/]+/' } },
    text: "exchanges and routing keys, as `'exchange/key'`; `*` stands for any text",
    read: readPatterns,
  }),
} satisfies OptionsOf<ReplyOptions>;

/** The option `replies`. */
export const REPLIES_OPTION = groupOption<ReplyOptions, typeof REPLY_OPTIONS, ReplyRule>(REPLY_OPTIONS, {
  always: true,
  byDefault: 'queues only',
  text: "where else requests may ask for their [replies](#replies): `{ allow: ['exchange/key'] }`",
  make: ({ allow }) => ({
    allows: (address) =>
      isQueue(address) || allow.some((pattern) => pattern.test(`${address.exchange}/${address.routingKey}`)),
  }),
});

function readPatterns(given: unknown, name: string, problems: Problems): readonly RegExp[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) {
    problems.add(`${name} must be an array such as ['exchange/key']; got ${describeValue(given)}`);
    return [];
  }
  return given.flatMap((pattern: unknown) => {
    if (typeof pattern === 'string' && /^[^/]+\//.test(pattern)) return [patternOf(pattern)];
    problems.add(`${name} takes texts such as 'exchange/key' or 'exchange/*'; got ${describeValue(pattern)}`);
    return [];
  });
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

import type { Publication } from '../message/message.js';
import type { ChannelEnd } from '../transport/transport.js';

/** How the messages that were in flight on a channel stand after its end. */
export type Verdict<J> =
  /** The end has nothing to do with any of them; each has lost its answer. */
  | { readonly kind: 'lost'; readonly jobs: readonly J[] }
  /** The broker named the culprits; the others are published again. */
  | { readonly kind: 'named'; readonly guilty: readonly J[]; readonly innocent: readonly J[] }
  /** One of them is to blame, and nobody knows which: they are published again one at a time. */
  | { readonly kind: 'suspects'; readonly jobs: readonly J[] };

/**
 * Whose fault the end of a channel is, among the messages that were in flight on it (in the order they were written).
 *
 * A 404 and most 403 name the exchange: all messages to it are guilty. A 403 of topic permissions names the routing key
 * as well. Everything else is blamed on a message that was alone on the channel, or on nobody yet.
 * @param others whether older messages that nobody waits for any more were still unconfirmed on the channel
 * @see https://www.rabbitmq.com/docs/channels#error-handling
 */
export function guiltyOf<J extends Accused>(end: ChannelEnd, inFlight: readonly J[], others = false): Verdict<J> {
  if (end.kind !== 'channel-error') return { kind: 'lost', jobs: inFlight };
  const isNamed = namedIn(end.replyText);
  if (isNamed !== undefined) {
    const guilty = inFlight.filter((job) => isNamed(job.publication));
    if (guilty.length > 0) {
      return { kind: 'named', guilty, innocent: inFlight.filter((job) => !isNamed(job.publication)) };
    }
  }
  const [only, second] = inFlight;
  const isAlone = only !== undefined && second === undefined;
  // Blamed at once when nothing speaks for it; otherwise only after it has ended a channel of its own.
  if (isAlone && (only.suspect || (isNamed === undefined && !others)))
    return { kind: 'named', guilty: inFlight, innocent: [] };
  return { kind: 'suspects', jobs: inFlight };
}

/** A message that may have ended a channel. */
export interface Accused {
  readonly publication: Publication;
  /** It was in flight at an earlier end that nobody was found guilty of. */
  readonly suspect: boolean;
}

/** Whether the end of a channel says that an exchange is missing. */
export function isExchangeMissing(end: ChannelEnd): boolean {
  return end.kind === 'channel-error' && end.replyCode === 404;
}

const TOPIC_PERMISSION = /access to topic '(.*)' in exchange '(.*)' in vhost '/s;
const EXCHANGE = /exchange '(.*)' in vhost '/s;

/** Which messages a close text speaks of, if it speaks of any. */
function namedIn(replyText: string): ((publication: Publication) => boolean) | undefined {
  const topic = TOPIC_PERMISSION.exec(replyText);
  if (topic !== null) return (publication) => publication.routingKey === topic[1] && publication.exchange === topic[2];
  const exchange = EXCHANGE.exec(replyText);
  return exchange === null ? undefined : (publication) => publication.exchange === exchange[1];
}

import type { Publication } from '../message/message.js';
import type { ChannelEnd } from '../transport/transport.js';
import type { Suspicion } from './publish-job.js';

/** How the messages that were in flight on a channel stand after its end. */
export type Verdict<J> =
  /** The end has nothing to do with any of them; each has lost its answer. */
  | { readonly kind: 'lost'; readonly jobs: readonly J[] }
  /** The culprits are known; the others are published again. */
  | { readonly kind: 'named'; readonly guilty: readonly J[]; readonly innocent: readonly J[] }
  /** One of them is to blame, and nobody knows which: they are published again one at a time. */
  | {
      readonly kind: 'suspects';
      readonly jobs: readonly J[];
      readonly innocent: readonly J[];
      readonly of: Exclude<Suspicion, 'none'>;
    };

/** A message that may have ended a channel or a connection. */
export interface Accused {
  readonly publication: Publication;
  /** What it may have ended before without being found guilty of it. */
  readonly suspicion: Suspicion;
  /** Connections that the broker closed while it was in flight. */
  readonly connectionEnds: number;
}

/** What is known besides the messages themselves. */
export interface Circumstances {
  /** Older messages that nobody waits for any more were still unconfirmed on the channel. */
  readonly others: boolean;
  /** Another lane was just publishing a suspect by itself, so that the end of the connection is that one's doing. */
  readonly bystanders: boolean;
}

/** A message in flight at so many ends of a connection, at the later ones alone, is why. */
const CONNECTION_ENDS_BELIEVED = 3;

/**
 * Whose fault the end of a channel is, among the messages that were in flight on it (in the order they were written).
 *
 * A 404 and most 403 name the exchange: all messages to it are guilty. A 403 of topic permissions names the routing key
 * as well. Everything else is blamed on a message that was alone on the channel, or on nobody yet. When the broker closes
 * the whole connection with an error of its own (such as 541 for a header that it cannot read), a message is blamed that
 * was in flight at three ends, alone at the last two: one may be chance.
 * @see https://www.rabbitmq.com/docs/channels#error-handling
 */
export function guiltyOf<J extends Accused>(
  end: ChannelEnd,
  inFlight: readonly J[],
  { others, bystanders }: Circumstances = { others: false, bystanders: false },
): Verdict<J> {
  if (isOverMessage(end)) {
    if (bystanders) return { kind: 'named', guilty: [], innocent: inFlight };
    const { candidates, innocent } = candidatesOf(inFlight);
    const [only, second] = candidates;
    const isProven =
      only !== undefined &&
      second === undefined &&
      only.suspicion === 'connection' &&
      only.connectionEnds + 1 >= CONNECTION_ENDS_BELIEVED;
    if (isProven) return { kind: 'named', guilty: candidates, innocent };
    return { kind: 'suspects', jobs: candidates, innocent, of: 'connection' };
  }
  if (end.kind !== 'channel-error') return { kind: 'lost', jobs: inFlight };
  const isNamed = namedIn(end.replyText);
  if (isNamed !== undefined) {
    const guilty = inFlight.filter((job) => isNamed(job.publication));
    if (guilty.length > 0) {
      return { kind: 'named', guilty, innocent: inFlight.filter((job) => !isNamed(job.publication)) };
    }
  }
  const { candidates, innocent } = candidatesOf(inFlight);
  const [only, second] = candidates;
  // Blamed at once when nothing speaks for it; otherwise only after it has ended a channel of its own.
  const isProven = only?.suspicion !== 'none' || (isNamed === undefined && !others);
  if (only !== undefined && second === undefined && isProven) return { kind: 'named', guilty: candidates, innocent };
  return { kind: 'suspects', jobs: candidates, innocent, of: 'channel' };
}

/** Where a suspect is in flight, it was published by itself: what else is in flight has shown before that it does no harm. */
function candidatesOf<J extends Accused>(inFlight: readonly J[]) {
  const suspects = inFlight.filter(({ suspicion }) => suspicion !== 'none');
  if (suspects.length === 0) return { candidates: inFlight, innocent: [] };
  return { candidates: suspects, innocent: inFlight.filter(({ suspicion }) => suspicion === 'none') };
}

/** Whether the end of a channel says that an exchange is missing. */
export function isExchangeMissing(end: ChannelEnd): boolean {
  return end.kind === 'channel-error' && end.replyCode === 404;
}

/** The end of a channel as an error. */
export function channelEndError(end: ChannelEnd): Error {
  if (end.kind === 'closed') return new Error('the channel was closed on this side');
  return end.error ?? new Error('the connection was lost');
}

const CONNECTION_FORCED = 320;

/** Whether the broker closed the whole connection for a reason that may lie in a message; 320 is an operator or a shutdown. */
function isOverMessage(end: ChannelEnd): boolean {
  return end.kind === 'connection-lost' && end.replyCode !== undefined && end.replyCode !== CONNECTION_FORCED;
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

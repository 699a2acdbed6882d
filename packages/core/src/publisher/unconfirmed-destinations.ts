import type { Unanswered } from '../transport/transport.js';
import { destinationKey, type FailingDestination } from './failing-destinations.js';
import type { PublishJob } from './publish-job.js';

/** Destinations that are named at a time. */
const MAX_NAMED = 16;

type UnconfirmedPublish = Extract<Unanswered, { kind: 'publish' }>;

/**
 * For how long nothing was confirmed of each destination, the longest first, and at most 16 of them: by what waits for its confirm
 * now, and by what failed since the last confirm.
 */
export function unconfirmedDestinations(
  jobs: Iterable<PublishJob>,
  failing: Iterable<FailingDestination>,
  olderThanMs: number,
  now: number,
): readonly UnconfirmedPublish[] {
  const found = new Map<string, UnconfirmedPublish>();
  const add = (exchange: string, routingKey: string, forMs: number, nacks: number) => {
    const key = destinationKey({ exchange, routingKey });
    const known = found.get(key);
    found.set(key, {
      ...{ kind: 'publish', exchange, routingKey },
      forMs: Math.max(forMs, known?.forMs ?? 0),
      nacks: Math.max(nacks, known?.nacks ?? 0),
    });
  };
  for (const { exchange, routingKey, since, last, nacks } of failing) add(exchange, routingKey, last - since, nacks);
  for (const { publication, unconfirmedSince } of jobs) {
    add(publication.exchange, publication.routingKey, now - unconfirmedSince, 0);
  }
  const old = [...found.values()].filter(({ forMs }) => forMs >= olderThanMs);
  return old.sort((first, second) => second.forMs - first.forMs).slice(0, MAX_NAMED);
}

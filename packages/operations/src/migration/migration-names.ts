import { ownName } from '../session/operations-session.js';

const COPIES = 'leveret.migrating.';

/** Fanout exchange by which copies come to the queue that they are moved to, with the routing keys that they had. */
export function copiesExchangeOf(queue: string): string {
  return ownName(COPIES, queue);
}

export function isOfCopies(exchange: string): boolean {
  return exchange.startsWith(COPIES);
}

/** Queue that is there for as long as a migration can go on or back; its arguments say which. It never holds a message. */
export function markerOf(queue: string): string {
  return ownName('leveret.migration.', queue);
}

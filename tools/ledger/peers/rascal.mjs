/** rascal: its configuration declares, reconnects and parks; failed messages by its recovery strategies. */
import rascal from 'rascal';
import { concurrency, heartbeatSeconds, MAX_ATTEMPTS, NAMES, prefetch, QUEUE_ARGUMENTS, urls } from './common.mjs';

export function connectRascal({ publications, subscriptions }) {
  return rascal.BrokerAsPromised.create(
    rascal.withDefaultConfig({
      vhosts: {
        '/': {
          connection: { url: urls[0], options: { heartbeat: heartbeatSeconds } },
          exchanges: {
            [NAMES.exchange]: { type: 'direct' },
            [NAMES.deadExchange]: { type: 'direct' },
          },
          queues: {
            [NAMES.queue]: { options: { arguments: QUEUE_ARGUMENTS } },
            [NAMES.deadQueue]: { options: { arguments: { 'x-queue-type': 'quorum' } } },
          },
          bindings: [
            `${NAMES.exchange}[${NAMES.routingKey}] -> ${NAMES.queue}`,
            `${NAMES.deadExchange}[${NAMES.queue}] -> ${NAMES.deadQueue}`,
          ],
          ...(publications && {
            publications: {
              orders: { exchange: NAMES.exchange, routingKey: NAMES.routingKey, confirm: true, timeout: 10_000 },
            },
          }),
          ...(subscriptions && { subscriptions: { orders: { queue: NAMES.queue, prefetch: prefetch * concurrency } } }),
        },
      },
    }),
  );
}

/** As its README shows: try again a few times, then let the broker dead-letter it. */
export const RECOVERY = [{ strategy: 'republish', defer: 20, attempts: MAX_ATTEMPTS - 1 }, { strategy: 'nack' }];

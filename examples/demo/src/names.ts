import { randomBytes } from 'node:crypto';

/** Runs may overlap on one broker: each has names of its own. */
export const run = randomBytes(3).toString('hex');

const named = (name: string) => `leveret.demo.${name}.${run}`;

/** Everything the demo declares. The queues expire when they are unused, and their exchanges go with them. */
export const names = {
  payExchange: named('pay.direct'),
  payQueue: named('trade.pay.success.queue'),
  queryQueue: named('order.query.queue'),
  errorExchange: named('error.direct'),
  errorQueue: named('error.queue'),
  parkedQueue: named('parked.queue'),
  deadExchange: named('dead.direct'),
  deadQueue: named('dead.queue'),
  fullQueue: named('full.queue'),
  warehouseQueue: named('warehouse.queue'),
};

/** How long a queue may be unused before the broker deletes it. */
export const expires = '1m';

/** How long whoever has seen the demo may look at what it has parked. */
export const lookFor = '10m';

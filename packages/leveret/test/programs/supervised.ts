/** A consuming process that one of its orders ends: started again and again by a supervisor, which has its store. */
import { Leveret, republish, silentLogger } from 'leveret';
import type { IdempotencyStore } from 'leveret/adapters';
import { orderListener } from '../support/order.js';
import type { StoreAnswer, StoreQuestion, SupervisedNews, SupervisedOptions } from '../support/supervised-process.js';

const options = JSON.parse(process.env['SUPERVISED_OPTIONS'] ?? '{}') as SupervisedOptions;
const waiting = new Map<number, (answer: StoreAnswer) => void>();
let asked = 0;

process.on('message', (message) => {
  const answer = message as StoreAnswer;
  waiting.get(answer.id)?.(answer);
  waiting.delete(answer.id);
});

function ask(method: StoreQuestion['method'], ...args: readonly unknown[]): Promise<never> {
  const id = ++asked;
  process.send?.({ id, method, args } satisfies StoreQuestion);
  return new Promise((resolve, reject) => {
    waiting.set(id, ({ value, error }) => (error === undefined ? resolve(value as never) : reject(new Error(error))));
  });
}

const store: IdempotencyStore = {
  service: 'test',
  claim: (key, settings) => ask('claim', key, settings),
  complete: (claim, settings) => ask('complete', claim, settings),
  release: (claim) => ask('release', claim),
  renew: (claim, settings) => ask('renew', claim, settings),
};

function say(news: SupervisedNews): Promise<void> {
  return new Promise((resolve) => process.send?.(news, () => resolve()));
}

await Leveret.start({
  connection: { urls: options.url },
  listeners: [
    orderListener({ ...options.listener, recoverer: republish('', options.parked) }, async ({ id }) => {
      await say({ begun: id });
      if (id === options.poison) process.exit(1);
      await say({ handled: id });
    }),
  ],
  idempotency: { store },
  logger: silentLogger,
  onEvent: ({ type }) => {
    if (type.startsWith('crash-loop') || type === 'dropped' || type === 'rejected') void say({ event: type });
  },
});

import { PaySucceeded } from '@leveret-examples/contracts';
import type { Excerpt } from './excerpt.js';
import { code } from './excerpts.js';
import type { PayNews } from './pay-news.js';
import type { Services } from './services.js';
import { step } from './trace.js';

/** What these stories work with. */
export interface Shop {
  readonly services: Services;
  readonly news: PayNews;
}

/** One order: what happens to it, and its state in the end. */
export interface OrderStory {
  readonly title: string;
  readonly expected: string;
  readonly code: Excerpt;
  /** Resolves with the state of the order. */
  tell(shop: Shop): Promise<string>;
}

/** The story of the seed: a pay service and a trade service, and everything that can come between them. */
export const orderStories: readonly OrderStory[] = [
  { title: 'order 1 is paid', code: code.tradeListener, expected: 'paid (1 change)', tell: (shop) => paid(shop, 1) },
  {
    title: 'order 2 is paid, and the news comes twice',
    code: code.tradeListener,
    expected: 'paid (1 change, 1 duplicate)',
    tell: comesTwice,
  },
  {
    title: 'order 3 is refunded before a late duplicate comes',
    code: code.tradeListener,
    expected: 'refunded (2 changes)',
    tell: refundedBeforeDuplicate,
  },
  {
    title: 'order 4 is paid, and the news gets lost',
    code: code.polling,
    expected: 'paid (1 change, found by polling)',
    tell: newsGetsLost,
  },
  {
    title: 'somebody pays an order that is not there',
    code: code.tradeListener,
    expected: 'error queue (order 404 is not there)',
    tell: poison,
  },
];

async function paid(shop: Shop, id: number): Promise<string> {
  await ordered(shop, id);
  await counting(shop, 'handled', () => pay(shop, id));
  step('trade', `order ${id} is ${(await orderOf(shop, id)).status}`, 'green');
  return endState(shop, id);
}

async function comesTwice(shop: Shop): Promise<string> {
  await paid(shop, 2);
  const duplicates = await counting(shop, 'duplicates', async () => {
    const messageId = (await shop.news.published.wait('pay.success 2'))?.messageId;
    step('network', 'delivers the same message again');
    await repeat(shop, 2, messageId);
  });
  step('inbox', 'knows its id: the handler is not called, the delivery is acknowledged', 'green');
  return endState(shop, 2, `${duplicates} duplicate`);
}

async function refundedBeforeDuplicate(shop: Shop): Promise<string> {
  await paid(shop, 3);
  step('person', 'sends the goods back');
  await ask(shop.services.payUrl, 'POST /payments/3/refund', { reason: 'sent back' });
  await until(async () => (await orderOf(shop, 3)).status === 'refunded');
  step('trade', 'order 3 is refunded', 'green');
  await counting(shop, 'handled', () => {
    step('network', 'delivers the payment once more, late, and with another id: no inbox knows it');
    return repeat(shop, 3, undefined);
  });
  step('trade', 'UPDATE ... WHERE status = 1 changes nothing: the order does not wait for a payment', 'green');
  return endState(shop, 3);
}

async function newsGetsLost(shop: Shop): Promise<string> {
  await ordered(shop, 4);
  await shop.news.stealing(async () => {
    await pay(shop, 4);
    await shop.news.stolen.wait('pay.success 4');
    step('network', 'loses the news on its way to the trade service', 'red');
  });
  step('trade', 'waits for news of order 4 that will never come', 'yellow');
  await until(async () => (await orderOf(shop, 4)).status === 'paid');
  const { changedBy } = await orderOf(shop, 4);
  step('trade', 'asks the pay service about its unpaid orders, and finds that order 4 is paid', 'green');
  return endState(shop, 4, changedBy === 'poll' ? 'found by polling' : `changed by ${changedBy}`);
}

async function poison(shop: Shop): Promise<string> {
  await pay(shop, 404);
  const parked = await shop.news.parked.wait('pay.success 404');
  if (parked === undefined) return 'lost from sight';
  step('trade', 'tries three times, and parks the message', 'red');
  return `error queue (${String(parked.headers['x-exception-message'])})`;
}

async function ordered({ services }: Shop, id: number): Promise<void> {
  await ask(services.tradeUrl, `POST /orders/${id}`, {});
  step('person', `orders: order ${id} waits for its payment`);
}

async function pay({ services, news }: Shop, id: number): Promise<void> {
  step('person', `pays order ${id}`);
  await ask(services.payUrl, 'POST /payments', { orderId: id, amount: 5 });
  step('pay', 'has committed the payment together with its message in the outbox');
  await news.published.wait(`pay.success ${id}`);
  step('broker', 'has the message: the relay deletes it from the outbox', 'cyan');
}

async function repeat({ news }: Shop, id: number, messageId: string | undefined): Promise<void> {
  const message = new PaySucceeded(id, '2025-11-01T10:00:00Z');
  const options = messageId === undefined ? {} : { messageId };
  await news.app.publisher.publish(news.exchange, 'pay.success', message, options);
}

interface OrderState {
  readonly status: string;
  readonly changes: number;
  readonly changedBy?: string;
}

async function orderOf({ services }: Shop, id: number): Promise<OrderState> {
  return (await ask(services.tradeUrl, `GET /orders/${id}`)) as OrderState;
}

async function endState(shop: Shop, id: number, more?: string): Promise<string> {
  const { status, changes } = await orderOf(shop, id);
  const facts = [changes === 1 ? '1 change' : `${changes} changes`, more].filter((fact) => fact !== undefined);
  return `${status} (${facts.join(', ')})`;
}

/** Does something, and waits until the trade service has counted one more of it. Answers how many more there are. */
async function counting(shop: Shop, what: 'handled' | 'duplicates', act: () => Promise<void>): Promise<number> {
  const count = async () => {
    const health = (await ask(shop.services.tradeUrl, 'GET /health')) as {
      readonly listeners: readonly { readonly id: string; readonly counts: Readonly<Record<string, number>> }[];
    };
    return health.listeners.find(({ id }) => id === 'PayStatusListener.onPaySucceeded')?.counts[what] ?? 0;
  };
  const before = await count();
  await act();
  await until(async () => (await count()) > before);
  return (await count()) - before;
}

async function ask(url: string, route: string, body?: object): Promise<unknown> {
  const [method = 'GET', path = '/'] = route.split(' ');
  const answer = await fetch(`${url}${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
  if (!answer.ok) throw new Error(`${route} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

const LIMIT_MS = 10_000;
const PAUSE_MS = 20;

async function until(holds: () => Promise<boolean>): Promise<void> {
  const limit = performance.now() + LIMIT_MS;
  while (!(await holds())) {
    if (performance.now() > limit) throw new Error(`it did not happen within ${LIMIT_MS / 1000} seconds`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

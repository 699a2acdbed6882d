import type { Excerpt } from './excerpt.js';

const ofDemo = (file: string, from: string): Excerpt => ({ file: `demo/src/${file}`, from });
const line = (from: string): Excerpt => ({ ...ofDemo('stories.ts', from), oneLine: true });

/** The code behind the scenes. */
export const code = {
  payListener: ofDemo('listeners.ts', '@Listener({'),
  queryListener: ofDemo('stories.ts', 'async function requested('),
  confirmed: line("publisher.sendToQueue(names.fullQueue, 'first'"),
  intoFullQueue: line("publisher.sendToQueue(names.fullQueue, 'second'"),
  wrongKey: line("publisher.publish(names.payExchange, 'pay.sucess'"),
  wrongExchange: line(".missing`, 'pay.success'"),
  withoutBroker: ofDemo('stories.ts', 'async function withoutBroker('),
  warehouse: ofDemo('outage-story.ts', '@Listener({'),
  tradeListener: { file: 'trade-service/src/pay-status-listener.ts', from: '@Listener({' },
  polling: { file: 'trade-service/src/pay-status-listener.ts', from: '@Scheduled(' },
} satisfies Readonly<Record<string, Excerpt>>;

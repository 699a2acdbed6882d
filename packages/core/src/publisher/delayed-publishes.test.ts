import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Publication } from '../message/message.js';
import { turn } from '../time/fake-clock.support.test.js';
import type { Transport } from '../transport/transport.js';
import { DelayedPublishes } from './delayed-publishes.js';

const PUBLICATION: Publication = {
  exchange: 'orders',
  routingKey: 'paid',
  body: Buffer.of(),
  headers: {},
  properties: {},
  mandatory: true,
};

/** A broker that is connected when the test says so. */
function waiting({ missing = false } = {}) {
  const steps: string[] = [];
  const state: { broker: Transport['broker']; connect: () => void } = { broker: undefined, connect: () => {} };
  const transport = {
    get broker() {
      return state.broker;
    },
    openPublishChannel: () =>
      new Promise((resolve) => {
        steps.push('connect');
        state.connect = () => {
          state.broker = { product: 'RabbitMQ', version: '3.10.8', frameMax: 131_072 };
          resolve({ close: async () => {} });
        };
      }),
    lookForExchange: async (name: string, timeoutMs: number) => {
      steps.push(`look for ${name}, ${timeoutMs} ms`);
      const replyText = 'NOT_FOUND';
      return { missing: missing ? { error: new Error(replyText), replyText } : undefined };
    },
    declare: async () => void steps.push('declare'),
  };
  return { delayed: new DelayedPublishes(transport as unknown as Transport, 5_000), steps, state };
}

describe('DelayedPublishes', () => {
  it('looks for the exchange once it is connected, and declares where messages wait, once', async () => {
    const { delayed, steps, state } = waiting();
    const first = delayed.after(PUBLICATION, 60_000);
    await turn();
    expect(steps).to.deep.equal(['connect']);
    state.connect();
    const sent = await first;
    expect(sent.exchange).to.not.equal('orders');
    expect(steps).to.deep.equal(['connect', 'look for orders, 5000 ms', 'declare', 'declare']);
    await delayed.after(PUBLICATION, 1_000);
    expect(steps).to.have.length(4);
    delayed.forget();
    await delayed.after(PUBLICATION, 1_000);
    expect(steps.slice(4)).to.deep.equal(['look for orders, 5000 ms', 'declare', 'declare']);
  });

  it('refuses a message whose exchange is missing, declares nothing, and looks again the next time', async () => {
    const { delayed, steps, state } = waiting({ missing: true });
    for (const _ of [1, 2]) {
      const refused = delayed.after(PUBLICATION, 60_000).catch((error: unknown) => error);
      await turn();
      state.connect();
      expect(await refused).to.include({ code: 'LEV_PUBLISH_EXCHANGE_MISSING', fate: 'not-sent' });
    }
    expect(steps.filter((step) => step === 'declare')).to.deep.equal([]);
    expect(steps.filter((step) => step.startsWith('look'))).to.have.length(2);
  });
});

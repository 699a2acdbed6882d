import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { Publication } from '../message/message.js';
import type { Topology } from '../topology/topology.js';
import type { Transport } from '../transport/transport.js';
import { DelayedPublishes } from './delayed-publishes.js';
import type { PublishError } from './publish-error.js';

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

const BROKER = { product: 'RabbitMQ', version: '3.10.8', frameMax: 131_072 };

/** A broker that is connected, and answers at once, or with `waits` when the test says so. */
function known({ waits = false } = {}) {
  const steps: string[] = [];
  const declared: string[] = [];
  const counts = new Map<string, number | 'missing'>();
  const answers: ((error?: Error) => void)[] = [];
  const transport = {
    broker: BROKER,
    countMessages: async (queue: string, timeoutMs: number) => {
      steps.push(`count ${queue}, ${timeoutMs} ms`);
      const count = counts.get(queue);
      if (count === undefined) throw new Error('no answer');
      return count;
    },
    declare: ({ queues }: Topology) => {
      const levels = queues.filter(({ name }) => name.includes('.delay.')).length;
      declared.push(levels > 0 ? `${levels} levels` : (queues[0]?.name.replace(/^.*\.due\./, 'due ') ?? 'nothing'));
      if (!waits) return Promise.resolve();
      return new Promise<void>((resolve, reject) => {
        answers.push((error) => (error === undefined ? resolve() : reject(error)));
      });
    },
  };
  const delayed = new DelayedPublishes(transport as unknown as Transport, 5_000);
  return { delayed, steps, declared, counts, transport, answer: (n: number, error?: Error) => answers[n]?.(error) };
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
      const error = (await refused) as PublishError;
      expect(error).to.include({ code: 'LEV_PUBLISH_EXCHANGE_MISSING', fate: 'not-sent' });
      expect(error.causes.map(({ message }) => message)).to.deep.equal(['NOT_FOUND']);
    }
    expect(steps.filter((step) => step === 'declare')).to.deep.equal([]);
    expect(steps.filter((step) => step.startsWith('look'))).to.have.length(2);
  });

  it('closes the channel that it opened to connect, and opens none where the broker is known', async () => {
    const { transport, steps } = known();
    let broker: Transport['broker'];
    let closed = 0;
    const connecting = {
      ...transport,
      get broker() {
        return broker;
      },
      openPublishChannel: async (options: object) => {
        steps.push(JSON.stringify(options));
        broker = BROKER;
        return { close: async () => void closed++ };
      },
    };
    const delayed = new DelayedPublishes(connecting as unknown as Transport, 5_000, () => 'billing');
    expect(delayed.knownRoom).to.equal(undefined);
    const room = await delayed.room();
    expect([room.prefix, await delayed.room(), delayed.knownRoom]).to.deep.equal(['leveret.billing', room, room]);
    expect([steps, closed]).to.deep.equal([['{"confirm":false,"timeoutMs":5000}'], 1]);
  });

  it('takes the message to its exchange by headers, and leaves those that it has', async () => {
    const { delayed } = known();
    const sent = await delayed.onItsWay({ ...PUBLICATION, headers: { tenant: 'a' } }, 5_000);
    expect(sent).to.deep.include({ routingKey: 'paid', exchange: 'leveret.delay.02' });
    expect(sent.headers).to.deep.equal({
      tenant: 'a',
      'leveret-delay-to': 'orders',
      'leveret-delay-2': true,
      'leveret-delay-1': false,
      'leveret-delay-0': true,
    });
  });

  it('declares as many levels as are needed, each number of them once, and the last stage of each exchange once', async () => {
    const { delayed, declared } = known();
    expect(delayed.upTo).to.equal(-1);
    for (const delayMs of [4_000, 5_000, 1_000, 8_000, 4_000]) await delayed.onItsWay(PUBLICATION, delayMs);
    await delayed.onItsWay({ ...PUBLICATION, exchange: 'other' }, 1_000);
    expect([declared, delayed.upTo]).to.deep.equal([['3 levels', 'due orders', '4 levels', 'due other'], 3]);
    await Promise.all([delayed.onItsWay(PUBLICATION, 16_000), delayed.onItsWay(PUBLICATION, 32_000)]);
    expect(delayed.upTo).to.equal(5);
    delayed.forget();
    expect(delayed.upTo).to.equal(-1);
  });

  it('sends nothing on its way before its last stage is declared', async () => {
    const { delayed, declared, answer } = known({ waits: true });
    let isOnItsWay = false;
    const sending = delayed.onItsWay(PUBLICATION, 1_000).then(() => {
      isOnItsWay = true;
    });
    await turn();
    expect(declared, 'one after the other').to.deep.equal(['1 levels']);
    answer(0);
    await turn();
    expect([declared, isOnItsWay]).to.deep.equal([['1 levels', 'due orders'], false]);
    answer(1);
    await sending;
  });

  it('knows the highest level of those that are declared at once', async () => {
    const { delayed, answer } = known({ waits: true });
    const both = [delayed.onItsWay(PUBLICATION, 32_000), delayed.onItsWay(PUBLICATION, 2_000)];
    await turn();
    answer(0);
    await turn();
    answer(1);
    await turn();
    expect(delayed.upTo).to.equal(5);
    answer(2);
    await Promise.all(both);
  });

  it('declares once more what failed, and waits for a declaration that is under way', async () => {
    const { delayed, declared, answer } = known({ waits: true });
    const both = [1, 2].map(() => delayed.once('mine', () => []).then(() => 'done', String));
    await turn();
    answer(0, new Error('refused'));
    expect(await Promise.all(both)).to.deep.equal(Array(2).fill('Error: refused'));
    const again = delayed.once('mine', () => []);
    await turn();
    answer(1);
    await again;
    await delayed.once('mine', () => []);
    expect(declared).to.have.length(2);
  });

  it('does not take what has failed meanwhile for what is under way now', async () => {
    const { delayed, declared, answer } = known({ waits: true });
    const first = delayed.once('mine', () => []).catch(String);
    delayed.forget();
    const second = delayed.once('mine', () => []);
    answer(0, new Error('late'));
    await first;
    answer(1);
    await second;
    await delayed.once('mine', () => []);
    expect(declared).to.have.length(2);
  });

  it('remembers a thousand names', async () => {
    const { delayed, declared } = known();
    for (let n = 0; n < 1000; n++) await delayed.once(`${n}`, () => []);
    await delayed.once('0', () => []);
    expect(declared).to.have.length(1000);
    await delayed.once('1000', () => []);
    await delayed.once('0', () => []);
    expect(declared).to.have.length(1002);
  });

  it('refuses a message to a queue that does not exist, and one with an expiration', async () => {
    const { delayed, declared, counts } = known();
    const toQueue = { ...PUBLICATION, exchange: '', routingKey: 'gone' };
    counts.set('gone', 'missing');
    const refused = await delayed.after(toQueue, 1_000).catch((error: unknown) => error);
    expect(refused).to.include({ code: 'LEV_PUBLISH_UNROUTABLE', fate: 'not-sent', replyCode: 312, attempts: 0 });
    expect((refused as PublishError).causes).to.deep.equal([]);
    expect(declared).to.deep.equal([]);
    counts.set('gone', 0);
    expect((await delayed.after(toQueue, 1_000)).headers).to.include({ 'leveret-delay-to': '' });
    const expires = await delayed
      .after({ ...PUBLICATION, properties: { expiration: '10' } }, 1_000)
      .catch((error: unknown) => error);
    expect(expires).to.include({ code: 'LEV_CONFIGURATION' });
  });

  it('counts what waits, each queue once; a queue that is missing holds nothing, and what fails changes nothing', async () => {
    const { delayed, counts, steps } = known();
    counts.set('a', 3).set('b', 'missing');
    await delayed.look(['a', 'a', 'b', 'c'], 100);
    expect(steps).to.deep.equal(['a', 'b', 'c'].map((queue) => `count ${queue}, 5000 ms`));
    expect(['a', 'b', 'c'].map((queue) => delayed.counted(queue))).to.deep.equal([
      { messages: 3, lookedAt: 100 },
      { messages: 0, lookedAt: 100 },
      undefined,
    ]);
    counts.delete('a');
    counts.set('b', 7);
    await delayed.look(['a', 'b'], 200);
    expect(delayed.counted('a')).to.deep.equal({ messages: 3, lookedAt: 100 });
    expect(delayed.counted('b')).to.deep.equal({ messages: 7, lookedAt: 200 });
  });
});

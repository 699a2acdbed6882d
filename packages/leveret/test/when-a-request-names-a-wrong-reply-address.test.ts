import { expect } from 'chai';
import { Listener, type ListenerOptions } from 'leveret';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { onEachBroker, type PrivateBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

/** An application that answers on one queue, and publishes to another meanwhile. */
async function start(broker: PrivateBroker, options: Partial<ListenerOptions> = {}) {
  const raw = await broker.raw();
  const queue = await raw.declare(unique('asked'));
  const own = await raw.declare(unique('own'));
  let calls = 0;
  class AnsweringListener {
    @Listener({ queue, retry: { maxAttempts: 3, initialInterval: 10 }, prefetch: 20, ...options })
    onRequest(): object {
      calls++;
      return { total: 7 };
    }
  }
  const running = await startApp(broker.url, { listeners: [AnsweringListener] });
  const { publisher } = running.app;
  return {
    raw,
    queue,
    running,
    calls: () => calls,
    /** Publishes of the application's own: how long the slowest of them took, and how many were sent more than once. */
    async publishOwn(count: number) {
      let [slowest, again] = [0, 0];
      for (let i = 0; i < count; i++) {
        const began = performance.now();
        const { attempts } = await publisher.sendToQueue(own, i);
        slowest = Math.max(slowest, performance.now() - began);
        if (attempts > 1) again++;
      }
      const arrived = (await raw.takeAll(own)).length;
      return { slowest, again, arrived };
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

onEachBroker('when a request names a wrong reply address', (broker) => {
  for (const [what, replyTo] of [
    ['an exchange that is missing', 'no.such.exchange/x'],
    ['an internal exchange', 'amq.rabbitmq.trace/x'],
    ['an exchange of the application', 'amq.topic/orders.paid'],
    ['a name that is too long', '\uFFFD'.repeat(85)],
  ] as const) {
    it(`handles each once and publishes nothing to ${what}, nor holds up what the application publishes`, async function () {
      this.timeout(60_000);
      await using app = await start(broker);
      for (let i = 0; i < 200; i++) void app.raw.send(app.queue, { i }, { replyTo });
      const own = await app.publishOwn(100);
      await eventually('all requests to be handled', () => app.running.count('handled') === 200);
      expect(app.calls()).to.equal(200);
      expect(app.running.count('reply-dropped')).to.equal(200);
      expect(app.running.count('failed')).to.equal(0);
      expect(own).to.include({ again: 0, arrived: 100 });
      expect(own.slowest).to.be.below(1_000);
    });
  }

  it('lets no allowed address hurt others either: missing, internal, or a queue that is full', async function () {
    this.timeout(60_000);
    await using app = await start(broker, { replies: { allow: ['*/*'] } });
    const full = await app.raw.declare(unique('full'), { maxLength: 0, arguments: { 'x-overflow': 'reject-publish' } });
    const addresses = ['no.such.exchange/x', 'amq.rabbitmq.trace/x', full, unique('gone')];
    for (let i = 0; i < 200; i++) void app.raw.send(app.queue, { i }, { replyTo: addresses[i % 4] as string });
    const own = await app.publishOwn(100);
    await eventually('all requests to be handled', () => app.running.count('handled') === 200, 30_000);
    expect(app.calls()).to.equal(200);
    expect(app.running.count('reply-dropped')).to.equal(200);
    expect(own).to.include({ again: 0, arrived: 100 });
    expect(own.slowest).to.be.below(1_000);
  });

  it('answers queues, and exchanges that the listener allows', async () => {
    const raw = await broker.raw();
    const exchange = unique('replies');
    const bound = await raw.declare(unique('bound'));
    await raw.once(async (channel) => {
      await channel.assertExchange(exchange, 'direct');
      await channel.bindQueue(bound, exchange, 'mine');
    });
    const direct = await raw.declare(unique('direct'));
    await using app = await start(broker, { replies: { allow: [`${exchange}/mine`] } });
    await raw.send(app.queue, {}, { replyTo: `${exchange}/mine` });
    await raw.send(app.queue, {}, { replyTo: direct });
    for (const queue of [bound, direct]) expect((await raw.arrived(queue)).text).to.equal('{"total":7}');
    await raw.send(app.queue, {}, { replyTo: `${exchange}/other` });
    await eventually('the reply to be dropped', () => app.running.count('reply-dropped') === 1);
  });
});

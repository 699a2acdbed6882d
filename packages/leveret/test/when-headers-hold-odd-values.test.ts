import { expect } from 'chai';
import { Context, type DeliveryContext, Listener, PublishError, republish } from 'leveret';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

const ID = 1688888483063664642n;

onEachBroker('when headers hold odd values', (broker) => {
  const headers = {
    at: new Date('2026-11-27T10:00:00.500Z'),
    bytes: new Uint8Array([1, 2, 255]),
    id: ID,
    least: -(2n ** 63n),
    small: 5n,
    inner: { list: [ID, new Date(0), Buffer.from('x')] },
  };
  const received = {
    at: { '!': 'timestamp', value: Date.parse('2026-11-27T10:00:00Z') / 1000 },
    bytes: Buffer.from([1, 2, 255]),
    id: ID,
    least: -(2n ** 63n),
    small: 5,
    inner: { list: [ID, { '!': 'timestamp', value: 0 }, Buffer.from('x')] },
  };

  it('sends dates, bytes and bigints as what they are, and reads them so, also once they were parked or sent on', async () => {
    const raw = await broker.raw();
    const [first, errors, last] = [unique('odd'), await raw.declare(unique('odd.errors')), unique('odd.last')];
    const seen: unknown[] = [];
    class Odd {
      @Listener({ queue: first, recoverer: republish('', errors), retry: { maxAttempts: 1 } })
      async first(@Context() context: DeliveryContext) {
        seen.push(context.message.headers);
        throw new Error('park it');
      }
      @Listener({ queue: errors })
      async parked(@Context() { message }: DeliveryContext) {
        const { at, bytes, id, least, small, inner } = message.headers;
        seen.push({ at, bytes, id, least, small, inner });
        await running.app.publisher.sendToQueue(last, {}, { headers: { at, bytes, id, least, small, inner } });
      }
      @Listener({ queue: last })
      last(@Context() { message }: DeliveryContext) {
        seen.push(message.headers);
      }
    }
    await using running = await startApp(broker.url, { listeners: [Odd] });
    await running.app.publisher.sendToQueue(first, {}, { headers });
    await eventually('all three', () => seen.length === 3);
    for (const each of seen) expect(each).to.deep.equal(received);
  });

  const wrong: Readonly<Record<string, unknown>> = {
    'a Map': new Map(),
    'an Error': new Error('x'),
    NaN: Number.NaN,
    'a bigint above 64 bits': 2n ** 64n,
  };
  for (const [what, value] of Object.entries(wrong)) {
    it(`refuses ${what} with its path, and harms nothing else`, async () => {
      const queue = await (await broker.raw()).declare(unique('odd'));
      await using running = await startApp(broker.url, {});
      const { publisher } = running.app;
      const others = [1, 2, 3].map(() => publisher.sendToQueue(queue, {}));
      const refused = await publisher
        .sendToQueue(queue, {}, { headers: { a: [{ b: value }] } })
        .catch((error) => error);
      expect(refused)
        .to.be.instanceOf(PublishError)
        .and.to.include({ code: 'LEV_PUBLISH_UNENCODABLE' })
        .with.property('code', 'LEV_PUBLISH_UNENCODABLE');
      expect(refused.message).to.contain('headers.a[0].b is ');
      const sent = { exchange: '', routingKey: queue, body: Buffer.from(''), properties: {}, mandatory: true };
      const raw = await publisher.send({ ...sent, headers: { a: value } }).catch((error) => error);
      expect(raw).to.be.instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISH_UNENCODABLE' });
      expect(raw.message).to.contain('headers.a is ');
      await Promise.all(others);
    });
  }
});

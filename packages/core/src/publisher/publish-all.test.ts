import { expect } from 'chai';
import { describe, it } from 'mocha';
import { setUp, turn, watch } from './fake-publish-transport.support.test.js';
import { PublishUnroutableError } from './publish-error.js';
import type { BatchMessage } from './publishable.js';

describe('publishAll', () => {
  it('answers one result for each message, in their order', async () => {
    const { publisher, transport } = setUp();
    const publishing = publisher.publishAll([
      { exchange: 'orders', routingKey: 'a', payload: '1' },
      { queue: 'q', payload: '2', options: { messageId: 'm2' } },
      { exchange: 'orders', payload: 'no key' } as BatchMessage,
    ]);
    await turn();
    transport.channel.return(1);
    transport.channel.ack(2, true);
    const results = await publishing;
    expect(results.map(({ status }) => status)).to.deep.equal(['rejected', 'fulfilled', 'rejected']);
    expect(results[0]).to.have.property('reason').instanceOf(PublishUnroutableError);
    expect(results[1]).to.have.nested.property('value.messageId', 'm2');
  });

  function* numbered(count: number, taking: (number: number) => void) {
    for (let number = 0; number < count; number++) {
      taking(number);
      yield { queue: 'q', payload: String(number) };
    }
  }

  async function* slowly(source: Iterable<BatchMessage>) {
    yield* source;
  }

  for (const [kind, sourceOf] of Object.entries({
    'a source': (source: Iterable<BatchMessage>) => source,
    'one that waits': slowly,
  })) {
    it(`takes from ${kind} only as much as there is room for`, async () => {
      const { publisher, transport } = setUp({ window: 2 });
      let taken = 0;
      const source = numbered(100, (number) => {
        taken = number;
      });
      const publishing = watch(publisher.publishAll(sourceOf(source)));
      await turn();
      expect(taken).to.equal(3);
      for (let i = 0; i < 100; i++) {
        transport.channel.ack(transport.channel.sent.length, true);
        await turn();
      }
      expect(publishing.value).to.have.length(100);
      expect(taken).to.equal(99);
    });
  }

  it('waits for items that are promises, and ends with what one rejects with', async () => {
    const { publisher, transport } = setUp();
    const items = [Promise.resolve({ queue: 'q', payload: '1' }), Promise.reject(new Error('no such row'))];
    const publishing = watch(publisher.publishAll(items as unknown as BatchMessage[]));
    await turn();
    expect(transport.channel.sent).to.have.length(1);
    transport.channel.ack();
    await turn();
    expect(publishing.error?.message).to.equal('no such row');
  });

  it('ends although the address of an item cannot be found: that item is rejected', async () => {
    const routeOf = (payload: object) => {
      if ('sku' in payload) throw new Error('no routing key without a sku');
      return { exchange: '', routingKey: 'q' };
    };
    const { publisher, transport } = setUp({}, { routeOf });
    const publishing = watch(publisher.publishAll([{ sku: undefined }, { id: 2 }]));
    await turn();
    transport.channel.ack();
    await turn();
    const results = publishing.value ?? [];
    expect(results.map(({ status }) => status)).to.deep.equal(['rejected', 'fulfilled']);
    expect(results[0]).to.have.nested.property('reason.message', 'no routing key without a sku');
  });

  it('rejects with what its source throws, once all before have settled', async () => {
    const { publisher, transport } = setUp();
    function* source() {
      yield { queue: 'q', payload: '1' };
      throw new Error('no more');
    }
    const publishing = watch(publisher.publishAll(source()));
    await turn();
    expect(publishing.settlements).to.equal(0);
    transport.channel.ack();
    await turn();
    expect(publishing.error?.message).to.equal('no more');
  });

  it('keeps no result where each is told as it comes', async () => {
    const { publisher, transport } = setUp();
    const told: [number, string, unknown][] = [];
    const items = ['1', '2', '3'].map((payload) => ({ queue: 'q', payload }));
    const publishing = watch(
      publisher.publishAll(items, {
        onResult: ({ status }, item, index) => told.push([index, status, item.payload]),
      }),
    );
    await turn();
    transport.channel.ack(2);
    await turn();
    expect(told).to.deep.equal([[1, 'fulfilled', '2']]);
    transport.channel.return(1);
    transport.channel.ack(1);
    transport.channel.ack(3);
    await turn();
    expect(publishing.value).to.deep.equal({ confirmed: 2, failed: 1 });
    expect(told.slice(1)).to.deep.equal([
      [0, 'rejected', '1'],
      [2, 'fulfilled', '3'],
    ]);
  });

  it('ends with what is thrown for a result, and takes no more', async () => {
    const { publisher, transport } = setUp({ window: 1 });
    let taken = 0;
    function* source() {
      for (; taken < 10; taken++) yield { queue: 'q', payload: String(taken) };
    }
    const onResult = () => {
      throw new Error('no more');
    };
    const publishing = watch(publisher.publishAll(source(), { onResult }));
    for (let i = 0; i < 10; i++) {
      await turn();
      transport.channel.ack(transport.channel.sent.length, true);
    }
    await turn();
    expect(publishing.error?.message).to.equal('no more');
    expect(taken).to.be.below(5);
    expect(publisher.stats.held).to.equal(0);
  });
});

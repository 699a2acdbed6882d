import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Publication } from '../message/message.js';
import { setUp, turn, watch } from './fake-publish-transport.support.test.js';
import { PublishError } from './publish-error.js';

const DIRECT_REPLY = 'amq.rabbitmq.reply-to.g1';
const replyTo = (routingKey: string): Publication => ({
  ...{ exchange: '', routingKey, body: Buffer.alloc(0), headers: {}, properties: {}, mandatory: true },
});

describe('the ways of a publisher', () => {
  it('asks for the return of what goes to a queue, and not of a direct reply, which would come back delivered', async () => {
    const { publisher, transport } = setUp();
    watch(publisher.sendToQueue('orders', 'x'));
    watch(publisher.publish('replies', DIRECT_REPLY, 'x'));
    watch(publisher.reply(replyTo('orders')));
    watch(publisher.reply(replyTo(DIRECT_REPLY)));
    await turn();
    const asked = transport.channels.flatMap(({ sent }) => sent).map((sent) => [sent.routingKey, sent.mandatory]);
    expect(asked).to.deep.equal([
      ['orders', true],
      [DIRECT_REPLY, true],
      ['orders', true],
      [DIRECT_REPLY, false],
    ]);
  });

  for (const [confirmTimeout, limitMs] of [
    ['30s', 5_000],
    ['2s', 2_000],
  ] as const) {
    it(`waits ${limitMs} ms for the confirm of a reply where messages have ${confirmTimeout}, and sends it once`, async () => {
      const { publisher, transport, clock } = setUp({ confirmTimeout });
      const replying = watch(publisher.reply(replyTo(DIRECT_REPLY)));
      await turn();
      await clock.advance(limitMs - 1);
      expect(replying.settlements).to.equal(0);
      await clock.advance(1);
      expect(replying.error).to.be.instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISH_CONFIRM_TIMEOUT' });
      await clock.advance(60_000);
      expect(transport.channels.flatMap(({ sent }) => sent)).to.have.length(1);
    });
  }

  it('shows what all of them hold, and nothing when all is settled', async () => {
    const { publisher, transport, clock } = setUp();
    watch(publisher.publish('orders', 'paid', 'xx'));
    watch(publisher.publish('orders', 'paid', 'xxx'));
    watch(publisher.reply(replyTo('r')));
    watch(publisher.request('', 'q', 'x', { timeout: '1s' }));
    await turn();
    expect(publisher.stats).to.include({ held: 4, heldBytes: 6, inFlight: 4, apart: 0, published: 4, confirmed: 0 });
    for (const channel of transport.channels) channel.ack(undefined, true);
    await clock.advance(1_000);
    expect(publisher.stats).to.include({ held: 0, heldBytes: 0, inFlight: 0, confirmed: 4 });
  });

  it('knows the largest frame of its connection, and assumes that of RabbitMQ before there is one', () => {
    const { publisher, transport } = setUp();
    expect(publisher.frameMax).to.equal(131_072);
    Object.assign(transport, { broker: { product: 'RabbitMQ', version: '4.3.0', frameMax: 8192 } });
    expect(publisher.frameMax).to.equal(8192);
  });

  it('looks for exchanges once more behind another connection to publish on, and behind nothing else', async () => {
    const { publisher, transport, clock } = setUp();
    transport.exchanges = new Set(['orders']);
    const publish = async () => {
      watch(publisher.publish('orders', 'paid', 'x'));
      await turn();
      transport.channel.ack();
      return transport.looks.length;
    };
    expect(await publish()).to.equal(1);
    transport.emit({ type: 'disconnected', role: 'consume', error: undefined });
    transport.block();
    transport.unblock();
    expect(await publish()).to.equal(1);
    transport.loseConnection();
    watch(publisher.publish('orders', 'paid', 'x'));
    await clock.advance(1_000);
    expect(transport.looks).to.have.length(2);
  });
});

import { expect } from 'chai';
import { describe, it } from 'mocha';
import { setUp, turn, watch } from './fake-publish-transport.support.test.js';
import { PublishError } from './publish-error.js';

const KIB = 1024;

describe('what a publisher keeps in memory', () => {
  it('is no more than maxBytes, calls that wait for room included, and all of it is published', async () => {
    const { publisher, transport } = setUp({ buffer: { maxBytes: 10 * KIB } });
    const payload = 'x'.repeat(KIB);
    const all = Array.from({ length: 200 }, () => watch(publisher.publish('', 'q', payload)));
    await turn();
    expect(publisher.stats).to.include({ held: 200, heldBytes: 10 * KIB });
    for (let i = 0; i < 40; i++) {
      transport.channel.ack(transport.channel.sent.length, true);
      await turn();
      expect(publisher.stats.heldBytes).to.be.at.most(10 * KIB);
    }
    expect(all.every(({ value }) => value?.attempts === 1)).to.equal(true);
    expect(transport.channel.sent.every(({ body }) => body.toString() === payload)).to.equal(true);
    expect(publisher.stats).to.include({ held: 0, heldBytes: 0 });
  });

  it('keeps what waits for room by number, as long as its bytes fit', async () => {
    const { publisher, transport } = setUp({ buffer: { maxMessages: 2, maxBytes: 10 * KIB } });
    const bytes = Buffer.alloc(KIB);
    for (let i = 0; i < 5; i++) {
      bytes.fill(i);
      watch(publisher.publish('', 'q', bytes));
    }
    expect(publisher.stats.heldBytes).to.equal(5 * KIB);
    for (let i = 0; i < 5; i++) {
      await turn();
      transport.channel.ack(transport.channel.sent.length, true);
    }
    await turn();
    expect(transport.channel.sent).to.have.length(5);
    expect(publisher.stats).to.include({ held: 0, heldBytes: 0 });
  });

  it('is let go with calls that wait too long for room', async () => {
    const { publisher, clock } = setUp({ buffer: { maxMessages: 1, maxBytes: 2 * KIB, waitTimeout: '1s' } });
    const [, ...waiting] = Array.from({ length: 5 }, () => watch(publisher.publish('', 'q', 'x'.repeat(KIB))));
    expect(publisher.stats.heldBytes).to.equal(2 * KIB);
    await clock.advance(1_000);
    for (const { error } of waiting)
      expect(error).to.be.instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISH_BUFFER_FULL' });
    expect(publisher.stats).to.include({ held: 1, heldBytes: KIB });
  });

  it('is the bytes of the call, whatever the caller writes over them afterwards', async () => {
    for (const send of ['publish', 'send'] as const) {
      const { publisher, transport, clock } = setUp({ window: 1 }, { converter: bytesConverter });
      const bytes = Buffer.alloc(4);
      for (let i = 0; i < 3; i++) {
        bytes.fill(`${i}`);
        const publication = {
          exchange: '',
          routingKey: 'q',
          body: bytes,
          headers: {},
          properties: {},
          mandatory: false,
        };
        watch(send === 'publish' ? publisher.publish('', 'q', bytes) : publisher.send(publication));
      }
      bytes.fill('x');
      await turn();
      transport.loseConnection();
      for (let i = 0; i < 4; i++) {
        await clock.advance(1_000);
        transport.channel.ack(transport.channel.sent.length, true);
      }
      const sent = transport.channels.flatMap((channel) => channel.sent.map(({ body }) => body.toString()));
      expect(sent.sort(), send).to.deep.equal(['0000', '0000', '1111', '2222']);
    }
  });

  it('is asked for again where there was no room for it; a payload that was changed meanwhile is not sent', async () => {
    const { publisher, transport } = setUp({ buffer: { maxBytes: 4 } }, { converter: bytesConverter });
    const changed = Buffer.from('3333');
    const calls = [Buffer.from('1111'), Buffer.from('2222'), changed].map((bytes) =>
      watch(publisher.publish('', 'q', bytes)),
    );
    changed.fill('x');
    for (let i = 0; i < 3; i++) {
      await turn();
      transport.channel.ack();
    }
    await turn();
    expect(transport.channel.sent.map(({ body }) => body.toString())).to.deep.equal(['1111', '2222']);
    expect(calls[2]?.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_BUFFER_FULL', fate: 'not-sent' });
    expect(calls[2]?.error?.message).to.contain('payload was changed');
    expect(publisher.stats).to.include({ held: 0, heldBytes: 0 });
  });
});

/** Bytes as they are, without a copy. */
const bytesConverter = {
  fromMessage: (message: { readonly body: Buffer }) => message.body,
  toMessage: (payload: unknown) => ({
    body: payload as Buffer,
    contentType: 'application/octet-stream',
    contentEncoding: undefined,
  }),
};

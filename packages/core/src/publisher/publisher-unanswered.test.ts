import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type FakePublishTransport, setUp, turn, watch } from './fake-publish-transport.support.test.js';
import type { PublisherOptions } from './publisher-options.js';

function start(options: PublisherOptions = {}) {
  const world = setUp({ window: 8, retry: false, confirmTimeout: '10s', ...options });
  const publish = async (exchange: string, routingKey = 'k') => {
    watch(world.publisher.publish(exchange, routingKey, 'text'));
    await turn();
  };
  const named = () =>
    world.publisher
      .unanswered(5_000)
      .map((each) => each.kind === 'publish' && [each.exchange, each.routingKey, each.forMs, each.nacks]);
  return { ...world, publish, named };
}

/** Also those that go out again at once, on a channel that is fresh. */
async function nackAll(transport: FakePublishTransport): Promise<void> {
  for (let round = 0; round < 3; round++) {
    for (const channel of transport.channels) for (const tag of [...channel.pending.keys()]) channel.nack(tag);
    await turn();
  }
}

describe('Publisher as to what is not confirmed', () => {
  it('names a destination whose oldest message has no confirm for so long, until it is confirmed', async () => {
    const { transport, clock, publish, named } = start();
    await publish('slow', 'a');
    await clock.advance(4_999);
    await publish('quick', 'b');
    expect(named()).to.deep.equal([]);
    await clock.advance(1);
    expect(named()).to.deep.equal([['slow', 'a', 5_000, 0]]);
    for (const channel of transport.channels) for (const tag of [...channel.pending.keys()]) channel.ack(tag);
    await turn();
    expect(named()).to.deep.equal([]);
  });

  it('names it on after its messages were given up, until one is confirmed', async () => {
    const { transport, clock, publish, named } = start();
    await publish('stuck');
    await clock.advance(10_000);
    expect(named()).to.deep.equal([['stuck', 'k', 10_000, 0]]);
    await clock.advance(5_000);
    await publish('stuck');
    expect(named()).to.deep.equal([['stuck', 'k', 10_000, 0]]);
    transport.channel.ack();
    await turn();
    expect(named()).to.deep.equal([]);
  });

  it('names it no more when nothing is published there for a minute', async () => {
    const { clock, publish, named } = start();
    await publish('stuck');
    await clock.advance(69_999);
    expect(named()).to.have.length(1);
    await clock.advance(1);
    expect(named()).to.deep.equal([]);
  });

  it('names a destination that nacks everything for so long, but no single nack', async () => {
    const { transport, clock, publish, named } = start();
    for (let second = 0; second < 6; second++) {
      expect(named()).to.deep.equal([]);
      await publish('full');
      await nackAll(transport);
      await clock.advance(1_000);
    }
    const [[exchange, key, forMs, nacks]] = named() as [[string, string, number, number]];
    expect([exchange, key, forMs]).to.deep.equal(['full', 'k', 5_000]);
    expect(nacks).to.be.at.least(6);
    await publish('full');
    transport.channel.ack();
    await turn();
    expect(named()).to.deep.equal([]);
  });

  it('counts the attempts of a message together', async () => {
    const { transport, clock, publish, named } = start({ retry: { maxAttempts: 20 } });
    await publish('full');
    for (let second = 0; second < 5; second++) {
      if (transport.channel.pending.size > 0) transport.channel.nack();
      await clock.advance(1_000);
      await turn();
    }
    expect(named()).to.have.length(1);
  });

  it('does not name what only waits for its turn', async () => {
    const { transport, clock, publish, named } = start({ window: 1 });
    for (let count = 0; count < 10; count++) await publish('busy');
    for (let second = 0; second < 9; second++) {
      await clock.advance(900);
      transport.channel.ack();
      await turn();
      expect(named()).to.deep.equal([]);
    }
  });

  it('names what waits for a broker that blocks publishing', async () => {
    const { transport, clock, publish, named } = start();
    transport.block();
    await publish('held');
    await clock.advance(5_000);
    expect(named()).to.deep.equal([['held', 'k', 5_000, 0]]);
  });

  it('names at most 16, the longest first, however many routing keys there are', async () => {
    const { clock, publish, named } = start({ window: 50 });
    for (let key = 0; key < 40; key++) {
      await publish('stuck', `${key}`);
      await clock.advance(10);
    }
    await clock.advance(5_000);
    expect(named().map((each) => (each === false ? undefined : each[1]))).to.deep.equal(
      Array.from({ length: 16 }, (_, key) => `${key}`),
    );
  });

  it('does not name where replies go, which strangers choose', async () => {
    const { publisher, clock, named } = start();
    watch(
      publisher.reply({
        exchange: '',
        routingKey: 'theirs',
        mandatory: false,
        body: Buffer.alloc(0),
        properties: {},
        headers: {},
      } as never),
    );
    await turn();
    await clock.advance(20_000);
    expect(named()).to.deep.equal([]);
  });
});

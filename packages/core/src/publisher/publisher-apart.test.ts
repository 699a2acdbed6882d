import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type FakePublishTransport, setUp, turn, watch } from './fake-publish-transport.support.test.js';
import { PublishError } from './publish-error.js';
import type { PublisherOptions } from './publisher-options.js';

/** A broker that confirms all but what goes to exchanges that begin with `stuck`. */
async function confirmOthers(transport: FakePublishTransport, rounds = 5): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await turn();
    for (const channel of transport.channels) {
      for (const [tag, { publication }] of [...channel.pending]) {
        if (!publication.exchange.startsWith('stuck')) channel.ack(tag);
      }
    }
  }
}

function start(options: PublisherOptions = {}) {
  const world = setUp({ window: 8, retry: false, ...options });
  const publishTo = (exchange: string, count: number, key = 'k') =>
    Array.from({ length: count }, (_, i) => watch(world.publisher.publish(exchange, key, `${exchange} ${i}`)));
  return { ...world, publishTo };
}

describe('Publisher when one destination confirms nothing', () => {
  it('goes on with all others after a second, and gives it a channel of its own', async () => {
    const { publisher, transport, clock, publishTo } = start();
    const stuck = publishTo('stuck', 30);
    const good = publishTo('good', 30);
    await confirmOthers(transport);
    expect(good.filter(({ value }) => value !== undefined)).to.have.length(0);
    await clock.advance(1_000);
    await confirmOthers(transport);
    expect(good.map(({ value }) => value?.attempts)).to.deep.equal(good.map(() => 1));
    expect(publisher.stats.apart).to.equal(1);
    // One more than had been goes out, to ask: it may have been the channel.
    const written = transport.channels.flatMap(({ sent }) => sent).filter(({ exchange }) => exchange === 'stuck');
    expect(written.length).to.equal(9);
    await clock.advance(9_000);
    await confirmOthers(transport);
    for (const { error } of stuck.slice(0, 8)) {
      expect(error)
        .to.be.instanceOf(PublishError)
        .and.to.include({ code: 'LEV_PUBLISH_CONFIRM_TIMEOUT', fate: 'unknown', stuck: true });
    }
    // What was held back has waited its time, and is safe to repeat. One went out, to ask again.
    await clock.advance(10_000);
    const fates = stuck.slice(8).map(({ error }) => [(error as PublishError).fate, error?.constructor]);
    expect(fates.filter(([fate]) => fate === 'not-sent').length).to.be.greaterThan(19);
    expect(stuck.every(({ error }) => (error as PublishError).stuck)).to.equal(true);
    void publisher.close({ timeout: 1 });
    await clock.advance(2_000);
  });

  it('gives up in its time what was in flight, also where nothing waits behind it', async () => {
    const { transport, clock, publishTo, publisher } = start({ confirmTimeout: '5s' });
    const [stuck] = publishTo('stuck', 1);
    publishTo('good', 1);
    await turn();
    await clock.advance(1_000);
    await confirmOthers(transport);
    expect(publisher.stats.apart).to.equal(1);
    await clock.advance(3_999);
    expect(stuck?.settlements).to.equal(0);
    await clock.advance(1);
    expect(stuck?.error).to.include({ code: 'LEV_PUBLISH_CONFIRM_TIMEOUT', fate: 'unknown', stuck: true });
    expect(clock.waits, 'it is remembered for a minute').to.deep.equal([60_000]);
    await publisher.close();
    expect([clock.waits, publisher.stats.apart]).to.deep.equal([[], 0]);
  });

  it('goes on at once with what was only caught on the same channel', async () => {
    const { publisher, transport, clock } = start({ window: 64 });
    const all = Array.from({ length: 40 }, (_, i) =>
      watch(publisher.publish(i % 2 === 0 ? 'stuck' : 'good', 'k', `${i}`)),
    );
    await turn();
    // The broker reads nothing more of this channel.
    const [blocked] = transport.channels;
    expect(blocked?.sent).to.have.length(40);
    const isOther = (channel: unknown) => channel !== blocked;
    const confirm = async () => {
      for (let round = 0; round < 12; round++) {
        await turn();
        for (const channel of transport.channels.filter(isOther)) {
          for (const [tag, { publication }] of [...channel.pending])
            if (publication.exchange === 'good') channel.ack(tag);
        }
      }
    };
    await clock.advance(1_000);
    const later = Array.from({ length: 100 }, (_, i) => watch(publisher.publish('good', 'k', `later ${i}`)));
    await confirm();
    expect(later.every(({ value }) => value?.attempts === 1)).to.equal(true);
    expect(all.every(({ settlements }) => settlements === 0)).to.equal(true);
    void publisher.close({ timeout: 1 });
    await clock.advance(2_000);
  });

  it('never holds up others again while it is stuck, nor when it has been idle', async () => {
    const { transport, clock, publishTo } = start();
    publishTo('stuck', 3);
    publishTo('good', 1);
    await clock.advance(1_000);
    await confirmOthers(transport);
    await clock.advance(40_000);
    for (let round = 0; round < 5; round++) {
      publishTo('stuck', 20);
      const good = publishTo('good', 20);
      await confirmOthers(transport);
      expect(good.every(({ value }) => value !== undefined)).to.equal(true);
      await clock.advance(5_000);
    }
  });

  it('finds its pace when it confirms again, in order and without copies, and goes with all others in the end', async () => {
    const { publisher, transport, clock, publishTo } = start();
    const stuck = publishTo('stuck', 30);
    publishTo('good', 30);
    await clock.advance(1_000);
    await confirmOthers(transport);
    for (let round = 0; round < 30; round++) {
      for (const channel of transport.channels) channel.ack(channel.sent.length, true);
      await turn();
    }
    expect(stuck.every(({ value }) => value?.attempts === 1)).to.equal(true);
    const bodies = transport.channels
      .flatMap(({ sent }) => sent.filter(({ exchange }) => exchange === 'stuck'))
      .map(({ body }) => body.toString());
    expect(bodies).to.deep.equal(stuck.map((_, i) => `stuck ${i}`));
    expect(publisher.stats).to.include({ apart: 0, held: 0, inFlight: 0 });
    await publisher.close();
    expect(transport.channels.every(({ closed }) => closed)).to.equal(true);
    expect(clock.waits).to.deep.equal([]);
  });

  it('changes nothing while the broker opens no channel: then nobody is well', async () => {
    const { publisher, transport, clock, publishTo } = start();
    publishTo('stuck', 4);
    publishTo('good', 4);
    await turn();
    transport.openings.push('never');
    await clock.advance(3_000);
    expect(publisher.stats.apart).to.equal(0);
    transport.channel.ack(8, true);
    await turn();
    expect(publisher.stats.confirmed).to.equal(8);
  });

  it('stays on its channel where nothing else is published, and with one at a time', async () => {
    const alone = start();
    alone.publishTo('stuck', 20);
    await alone.clock.advance(5_000);
    expect(alone.transport.channels).to.have.length(1);
    const simple = start({ confirms: 'simple' });
    simple.publishTo('stuck', 2);
    simple.publishTo('good', 2);
    await simple.clock.advance(5_000);
    expect(simple.transport.channels).to.have.length(1);
  });

  it('takes an exchange for one destination once many of its keys do not answer', async () => {
    const { publisher, transport, clock } = start({ window: 256 });
    for (let i = 0; i < 100; i++) watch(publisher.publish('stuck', `key ${i}`, 'x'));
    const good = watch(publisher.publish('good', 'k', 'x'));
    await clock.advance(1_000);
    await confirmOthers(transport);
    expect(publisher.stats.apart).to.equal(17);
    expect(good.value?.attempts).to.equal(1);
    watch(publisher.publish('stuck', 'another key', 'x'));
    expect(publisher.stats.apart).to.equal(17);
  });

  it('lets it hold half of the buffer at most', async () => {
    const { publisher, transport, clock, publishTo } = start({ buffer: { maxMessages: 20, whenFull: 'fail' } });
    publishTo('stuck', 2);
    publishTo('good', 1);
    await clock.advance(1_000);
    await confirmOthers(transport);
    const stuck = publishTo('stuck', 30);
    await turn();
    expect(stuck.filter(({ error }) => error?.message.includes('was full'))).to.have.length(22);
    const good = publishTo('good', 10);
    await confirmOthers(transport);
    expect(good.every(({ value }) => value !== undefined)).to.equal(true);
    expect(publisher.stats.held).to.equal(10);
  });

  it('publishes apart what goes where a message was refused', async () => {
    const { publisher, transport } = start();
    const refused = watch(publisher.publish('internal', 'k', 'x'));
    await turn();
    transport.channel.fail(403, "ACCESS_REFUSED - cannot publish to internal exchange 'internal' in vhost '/'");
    const good = watch(publisher.publish('good', 'k', 'x'));
    await turn();
    const innocent = transport.channel;
    const again = watch(publisher.publish('internal', 'k', 'x'));
    await turn();
    expect(transport.channel).not.to.equal(innocent);
    transport.channel.fail(403, "ACCESS_REFUSED - cannot publish to internal exchange 'internal' in vhost '/'");
    innocent.ack();
    await turn();
    for (const { error } of [refused, again])
      expect(error).to.be.instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISH_REFUSED' });
    expect(good.value?.attempts).to.equal(1);
  });
});

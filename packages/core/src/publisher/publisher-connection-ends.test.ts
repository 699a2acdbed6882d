import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type FakePublishTransport, setUp, turn, watch } from './fake-publish-transport.support.test.js';
import { PublishError } from './publish-error.js';

const POISON = 'poison';

/** A broker that closes the connection with 541 as soon as it reads one message, and confirms all others. */
async function play(transport: FakePublishTransport, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await turn();
    for (const channel of transport.channels) {
      if (!channel.isOpen) continue;
      const poison = [...channel.pending.values()].some(({ publication }) => publication.body.toString() === POISON);
      if (poison) transport.loseConnection(541);
      else for (const tag of [...channel.pending.keys()]) channel.ack(tag);
    }
  }
}

describe('Publisher when the broker closes the connection over a message', () => {
  it('finds it, refuses it after three ends, and delivers its neighbours with few copies', async () => {
    const { publisher, transport } = setUp();
    const neighbours = Array.from({ length: 10 }, (_, i) => watch(publisher.publish('orders', 'k', `before ${i}`)));
    const guilty = watch(publisher.publish('orders', 'k', POISON));
    for (let i = 0; i < 10; i++) neighbours.push(watch(publisher.publish('orders', 'k', `after ${i}`)));
    await play(transport, 40);
    expect(guilty.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_REFUSED', fate: 'refused', attempts: 1 });
    expect(guilty.error?.message).to.contain('541');
    expect(neighbours.map(({ value }) => value?.attempts)).to.deep.equal(neighbours.map(() => 1));
    const sent = transport.channels.flatMap((channel) => channel.sent.map(({ body }) => body.toString()));
    expect(sent.filter((body) => body === POISON)).to.have.length(3);
    expect(sent.length).to.be.at.most(2 * neighbours.length + 3);
    await publisher.close();
  });

  it('publishes nothing else on the connection while a suspect is in flight, requests neither', async () => {
    const { publisher, transport } = setUp();
    watch(publisher.request('', 'questions', 'asked', { timeout: '4s' }));
    watch(publisher.publish('orders', 'k', 'innocent'));
    watch(publisher.publish('orders', 'k', POISON));
    await turn();
    transport.loseConnection(541);
    await turn();
    const pending = transport.channels.reduce((sum, channel) => sum + channel.pending.size, 0);
    expect(pending).to.equal(1);
    await play(transport, 40);
    expect(publisher.stats).to.include({ failed: 1, confirmed: 2 });
    await publisher.close();
  });

  it('blames nobody for an operator, a shutdown or a cut', async () => {
    for (const code of [undefined, 320]) {
      const { publisher, transport, clock } = setUp();
      const publishing = watch(publisher.publish('orders', 'k', 'x'));
      for (let i = 0; i < 2; i++) {
        await turn();
        transport.loseConnection(code);
        await clock.advance(1_000);
      }
      transport.channel.ack();
      await turn();
      expect(publishing.value?.attempts).to.equal(3);
      await publisher.close();
    }
  });

  it('takes a suspect that ends nothing for innocent before its confirm comes', async () => {
    const { publisher, transport, clock } = setUp();
    watch(publisher.publish('stuck', 'k', 'no answer'));
    watch(publisher.publish('orders', 'k', 'next'));
    await turn();
    transport.loseConnection(541);
    await turn();
    expect(transport.channel.sent).to.have.length(1);
    await clock.advance(500);
    expect(transport.channel.sent).to.have.length(2);
    void publisher.close({ timeout: 1 });
    await clock.advance(2_000);
  });
});

import { expect } from 'chai';
import { describe, it } from 'mocha';
import { setUp, turn, watch } from './fake-publish-transport.support.test.js';
import { PublishError } from './publish-error.js';

function start(...exchanges: string[]) {
  const world = setUp();
  world.transport.exchanges = new Set(exchanges);
  return world;
}

describe('Publisher before its first message to an exchange', () => {
  it('looks whether it is there: a wrong name ends no channel', async () => {
    const { publisher, transport } = start('orders');
    const before = watch(publisher.publish('orders', 'k', 'before'));
    const missing = watch(publisher.publish('ordesr', 'k', 'x'));
    const after = watch(publisher.publish('orders', 'k', 'after'));
    await turn();
    expect(missing.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_EXCHANGE_MISSING' })
      .and.to.include({ fate: 'refused', attempts: 1 });
    expect(transport.channel.sent.map(({ body }) => body.toString())).to.deep.equal(['before', 'after']);
    transport.channel.ack(2, true);
    await turn();
    expect([before.value?.attempts, after.value?.attempts]).to.deep.equal([1, 1]);
    expect(transport.channels).to.have.length(1);
  });

  it('looks once for each name, and never for the default exchange', async () => {
    const { publisher, transport } = start('orders');
    for (let i = 0; i < 20; i++) {
      watch(publisher.publish('orders', 'k', `${i}`));
      watch(publisher.sendToQueue('q', `${i}`));
    }
    await turn();
    watch(publisher.publish('orders', 'k', 'later'));
    await turn();
    expect(transport.looks).to.deep.equal(['orders']);
    const toOrders = transport.channel.sent.filter(({ exchange }) => exchange === 'orders');
    expect(toOrders.map(({ body }) => body.toString())).to.deep.equal([...Array(20).keys(), 'later'].map(String));
  });

  it('looks again after the connection was another one, and after a message found it gone', async () => {
    const { publisher, transport, clock } = start('orders');
    watch(publisher.publish('orders', 'k', 'x'));
    await turn();
    transport.channel.ack();
    transport.loseConnection();
    watch(publisher.publish('orders', 'k', 'x'));
    await clock.advance(1_000);
    expect(transport.looks).to.deep.equal(['orders', 'orders']);
    transport.exchanges?.delete('orders');
    transport.channel.fail(404, "NOT_FOUND - no exchange 'orders' in vhost '/'");
    const missing = watch(publisher.publish('orders', 'k', 'x'));
    await turn();
    expect(transport.looks).to.have.length(3);
    expect(missing.error).to.be.instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISH_EXCHANGE_MISSING' });
  });

  it('publishes when nobody may look, and remembers no name that is wrong', async () => {
    const { publisher, transport } = start();
    const unsaid = watch(publisher.publish('unsaid', 'k', 'x'));
    await turn();
    transport.channel.ack();
    await turn();
    expect(unsaid.value?.attempts).to.equal(1);
    const missing = watch(publisher.publish('new', 'k', 'x'));
    await turn();
    expect(missing.error).to.be.instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISH_EXCHANGE_MISSING' });
    transport.exchanges?.add('new');
    watch(publisher.publish('new', 'k', 'x'));
    await turn();
    expect(transport.channel.sent.map(({ exchange }) => exchange)).to.deep.equal(['unsaid', 'new']);
  });

  it('gives up what it looks for when it is closed', async () => {
    const { publisher, transport, clock } = start();
    transport.exchanges = undefined;
    Object.defineProperty(transport, 'lookForExchange', { value: () => new Promise(() => {}) });
    const publishing = watch(publisher.publish('orders', 'k', 'x'));
    await turn();
    void publisher.close({ timeout: 1 });
    await clock.advance(2_000);
    expect(publishing.error).to.include({ fate: 'not-sent' });
    expect(publisher.stats.held).to.equal(0);
  });

  it('asks for no return of what a delayed exchange holds back, and for one of what it routes at once', async () => {
    const { publisher, transport } = start('later', 'orders');
    Object.defineProperty(transport, 'delays', { value: (exchange: string) => exchange === 'later' });
    watch(publisher.publish('later', 'k', 'held back', { headers: { 'x-delay': 5_000 } }));
    watch(publisher.publish('later', 'k', 'at once'));
    watch(publisher.publish('orders', 'k', 'elsewhere', { headers: { 'x-delay': 5_000 } }));
    await turn();
    const mandatory = transport.channel.sent.map(({ body, mandatory: asked }) => [body.toString(), asked]);
    expect(new Map(mandatory as [string, boolean][])).to.deep.equal(
      new Map([
        ['held back', false],
        ['at once', true],
        ['elsewhere', true],
      ]),
    );
  });
});

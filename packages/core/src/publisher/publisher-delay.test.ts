import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ConfigurationError } from '../errors/configuration-error.js';
import type { Publication } from '../message/message.js';
import type { DelayedPublishes } from './delayed-publishes.js';
import { failureOf, setUp, turn, watch } from './fake-publish-transport.support.test.js';
import { PublishError } from './publish-error.js';

/** A publisher, and what takes its messages to where they wait. */
function withDelays(after?: DelayedPublishes['after']) {
  const asked: [text: string, delayMs: number][] = [];
  const delayed = {
    after: async (publication: Publication, delayMs: number) => {
      asked.push([publication.body.toString(), delayMs]);
      return after?.(publication, delayMs) ?? { ...publication, exchange: 'where it waits' };
    },
  } as DelayedPublishes;
  return { ...setUp({}, { delayed }), asked };
}

describe('a publish that is to be delivered later', () => {
  it('goes to where it waits, and resolves when the broker has it there', async () => {
    const { publisher, transport, asked } = withDelays();
    const publishing = watch(publisher.publish('orders', 'remind', 'a', { delay: '5s', headers: { tenant: 't' } }));
    await turn();
    expect(asked).to.deep.equal([['a', 5000]]);
    const [sent] = transport.channel.sent;
    expect(sent).to.include({ exchange: 'where it waits', routingKey: 'remind' });
    expect(sent?.headers).to.include({ tenant: 't' });
    expect(publishing.settlements).to.equal(0);
    transport.channel.ack();
    await turn();
    expect(publishing).to.include({ settlements: 1, error: undefined });
  });

  it('waits until its date by the clock on the wall', async () => {
    const { publisher, clock, asked } = withDelays();
    watch(publisher.sendToQueue('orders', 'a', { deliverAt: new Date(clock.now() + 7000) }));
    await turn();
    expect(asked).to.deep.equal([['a', 7000]]);
  });

  it('is sent at once without a wait, or behind its date', async () => {
    const { publisher, transport, clock, asked } = withDelays();
    for (const options of [{ delay: 0 }, { deliverAt: new Date(clock.now() - 1) }, { delay: undefined }]) {
      watch(publisher.publish('orders', 'remind', 'a', options));
    }
    await turn();
    expect(asked).to.deep.equal([]);
    expect(transport.channel.sent.map(({ exchange }) => exchange)).to.deep.equal(['orders', 'orders', 'orders']);
  });

  it('rejects, and sends nothing, when it has nowhere to wait, or when no such wait is possible', async () => {
    const fault = new Error('no such exchange');
    const { publisher, transport } = withDelays(() => Promise.reject(fault));
    expect(await failureOf(publisher.publish('orders', 'remind', 'a', { delay: '5s' }), Error)).to.equal(fault);
    await failureOf(publisher.publish('orders', 'remind', 'a', { delay: '9999d' }), ConfigurationError);
    expect(transport.channels).to.deep.equal([]);
  });

  it('finds out itself what there is where the application has nothing for that', async () => {
    const { publisher, transport } = setUp();
    transport.exchanges = new Set();
    const error = await failureOf(
      publisher.publish('orders', 'remind', 'a', { delay: '5s' }),
      PublishError,
      'LEV_PUBLISH_EXCHANGE_MISSING',
    );
    expect(error).to.include({ fate: 'not-sent', attempts: 0 });
    expect(transport.looks).to.deep.equal(['orders']);
  });

  it('is no request: that is sent at once', async () => {
    const { publisher, transport } = withDelays();
    for (const options of [{ delay: '5s' }, { deliverAt: new Date() }]) {
      const error = await failureOf(publisher.request('orders', 'price', 'a', options as object), ConfigurationError);
      expect(error.message).to.contain('a request is sent at once');
    }
    expect(transport.channels).to.deep.equal([]);
  });
});

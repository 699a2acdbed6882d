import { AmqplibTransport, BrokerSession, publishOn } from '@leveret/amqplib';
import { Broker } from '@leveret/broker';
import { systemClock } from '@leveret/core';
import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { HarnessError } from '../errors/harness-error.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { RealSide } from './real-side.js';

describe('the side of a broker somewhere else', () => {
  let broker: Broker;
  let side: RealSide;
  let session: BrokerSession;

  before(async () => {
    broker = await Broker.start();
  });
  after(() => broker?.close());
  beforeEach(async () => {
    side = await RealSide.start(broker.url, undefined);
    session = await BrokerSession.open({ urls: broker.url });
  });
  afterEach(async () => {
    await session?.close();
    await side?.close();
  });

  it('is used by its URL, in its own time, and tells nothing of itself', () => {
    expect(side).to.include({ kind: 'real', url: broker.url, management: undefined, clock: systemClock });
    expect([side.facts(), side.step(), side.quietMs]).to.deep.equal([undefined, false, 150]);
  });

  it('reads what is in a queue, in order, and gives it back', async () => {
    await session.declareQueue('read');
    const channel = await session.openPublishChannel();
    for (const body of ['1', '2', '3']) {
      await publishOn(channel, {
        ...{ exchange: '', routingKey: 'read', body: Buffer.from(body), mandatory: true },
        ...{ properties: { contentType: 'application/json' }, headers: {} },
      });
    }
    const bodies = async () => (await side.messages('read')).map(({ body }) => body.toString());
    expect(await bodies()).to.deep.equal(['1', '2', '3']);
    expect(await session.queue('read')).to.deep.equal({ messages: 3, consumers: 0 });
    expect(await bodies()).to.deep.equal(['1', '2', '3']);
    await session.deleteQueue('read');
  });

  it('reads nothing of an empty queue, and says which is not there', async () => {
    await session.declareQueue('empty');
    expect(await side.messages('empty')).to.deep.equal([]);
    const error = (await rejectionOf(side.messages('missing'))) as Error;
    expect(error).to.be.instanceOf(HarnessError);
    expect(error.message).to.match(/^expected to read queue "missing": /);
    expect(error.cause).to.include({ code: 'LEV_QUEUE_MISSING' });
    await session.deleteQueue('empty');
  });

  it('leaves no connection behind when it has read', async () => {
    await session.declareQueue('empty');
    const closed: unknown[] = [];
    const close = AmqplibTransport.prototype.close;
    AmqplibTransport.prototype.close = async function (options) {
      await close.call(this, options);
      closed.push(...this.health().map(({ state }) => state));
    };
    try {
      await side.messages('empty');
    } finally {
      AmqplibTransport.prototype.close = close;
    }
    expect(closed).to.deep.equal(['closed', 'closed']);
    await session.deleteQueue('empty');
  });

  it('waits until a moment, and for no test that is not worth it', async () => {
    const before = performance.now();
    await side.pass(systemClock.monotonic() - 1_000);
    await side.pass(systemClock.monotonic() + 20);
    expect(performance.now() - before).to.be.at.least(19);
    expect(() => side.checkAdvance(5_000)).to.not.throw();
    expect(() => side.checkAdvance(5_001)).to.throw(
      HarnessError,
      /expected to advance by at most 5000 ms, received 5001 ms: on a real broker time has to pass/,
    );
  });
});

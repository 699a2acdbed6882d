import type { PublishOutcome } from '@leveret/core';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { parkedMessages } from '../parked/parked-message.js';
import { ABroker } from '../test-support/a-broker.js';
import { aMessage } from '../test-support/a-message.js';
import { HandClock } from '../test-support/hand-clock.js';
import { parkedCopy, readStaged, stagedFacts } from './copies.js';
import { type ForwardOptions, forward, stage, stagedMessages, stagingQueueOf } from './staging.js';

const STAGING = 'leveret.retrying.q';
const TARGET = { exchange: '', routingKey: 'orders' };
const NACK: PublishOutcome = { kind: 'nack', returned: undefined };
const ACK: PublishOutcome = { kind: 'ack', returned: undefined };

describe('stage', () => {
  let clock: HandClock;
  let broker: ABroker;
  let done: string[];
  beforeEach(() => {
    clock = new HandClock();
    broker = new ABroker(clock);
    done = [];
  });
  const staging = (...ids: string[]) => {
    const parked = parkedMessages(
      'q',
      ids.map((messageId) => aMessage({ messageId })),
    );
    const messages = parked.map((each) => ({
      inHand: { parked: each, done: () => done.push(each.message.messageId ?? '') > 0 },
      target: TARGET,
    }));
    return { keys: parked.map(({ key }) => key), work: clock.through(stage(broker.session, 'q', messages)) };
  };

  it('copies each, with where it is to go, and is done with it once that is confirmed', async () => {
    const { keys, work } = staging('m1', 'm2');
    await work;
    expect(broker.log).to.deep.equal([`declare ${STAGING} {}`, 'close writer']);
    expect(broker.published.map(({ routingKey }) => routingKey)).to.deep.equal([STAGING, STAGING]);
    expect(broker.published.map(({ headers }) => readStaged(aMessage({ headers })))).to.deep.equal(
      keys.map((key) => ({ target: TARGET, key })),
    );
    expect(done).to.deep.equal(['m1', 'm2']);
  });

  it('declares nothing twice, and nothing for no message', async () => {
    await staging().work;
    expect(broker.log).to.deep.equal([]);
    broker.others.add(STAGING);
    await staging('m1').work;
    expect(broker.log).to.deep.equal(['close writer']);
    expect(stagingQueueOf('q')).to.equal(STAGING);
  });

  it('is not done with what is not confirmed', async () => {
    broker.confirm = ({ properties }) => (properties.messageId === 'm2' ? NACK : ACK);
    const error = await staging('m1', 'm2').work.catch((thrown: unknown) => thrown);
    expect(error).to.include({ code: 'LEV_PUBLISH_NACKED' });
    expect([done, broker.log.at(-1)]).to.deep.equal([['m1'], 'close writer']);
  });
});

describe('forward', () => {
  let clock: HandClock;
  let broker: ABroker;
  let sent: string[];
  beforeEach(() => {
    clock = new HandClock();
    broker = new ABroker(clock, 0, STAGING);
    sent = [];
    broker.ready = ['m1', 'm2', 'm3'].map((messageId) => {
      const { headers } = parkedCopy(
        aMessage({ messageId }),
        STAGING,
        undefined,
        stagedFacts(TARGET, `key of ${messageId}`),
      );
      return aMessage({ messageId, headers });
    });
  });
  const forwarding = (options: ForwardOptions = {}) =>
    clock.through(forward(broker.session, 'q', { onSent: (key) => sent.push(key), ...options }));
  const places = () => broker.published.map(({ routingKey, properties }) => `${properties.messageId} to ${routingKey}`);
  const closed = () => broker.log.filter((line) => line === 'close writer').length;

  it('sends each to where it is to go, and takes the staging queue away', async () => {
    expect(await stagedMessages(broker.session, 'q')).to.equal(3);
    expect(await forwarding({ further: { own: 1 } })).to.deep.equal({ sent: 3, putBack: 0, failure: undefined });
    expect(places()).to.deep.equal(['m1 to orders', 'm2 to orders', 'm3 to orders']);
    expect(sent).to.deep.equal(['key of m1', 'key of m2', 'key of m3']);
    expect(broker.published[0]?.headers).to.deep.equal({ 'x-leveret-retry-of': 'key of m1', own: 1 });
    expect([broker.ids, closed()]).to.deep.equal([[], 2]);
    expect(broker.log).to.include(`delete ${STAGING}`);
  });

  it('does nothing where nothing is staged', async () => {
    broker.isThere = false;
    expect(await forwarding()).to.deep.equal({ sent: 0, putBack: 0, failure: undefined });
    expect([broker.log, await stagedMessages(broker.session, 'q')]).to.deep.equal([[], 0]);
  });

  it('puts back what is refused and all behind it, and says why', async () => {
    broker.confirm = ({ properties, routingKey }) =>
      properties.messageId === 'm2' && routingKey === 'orders' ? NACK : ACK;
    const report = await forwarding({ rate: 10 });
    expect(report).to.include({ sent: 1, putBack: 2 });
    expect(report.failure).to.include({ code: 'LEV_PUBLISH_NACKED' });
    expect(places()).to.have.members(['m1 to orders', 'm2 to q', 'm3 to q']);
    expect([broker.ids, closed()]).to.deep.equal([[], 2]);
  });

  it('keeps to the rate', async () => {
    await forwarding({ rate: 2 });
    expect(clock.ms).to.be.within(1_000, 1_100);
  });

  it('puts back what is not sent when it is told to stop, and what nobody has staged', async () => {
    broker.ready.push(aMessage({ messageId: 'stray' }));
    const stopping = new AbortController();
    const onSent = () => stopping.abort();
    const report = await forwarding({ rate: 1, signal: stopping.signal, onSent });
    expect(report).to.deep.equal({ sent: 1, putBack: 3, failure: undefined });
    expect(places()).to.have.members(['m1 to orders', 'm2 to q', 'm3 to q', 'stray to q']);
  });

  it('leaves staged what could not even be put back, and says where it waits', async () => {
    broker.confirm = () => NACK;
    const error = (await forwarding().catch((thrown: unknown) => thrown)) as Error;
    expect(error).to.include({ code: 'LEV_OPERATION_INTERRUPTED' });
    expect(error.message).to.contain(`The others wait in "${STAGING}", and go on with the next retry of this queue.`);
    expect(broker.ids).to.have.members(['m1', 'm2', 'm3']);
    expect(closed()).to.equal(2);
    expect(broker.log).to.not.include(`delete ${STAGING}`);
  });
});

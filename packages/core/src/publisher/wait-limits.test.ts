import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import { FakeChannel } from './fake-publish-transport.support.test.js';
import type { ResolvedPublisherOptions } from './publisher-options.js';
import { WaitLimits } from './wait-limits.js';

const OPTIONS = { blockedTimeoutMs: 1000, connectionTimeoutMs: 200, confirmTimeoutMs: 50 } as ResolvedPublisherOptions;

function setUp() {
  const broker = { blocks: false };
  return { broker, limits: new WaitLimits(OPTIONS, () => broker.blocks) };
}

describe('WaitLimits', () => {
  it('knows no end for what nothing holds back', () => {
    const { limits } = setUp();
    expect([limits.queueDeadline(7), limits.confirmDeadline(7)]).to.deep.equal([Number.POSITIVE_INFINITY, 57]);
    expect(limits.isCongested).to.equal(false);
  });

  it('counts from when the broker began to block, or from when it was queued, and confirms again from its end on', () => {
    const { broker, limits } = setUp();
    expect(limits.isBlocked(5)).to.equal(false);
    expect(limits.confirmDeadline(0)).to.equal(50);
    broker.blocks = true;
    expect([limits.isBlocked(100), limits.isBlocked(300)]).to.deep.equal([true, true]);
    expect([40, 100, 250].map((since) => limits.queueDeadline(since))).to.deep.equal([1100, 1100, 1250]);
    expect([40, 2000].map((sentAt) => limits.confirmDeadline(sentAt))).to.deep.equal([1100, 2050]);
    expect(limits.failure()).to.deep.include({ kind: 'blocked' });
    expect(limits.failure().error.message).to.equal('the broker blocked publishing for 1000 ms (resource alarm)');
    broker.blocks = false;
    expect(limits.isBlocked(400)).to.equal(false);
    expect(limits.isBlocked(600)).to.equal(false);
    expect([40, 400, 450].map((sentAt) => limits.confirmDeadline(sentAt))).to.deep.equal([450, 450, 500]);
    expect(limits.queueDeadline(7)).to.equal(Number.POSITIVE_INFINITY);
    broker.blocks = true;
    limits.isBlocked(900);
    expect(limits.queueDeadline(0)).to.equal(1900);
  });

  it('counts from when the socket was full, until the channel has room', async () => {
    const { limits } = setUp();
    const channel = new FakeChannel();
    let wentOn = 0;
    limits.waitForDrain(channel, 100, () => wentOn++);
    expect([limits.isCongested, limits.queueDeadline(40), limits.queueDeadline(150)]).to.deep.equal([true, 300, 350]);
    expect(limits.failure()).to.deep.include({ kind: 'not-connected' });
    expect(limits.failure().error.message).to.match(/took no data for 200 ms/);
    channel.drain();
    await turn();
    expect([limits.isCongested, wentOn]).to.deep.equal([false, 1]);
  });

  it('leaves the full buffer of another channel alone', async () => {
    const { limits } = setUp();
    const [old, current] = [new FakeChannel(), new FakeChannel()];
    let wentOn = 0;
    limits.waitForDrain(old, 100, () => wentOn++);
    limits.waitForDrain(current, 120, () => wentOn++);
    old.drain();
    await turn();
    expect([limits.isCongested, wentOn]).to.deep.equal([true, 1]);
    limits.endCongestion();
    expect(limits.isCongested).to.equal(false);
    current.drain();
    await turn();
    expect(wentOn).to.equal(2);
  });

  it('counts from when the only destination fell silent', () => {
    const { limits } = setUp();
    limits.expectConfirms(100);
    expect([40, 130].map((since) => limits.queueDeadline(since))).to.deep.equal([150, 180]);
    expect(limits.failure()).to.deep.include({ kind: 'confirm-timeout', sent: false, stuck: true });
    expect(limits.failure().error.message).to.match(/nothing to its exchange and key was confirmed in 50 ms/);
  });
});

import { expect } from 'chai';
import { describe, it } from 'mocha';
import { LeveretError } from '../errors/leveret-error.js';
import { aDelivery } from '../transport/delivery.support.test.js';
import type { DeliveryNews } from './delivery-news.js';
import { DeliveryReporter } from './delivery-reporter.js';
import { zeroCounts } from './listener-counters.js';
import { ListenerHarness } from './listener-harness.support.test.js';
import { OUTCOME_TO } from './tell-outcome.js';

const error = new Error('broken');
const news: readonly [DeliveryNews, string, string | undefined][] = [
  [{ type: 'failed', error, attempt: 2 }, 'failed', 'warn'],
  [{ type: 'retried', error, attempt: 2, delayMs: 5 }, 'retried', 'info'],
  [{ type: 'invalid', error }, 'invalid', 'error'],
  [{ type: 'recovered', error, reason: 'exhausted', outcome: 'ack' }, 'recovered', 'warn'],
  [{ type: 'recoverer-failed', error }, 'recovererFailed', 'error'],
  [{ type: 'acknowledged', error }, 'acknowledged', 'info'],
  [{ type: 'requeued', error, reason: 'default' }, 'requeued', 'info'],
  [{ type: 'rejected', error, reason: 'default', kept: 'yes' }, 'rejected', 'warn'],
  [{ type: 'rejected', error, reason: 'default', kept: 'unknown' }, 'rejected', 'warn'],
  [{ type: 'redelivery', error, delayMs: 5, redeliveries: 1, way: 'ladder' }, 'redeliveries', 'info'],
  [{ type: 'redelivery-failed', error }, 'redeliveryFailed', 'error'],
  [{ type: 'skipped', error, reason: 'asked' }, 'skipped', 'error'],
  [{ type: 'put-off' }, 'putOff', 'debug'],
  [{ type: 'throttled', delayMs: 5 }, 'throttled', undefined],
  [{ type: 'crash-loop', crashes: 3, error }, 'crashLoops', 'error'],
  [{ type: 'crash-loop-unknown', error }, 'crashLoopsUnknown', 'error'],
  [{ type: 'not-remembered', key: 'm-1', error }, 'notRemembered', 'error'],
  [{ type: 'settled-late', outcome: 'ack' }, 'settledLate', 'error'],
  [{ type: 'retryable-failed', error, about: 1 }, 'retryableFailed', 'error'],
  [{ type: 'undecided', error }, 'undecided', 'error'],
  [{ type: 'taken-back' }, 'takenBack', 'warn'],
  [{ type: 'dropped', error, reason: 'default' }, 'dropped', 'error'],
  [{ type: 'given-back', reason: 'stopping' }, 'givenBack', 'debug'],
  [{ type: 'duplicate', key: 'm-1' }, 'duplicates', 'info'],
  [{ type: 'in-progress', key: 'm-1', retryAfterMs: 5 }, 'inProgress', 'info'],
  [{ type: 'idempotency-failed', key: 'm-1', error }, 'idempotencyFailed', 'error'],
  [{ type: 'claim-lost', key: 'm-1' }, 'claimsLost', 'error'],
  [{ type: 'channel-gone' }, 'channelGone', 'warn'],
  [{ type: 'abandoned' }, 'abandoned', 'error'],
  [{ type: 'settle-conflict', error }, 'settleConflicts', 'error'],
  [{ type: 'left-unsettled', error }, 'leftUnsettled', 'error'],
  [{ type: 'reply-dropped', error }, 'repliesDropped', 'error'],
  [{ type: 'replied', exchange: '', routingKey: 'r' }, 'replied', undefined],
  [{ type: 'received' }, 'received', undefined],
  [{ type: 'handled', durationMs: 1, attempts: 1 }, 'handled', undefined],
];

describe('DeliveryReporter', () => {
  it('tells of a message that circles at growing distances, counts all, and says what ends it', async () => {
    const harness = new ListenerHarness();
    const failures = (messageId: string) => {
      const delivery = aDelivery({ of: { messageId, redelivered: true } });
      harness.env.reporter.report(delivery, { type: 'failed', error, attempt: 1 });
      harness.env.reporter.report(delivery, { type: 'requeued', error, reason: 'default' });
    };
    for (let times = 0; times < 50; times++) {
      failures('m-1');
      await harness.clock.advance(200);
    }
    const told = () => harness.logger.lines.filter(({ level }) => level !== 'debug').map(({ text }) => text);
    expect(told()).to.deep.equal(['handler failed', 'message requeued', 'handler failed', 'message requeued']);
    expect(harness.counted).to.deep.equal({ failed: 50, requeued: 50 });
    const again = harness.logger.lines.filter(({ fields }) => 'hint' in fields);
    expect(again.map(({ fields }) => fields['moreAlike'])).to.deep.equal([24, 24]);
    failures('m-2');
    expect(told()).to.have.length(6);
    // Further attempts of one delivery have pauses between them.
    for (const attempt of [2, 3, 4])
      harness.env.reporter.report(aDelivery({ of: { messageId: 'm-1', redelivered: true } }), {
        type: 'failed',
        error,
        attempt,
      });
    expect(told()).to.have.length(9);
  });

  for (const [item, counter, level] of news) {
    it(`counts ${item.type}, tells subscribers, and ${level === undefined ? 'keeps the log quiet' : `logs at ${level}`}`, () => {
      const harness = new ListenerHarness();
      const delivery = aDelivery({ of: { messageId: 'm-1' } });
      harness.env.reporter.report(delivery, item);
      expect(harness.counted).to.deep.equal({ [counter]: 1 });
      expect(harness.happened).to.deep.equal([
        { ...item, listenerId: 'Orders.onPaid', queue: 'orders', message: delivery.message },
      ]);
      // The beginning of a body that cannot be read follows, at debug.
      const further = item.type === 'invalid' ? ['debug'] : [];
      expect(harness.logger.lines.map((line) => line.level)).to.deep.equal(
        level === undefined ? [] : [level, ...further],
      );
      const { type: _type, ...facts } = { error: undefined, ...item };
      const { error: err, ...others } = facts;
      if (level === undefined) return;
      expect(harness.logger.lines[0]?.fields).to.deep.equal({
        listener: 'Orders.onPaid',
        queue: 'orders',
        messageId: 'm-1',
        deliveryTag: 1,
        ...others,
        ...(err === undefined ? {} : { err }),
      });
    });
  }

  it('counts every kind of news of a delivery, each on its own, from 0', () => {
    const counted = new Set(news.map(([, counter]) => counter));
    expect([...counted].sort()).to.deep.equal(Object.keys(zeroCounts()).sort());
    expect(new Set(news.map(([{ type }]) => type)).size).to.equal(counted.size);
    expect(Object.values(zeroCounts()).every((count) => count === 0)).to.equal(true);
  });

  it('says of a rejected message whether it is kept, as far as that is known', () => {
    const harness = new ListenerHarness();
    for (const kept of ['yes', 'unknown'] as const) {
      harness.env.reporter.report(aDelivery(), { type: 'rejected', error, reason: 'asked', kept });
    }
    expect(harness.logger.said[0]).to.equal('warn: message rejected to the dead letter exchange');
    expect(harness.logger.said[1]).to.contain('it is not known here whether its queue has a dead letter exchange');
  });

  describe('where nobody listens', () => {
    function setUp() {
      const told: unknown[] = [];
      const { clock, counts, logger } = new ListenerHarness();
      const events = { idle: true, emit: () => expect.fail('emitted to nobody') };
      const outcomes = { tell: (_: unknown, item: DeliveryNews) => void told.push(item) };
      return { clock, counts, told, reporter: new DeliveryReporter('L.on', counts, events, logger, clock, outcomes) };
    }

    it('counts all the same, and emits nothing', () => {
      const { counts, reporter, told } = setUp();
      reporter.received(aDelivery());
      reporter.handled(aDelivery(), 0, 1);
      reporter.report(aDelivery(), { type: 'requeued', error, reason: 'default' });
      expect(counts).to.include({ received: 1, handled: 1, requeued: 1 });
      expect(told).to.deep.equal([]);
    });

    it('tells the outcome to who sent the message back', async () => {
      const { clock, reporter, told } = setUp();
      const asked = aDelivery({ of: { headers: { [OUTCOME_TO]: 'leveret.outcome.1' } } });
      const startedAt = clock.monotonic();
      await clock.advance(250);
      reporter.handled(asked, startedAt, 2);
      reporter.report(asked, { type: 'put-off' });
      expect(told).to.deep.equal([{ type: 'handled', durationMs: 250, attempts: 2 }, { type: 'put-off' }]);
    });
  });

  it('tells of a message that was handled how long that took', async () => {
    const harness = new ListenerHarness();
    const startedAt = harness.clock.monotonic();
    await harness.clock.advance(40);
    harness.env.reporter.received(aDelivery());
    harness.env.reporter.handled(aDelivery(), startedAt, 3);
    expect(harness.types).to.deep.equal(['received', 'handled']);
    expect(harness.event('handled')).to.include({ durationMs: 40, attempts: 3, listenerId: 'Orders.onPaid' });
  });

  it('shows no body where there is none', () => {
    const harness = new ListenerHarness();
    harness.env.reporter.report(aDelivery({ of: { body: Buffer.alloc(0) } }), { type: 'invalid', error });
    expect(harness.logger.lines).to.have.length(1);
  });

  it('shows the beginning of a body that cannot be read at debug, and nowhere else', () => {
    const harness = new ListenerHarness();
    const delivery = aDelivery({ of: { body: Buffer.from(`\u001b[2J\n${'secret'.repeat(100)}`) } });
    harness.env.reporter.report(delivery, { type: 'invalid', error });
    const [first, second] = harness.logger.lines;
    expect(first?.fields).not.to.have.property('body');
    expect(second?.level).to.equal('debug');
    expect(second?.fields['body'])
      .to.match(/^\\u001b\[2J\\n(secret)+/)
      .and.has.length.below(220);
  });

  it('logs replies that nobody gets once for each cause, and counts them all', () => {
    const harness = new ListenerHarness();
    for (let i = 0; i < 50; i++) {
      for (const code of ['LEV_PUBLISH_UNROUTABLE', 'LEV_REPLY_NOT_ALLOWED'] as const) {
        harness.env.reporter.report(aDelivery(), { type: 'reply-dropped', error: new LeveretError(code, `${i}`) });
      }
    }
    expect(harness.logger.lines).to.have.length(2);
    expect(harness.counted).to.deep.equal({ repliesDropped: 100 });
    expect(harness.happened).to.have.length(100);
  });
});

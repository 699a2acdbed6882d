import { expect } from 'chai';
import { describe, it } from 'mocha';
import { LeveretError } from '../errors/leveret-error.js';
import { aDelivery } from '../transport/delivery.support.test.js';
import type { DeliveryNews } from './delivery-news.js';
import { ListenerHarness } from './listener-harness.support.test.js';

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

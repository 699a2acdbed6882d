import type { QueueSample } from '@leveret/operations';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { topLines } from './top-lines.js';

const queue = (more: Partial<QueueSample>): QueueSample => ({
  ...{ name: 'orders', type: 'quorum', ready: 1200, unacked: 3, consumers: 2, growth: 12.34, isErrorQueue: false },
  ...{ publishRate: 20.26, deliverRate: 7, ackRate: 0, listeners: ['Orders.onPaid', 'Orders.onVoid'] },
  ...more,
});

describe('topLines', () => {
  it('is a table, with what needs a person marked', () => {
    const dlq = queue({ name: 'orders.dlq', isErrorQueue: true, ready: 5, growth: -1, listeners: [] });
    const lines = topLines({ at: 0, source: 'management', queues: [queue({}), dlq], missing: ['gone'] });
    expect(lines).to.eql([
      '1970-01-01 00:00:00Z  2 queues, 1 growing, 5 failed messages parked',
      '',
      'QUEUE         TYPE    READY      UNACKED  CONSUMERS  IN/s  OUT/s  ACK/s  GROWTH/s  LISTENERS',
      'orders        quorum  1200       3        2          20.3  7      0      +12.3     Orders.onPaid Orders.onVoid',
      '! orders.dlq  quorum  5          3        2          20.3  7      0      -1',
      'gone                  not there',
    ]);
  });

  it('says what is not known, and lets no name move the cursor', () => {
    const unknown = { type: undefined, unacked: undefined, publishRate: undefined, deliverRate: undefined };
    const queues = [queue({ ...unknown, name: 'a\u001b[2J', ackRate: undefined, growth: undefined, listeners: [] })];
    const lines = topLines({ at: 0, source: 'amqp', queues, missing: [] });
    expect(lines[0]).to.include('no management API');
    expect(lines.join()).not.to.include('\u001b');
    expect(lines[3]).to.match(/1200 +- +2 +- +- +- +-$/);
  });
});

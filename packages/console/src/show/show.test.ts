import type { ParkedMessage } from '@leveret/operations';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { MaskPaths } from '../mask/mask-paths.js';
import { aMessage } from '../test-support/a-message.js';
import { scaleOf, showErrors } from './show-groups.js';
import { messageJson } from './show-message.js';
import { plannedTopology, showTopology } from './show-topology.js';
import { timelineOf } from './timeline.js';

const mask = { paths: new MaskPaths([]), showUnreadable: false };

function parked(
  id: number,
  failure: Partial<ParkedMessage['failure']> = {},
  message = aMessage({ messageId: String(id) }),
): ParkedMessage {
  const nothing = {
    ...{
      listener: undefined,
      service: undefined,
      queue: 'work',
      exchange: '',
      routingKey: 'work',
      reason: 'exhausted',
    },
    ...{ errorName: 'Error', errorMessage: 'no', stack: undefined, attempts: 3, redeliveries: undefined },
    ...{ firstFailedAt: undefined, lastFailedAt: undefined, deaths: [] },
  };
  return {
    ...{ key: `key${id}`, queue: 'errors', position: id, message },
    failure: { source: 'leveret', fingerprint: 'f', ...nothing, ...failure },
  };
}

describe('scaleOf', () => {
  const at = (...times: number[]) => scaleOf(times.map((lastFailedAt) => parked(1, { lastFailedAt })));

  it('has round steps, and not more bars than can be told apart', () => {
    expect(at(1_000_500)).to.eql({ from: 1_000_000, stepMs: 1000, bars: 1 });
    expect(at(1_000_000, 1_010_000)).to.eql({ from: 1_000_000, stepMs: 1000, bars: 11 });
    expect(at(1_000_000, 1_000_000 + 3_600_000)).to.deep.include({ stepMs: 300_000 });
    for (const span of [0, 46_000, 47_000, 48_000, 10 ** 6, 10 ** 7, 10 ** 8, 10 ** 9, 10 ** 12]) {
      const { bars, from, stepMs } = at(10 ** 12, 10 ** 12 + span) ?? { bars: 0, from: 0, stepMs: 0 };
      expect(bars, String(span)).to.be.within(1, 48);
      expect(from + bars * stepMs).to.be.above(10 ** 12 + span);
    }
  });

  it('counts what is a month older to the first bar, and nothing without a time', () => {
    expect(scaleOf([parked(1)])).to.equal(undefined);
    const { groups } = showErrors(
      [look([parked(1, { lastFailedAt: 0 }), parked(2, { lastFailedAt: 10 ** 12 }), parked(3)])],
      mask,
    );
    const [group] = groups;
    expect(group?.histogram.counts.at(0)).to.equal(1);
    expect(group?.histogram.counts.reduce((sum, count) => sum + count, 0)).to.equal(2);
  });
});

function look(messages: readonly ParkedMessage[]) {
  const looked = { name: 'errors', messages: messages.length, isComplete: true, otherConsumers: 0, staged: 0 };
  return { queue: 'errors', lookedAt: 5, looked, messages, fault: undefined };
}

describe('showErrors', () => {
  it('shows a queue that could not be looked at beside the others', () => {
    const fault = { code: 'LEV_QUEUE_MISSING', message: 'gone' };
    const { queues, groups, lookedAt } = showErrors(
      [look([parked(1)]), { queue: 'gone', lookedAt: 3, looked: undefined, messages: [], fault }],
      mask,
    );
    expect(lookedAt).to.equal(3);
    expect(groups).to.have.length(1);
    expect(queues[1]).to.deep.include({ name: 'gone', messages: 0, complete: false, fault });
  });
});

describe('many groups', () => {
  it('are shown as the largest of them, in a time that a stranger does not choose', () => {
    const messages = Array.from({ length: 20_000 }, (_, id) =>
      parked(id, { fingerprint: `f${id}`, lastFailedAt: id * 1000 }),
    );
    const { groups, moreGroups } = showErrors([look([...messages, parked(0, { fingerprint: 'f7' })])], mask);
    expect(groups).to.have.length(500);
    expect(moreGroups).to.equal(19_500);
    expect(groups[0]).to.include({ id: 'f7', count: 2 });
  });
});

describe('timelineOf', () => {
  it('tells what a message has been through, in its order', () => {
    const death = { queue: 'wait', reason: 'expired', exchange: 'orders', routingKeys: ['k'], count: 2, at: 5000 };
    const message = aMessage({ timestamp: 1, headers: { 'x-leveret-edit-of': 'old', 'x-leveret-retry-of': 'key' } });
    const failure = {
      firstFailedAt: 3000,
      lastFailedAt: 9000,
      redeliveries: 2,
      deaths: [death],
      listener: 'L',
      exchange: 'orders',
    };
    expect(timelineOf(parked(1, failure, message))).to.eql([
      { at: 1000, what: 'published', where: 'orders', detail: 'work' },
      { what: 'edited', detail: 'of old' },
      { what: 'retried', detail: 'parked before as key' },
      { at: 3000, what: 'attempts', where: 'work', detail: '3 calls of L' },
      { what: 'redelivered', where: 'work', detail: '2 times after a wait at the broker' },
      { at: 5000, what: 'dead-lettered', where: 'wait', detail: 'expired, 2 times' },
      { at: 9000, what: 'parked', where: 'errors', detail: 'exhausted' },
    ]);
  });

  it('says little of a message that says nothing', () => {
    const failure = { exchange: undefined, attempts: undefined, reason: undefined };
    expect(timelineOf(parked(1, failure))).to.eql([
      { at: undefined, what: 'parked', where: 'errors', detail: undefined },
    ]);
  });
});

describe('messageJson', () => {
  it('says where it goes, or why nowhere', () => {
    const message = parked(1);
    const target = { exchange: '', routingKey: 'work' };
    expect(messageJson(message, { planned: [{ message, target }], faults: [] }, mask)).to.deep.include({
      target,
      noTarget: undefined,
    });
    const none = messageJson(message, { planned: [{ message, target }], faults: ['gone'] }, mask);
    expect(none).to.deep.include({ target: undefined, noTarget: 'gone' });
  });

  it('has no values of what is masked, wherever they are repeated', () => {
    const body = Buffer.from('{"pin":"secret-pin"}');
    const headers = { 'x-exception-message': 'pin secret-pin is wrong', 'x-exception-stacktrace': 'Error: secret-pin' };
    const failure = { errorMessage: 'pin secret-pin is wrong', stack: 'Error: secret-pin\n at x', reason: 'exhausted' };
    const message = parked(1, failure, aMessage({ body, headers, messageId: 'id-secret-pin' }));
    const json = JSON.stringify(
      messageJson(message, { planned: [], faults: [] }, { paths: new MaskPaths(['pin']), showUnreadable: false }),
    );
    expect(json).to.not.include('secret-pin');
    expect(json).to.include('is wrong');
  });
});

describe('showTopology', () => {
  const queue = (name: string, args: Record<string, unknown> = {}, effective: Record<string, unknown> = {}) => ({
    ...{ name, type: 'classic', durable: true, autoDelete: false, exclusive: false, arguments: args },
    ...{ messages: 1, consumers: 0, policy: undefined, effective },
  });
  const exchange = (name: string, type = 'topic', args: Record<string, unknown> = {}) => ({
    ...{ name, type, durable: true, autoDelete: false, internal: false, arguments: args, policy: undefined },
  });

  it('draws dead letters, alternates, bindings and consumers; exchanges that nobody uses are left out', () => {
    const { nodes, edges, truncated } = showTopology(
      {
        exchanges: [
          exchange(''),
          exchange('amq.topic'),
          exchange('x', 'headers', { 'alternate-exchange': 'y' }),
          exchange('y'),
        ],
        queues: [
          queue('a', { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'b' }),
          queue('b', {}, { 'dead-letter-exchange': 'y' }),
          queue('leveret.wait.1000'),
          queue('leveret.retrying.b'),
        ],
        bindings: [
          {
            source: 'x',
            destination: 'a',
            destinationType: 'queue',
            routingKey: '',
            arguments: { 'x-match': 'all', kind: 1 },
          },
          { source: 'y', destination: 'x', destinationType: 'exchange', routingKey: '#', arguments: {} },
          { source: 'gone', destination: 'a', destinationType: 'queue', routingKey: '#', arguments: {} },
        ],
        consumers: [{ tag: 'c', queue: 'a' }],
      },
      undefined,
      new Set(['b']),
    );
    expect(truncated).to.equal(false);
    expect(nodes.map(({ id, role }) => [id, role])).to.eql([
      ['exchange:x', undefined],
      ['exchange:y', undefined],
      ['queue:a', undefined],
      ['queue:b', 'error'],
      ['queue:leveret.wait.1000', 'delay'],
      ['queue:leveret.retrying.b', 'own'],
      ['consumer:a:c', undefined],
    ]);
    expect(edges).to.eql([
      { from: 'queue:a', to: 'queue:b', kind: 'dead-letter', label: '' },
      { from: 'queue:b', to: 'exchange:y', kind: 'dead-letter', label: '' },
      { from: 'queue:a', to: 'consumer:a:c', kind: 'consume', label: '' },
      { from: 'exchange:x', to: 'queue:a', kind: 'binding', label: 'x-match=all, kind=1' },
      { from: 'exchange:y', to: 'exchange:x', kind: 'binding', label: '#' },
      { from: 'exchange:x', to: 'exchange:y', kind: 'alternate', label: 'unroutable' },
    ]);
  });

  it('marks what the application declares', () => {
    const planned = {
      name: 'a',
      declare: 'always',
      type: 'quorum',
      durable: true,
      exclusive: false,
      autoDelete: false,
      lazy: false,
      arguments: {},
    } as const;
    const plan = { service: 's', exchanges: [], queues: [planned], bindings: [], policies: [], listeners: [] };
    const broker = plannedTopology(plan);
    const { nodes } = showTopology({ ...broker, queues: [...broker.queues, queue('other')] }, plan, new Set());
    expect(nodes.map(({ name, declared }) => [name, declared])).to.eql([
      ['a', true],
      ['other', false],
    ]);
  });

  it('ends somewhere', () => {
    const queues = Array.from({ length: 2001 }, (_, index) => queue(`q${index}`));
    const { nodes, truncated } = showTopology(
      { exchanges: [], queues, bindings: [], consumers: [] },
      undefined,
      new Set(),
    );
    expect(nodes).to.have.length(2000);
    expect(truncated).to.equal(true);
  });
});

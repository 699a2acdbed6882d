import { expect } from 'chai';
import { describe, it } from 'mocha';
import { QueueBench } from '../testing/queue-bench.support.test.js';
import { InvalidPolicyError } from './policy.js';

describe('policies', () => {
  it('take effect on queues that are there', () => {
    const bench = new QueueBench();
    bench.queue('dl');
    bench.queue('q');
    bench.vhost.setPolicy('p', {
      pattern: '^q$',
      definition: { 'message-ttl': 100, 'dead-letter-exchange': '', 'dead-letter-routing-key': 'dl' },
    });
    bench.publish('q', 'm');
    bench.clock.advance(100);
    expect(bench.ready('dl')).to.deep.equal(['m']);
    expect(bench.vhost.queue('q')?.policy).to.equal('p');
  });

  it('leave arguments equivalent', () => {
    const bench = new QueueBench();
    const queue = bench.queue('q');
    bench.vhost.setPolicy('p', { pattern: '.*', definition: { 'message-ttl': 100 } });
    expect(bench.queue('q')).to.equal(queue);
  });

  it('join with arguments: the smaller number, the text of the argument', () => {
    const bench = new QueueBench();
    const queue = bench.queue('q', { 'x-message-ttl': 5000, 'x-dead-letter-exchange': 'mine' });
    bench.vhost.setPolicy('p', { pattern: '.*', definition: { 'message-ttl': 100, 'dead-letter-exchange': 'theirs' } });
    const { messageTtlMs, deadLetterExchange } = queue.settings;
    expect([messageTtlMs, deadLetterExchange]).to.deep.equal([100, 'mine']);
  });

  it('replace each other by priority, without merging', () => {
    const bench = new QueueBench();
    const queue = bench.queue('q');
    bench.vhost.setPolicy('low', { pattern: '.*', definition: { 'message-ttl': 100 } });
    bench.vhost.setPolicy('high', { pattern: '.*', definition: { 'max-length': 1 }, priority: 1 });
    expect([queue.settings.messageTtlMs, queue.settings.maxLength]).to.deep.equal([undefined, 1]);
    bench.vhost.deletePolicy('high');
    expect([queue.settings.messageTtlMs, queue.settings.maxLength]).to.deep.equal([100, undefined]);
  });

  it('enforce a length limit at once', () => {
    const bench = new QueueBench();
    bench.queue('q');
    for (const body of ['1', '2', '3']) bench.publish('q', body);
    bench.vhost.setPolicy('p', { pattern: '.*', definition: { 'max-length': 1 } });
    expect(bench.ready('q')).to.deep.equal(['3']);
  });

  it('give exchanges an alternate exchange', () => {
    const bench = new QueueBench();
    bench.vhost.setPolicy('p', {
      pattern: '^amq',
      definition: { 'alternate-exchange': 'ae' },
      'apply-to': 'exchanges',
    });
    expect(bench.vhost.exchange('amq.direct')?.alternate).to.equal('ae');
  });

  it('are refused with the words of RabbitMQ', () => {
    const bench = new QueueBench();
    const set = (pattern: string, definition: Record<string, unknown>) => () =>
      bench.vhost.setPolicy('p', { pattern, definition });
    expect(set('.*', { 'message-ttl': 'x' })).to.throw(
      InvalidPolicyError,
      'Validation failed\n\n<<"x">> is not a valid message TTL\n',
    );
    expect(set('.*', { foo: 1 })).to.throw('Validation failed\n\n[{<<"foo">>,1}] are not recognised policy settings\n');
    expect(set('(', { expires: 5 })).to.throw('pattern should be regular expression but is invalid');
  });
});

import { expect } from 'chai';
import { describe, it } from 'mocha';
import { viewMessage } from '../control/inspection.js';
import { QueueBench } from '../testing/queue-bench.support.test.js';
import { table } from '../testing/raw-client.support.test.js';
import type { BrokerVersion } from '../version/version-profile.js';
import type { DecodedProperties } from '../wire/properties.js';

const VERSIONS: readonly BrokerVersion[] = ['3.10', '4.0', '4.3'];

interface DeathView {
  readonly queue: string;
  readonly reason: string;
  readonly count: number;
}

function deaths(bench: QueueBench, queue: string): DeathView[] {
  const [message] = bench.vhost.queue(queue)?.readyMessages ?? [];
  if (message === undefined) return [];
  return viewMessage(message).headers['x-death'] as unknown as DeathView[];
}

function rejected(version: BrokerVersion, properties: DecodedProperties): ReturnType<typeof viewMessage> {
  const bench = new QueueBench(version);
  bench.queue('dl');
  const queue = bench.queue('src', { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dl' });
  bench.publish('src', 'm', properties);
  const message = queue.get(false);
  if (message !== undefined) queue.discard([message], 'reject');
  const [dead] = bench.vhost.queue('dl')?.readyMessages ?? [];
  if (dead === undefined) throw new Error('nothing was dead-lettered');
  return viewMessage(dead);
}

describe('dead letters', () => {
  it('carry x-death with the keys in the order of the version', () => {
    const properties = { headers: table({ a: 1 }), expiration: '60000', priority: 1, message_id: 'x' };
    const old = rejected('3.10', properties);
    expect(Object.keys(old.headers)).to.deep.equal([
      'a',
      'x-death',
      'x-first-death-exchange',
      'x-first-death-queue',
      'x-first-death-reason',
    ]);
    const entry = {
      count: 1,
      reason: 'rejected',
      queue: 'src',
      time: 1_700_000_000,
      exchange: '',
      'routing-keys': ['src'],
      'original-expiration': '60000',
    };
    expect(old.headers['x-death']).to.deep.equal([entry]);
    expect(Object.keys((old.headers['x-death'] as object[])[0] ?? {})).to.deep.equal(Object.keys(entry));
    const now = rejected('4.3', properties);
    expect(now.headers['x-death']).to.deep.equal([entry]);
    expect(Object.keys((now.headers['x-death'] as object[])[0] ?? {})[0]).to.equal('original-expiration');
    expect(now.headers['x-last-death-reason']).to.equal('rejected');
  });

  it('lose their expiration and keep every other property', () => {
    for (const version of VERSIONS) {
      const { properties, exchange, routingKey } = rejected(version, { expiration: '9', priority: 1, message_id: 'x' });
      expect({ properties, exchange, routingKey }).to.deep.equal({
        properties: { priority: 1, message_id: 'x' },
        exchange: '',
        routingKey: 'dl',
      });
    }
  });

  it('say redelivered from 4.3 on if they were delivered', () => {
    expect(VERSIONS.map((version) => rejected(version, {}).redelivered)).to.deep.equal([false, false, true]);
  });

  it('lose CC with a dead-letter routing key in 3.10 only', () => {
    const headers = table({ CC: ['x'] });
    expect(VERSIONS.map((version) => 'CC' in rejected(version, { headers }).headers)).to.deep.equal([
      false,
      true,
      true,
    ]);
  });

  it('count on from what a client sent back in 3.10, and start again from 4.0 on', () => {
    const headers = table({
      'x-death': [{ count: 4, reason: 'rejected', queue: 'src', exchange: '', 'routing-keys': ['src'] }],
    });
    const counts = VERSIONS.map(
      (version) => (rejected(version, { headers }).headers['x-death'] as { count: number }[])[0],
    );
    expect(counts.map((death) => death?.count)).to.deep.equal([5, 1, 1]);
  });

  it('count the entries that a broker before 3.5 made, one for each death', () => {
    const entry = (queue: string, more = {}): object => ({ reason: 'expired', queue, ...more });
    const headers = table({
      'x-death': [entry('a'), entry('b'), entry('a'), entry('c', { count: 7 }), entry('a'), entry('c')],
    });
    const list = rejected('3.10', { headers }).headers['x-death'] as unknown as DeathView[];
    expect(list.map(({ queue, count }) => `${queue} ${count}`)).to.deep.equal(['src 1', 'c 7', 'b 1', 'a 3']);
  });

  it('count from 1 when a client sent a count that is no number', () => {
    const headers = table({ 'x-death': [{ count: 'many', reason: 'rejected', queue: 'src' }] });
    const [death] = rejected('3.10', { headers }).headers['x-death'] as unknown as DeathView[];
    expect(death?.count).to.equal(1);
  });

  it('replace an x-death that is no list', () => {
    for (const version of VERSIONS) {
      const death = rejected(version, { headers: table({ 'x-death': 'str' }) }).headers['x-death'];
      expect(death).to.have.length(1);
    }
  });

  it('list the deaths of a chain in the order of the version', () => {
    const orders: Readonly<Record<BrokerVersion, string>> = {
      '3.10': 'q5 q3 q1 q2 q4',
      '4.0': 'q5 q4 q3 q2 q1',
      '4.3': 'q5 q4 q3 q2 q1',
    };
    for (const version of VERSIONS) {
      const bench = new QueueBench(version);
      bench.queue('fin');
      for (let i = 1; i <= 5; i++) {
        const next = i === 5 ? 'fin' : `q${i + 1}`;
        bench.queue(`q${i}`, {
          'x-message-ttl': 10,
          'x-dead-letter-exchange': '',
          'x-dead-letter-routing-key': next,
        });
      }
      bench.publish('q1', 'm');
      bench.clock.advance(100);
      expect(
        deaths(bench, 'fin')
          .map(({ queue }) => queue)
          .join(' '),
      ).to.equal(orders[version]);
    }
  });

  it('keep one entry for each queue and reason, the one just touched first', () => {
    const bench = new QueueBench();
    const wait = bench.queue('wait', {
      'x-message-ttl': 100,
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': 'src',
    });
    const queue = bench.queue('src', { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'wait' });
    bench.publish('src', 'm');
    for (let i = 0; i < 2; i++) {
      const message = queue.get(false);
      if (message !== undefined) queue.discard([message], 'reject');
      bench.clock.advance(100);
    }
    expect(wait.readyCount).to.equal(0);
    const seen = deaths(bench, 'src').map(({ queue: name, reason, count }) => `${name} ${reason} ${count}`);
    expect(seen).to.deep.equal(['wait expired 2', 'src rejected 2']);
  });

  it('are dropped in a cycle that nobody rejected in', () => {
    for (const version of VERSIONS) {
      const bench = new QueueBench(version);
      bench.queue('p', { 'x-message-ttl': 50, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'q' });
      bench.queue('q', { 'x-message-ttl': 50, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'p' });
      bench.publish('p', 'm');
      bench.clock.advance(60);
      expect([bench.ready('p').length, bench.ready('q').length]).to.deep.equal([0, 1]);
      bench.clock.advance(300);
      expect([bench.ready('p').length, bench.ready('q').length]).to.deep.equal([0, 0]);
    }
  });

  it('go on for ever in a cycle with a reject in it', () => {
    for (const version of VERSIONS) {
      const bench = new QueueBench(version);
      const queue = bench.queue('q', { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'q' });
      bench.publish('q', 'm');
      for (let i = 0; i < 3; i++) {
        const message = queue.get(false);
        if (message !== undefined) queue.discard([message], 'reject');
      }
      expect(deaths(bench, 'q').map(({ count }) => count)).to.deep.equal([3]);
    }
  });

  it('vanish without an exchange to go to', () => {
    const bench = new QueueBench();
    const queue = bench.queue('q', { 'x-dead-letter-exchange': 'nowhere' });
    bench.publish('q', 'm');
    const message = queue.get(false);
    if (message !== undefined) queue.discard([message], 'reject');
    expect([queue.readyCount, queue.unackedCount]).to.deep.equal([0, 0]);
  });

  it('do not come of purging or deleting', () => {
    const bench = new QueueBench();
    bench.queue('dl');
    const queue = bench.queue('q', { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dl' });
    bench.publish('q', 'm');
    expect(queue.purge()).to.equal(1);
    bench.publish('q', 'm');
    bench.vhost.queues.remove(queue);
    expect(bench.ready('dl')).to.deep.equal([]);
  });
});

import { expect } from 'chai';
import { describe, it } from 'mocha';
import { dueTopology, levelsTopology } from './levels.js';
import { NO_DELAY_MS, rungName, rungTopology } from './rungs.js';
import {
  cameBack,
  named,
  returnExchange,
  returnTopology,
  strandedQueue,
  type WaitingRoom,
  waitingQueue,
  waitingRoom,
} from './waiting-room.js';

const room = waitingRoom(undefined, undefined);
const broker = (product: string, version: string) => ({ product, version, frameMax: 131_072 });

describe('waitingRoom', () => {
  it('is named for its service, where it has a name', () => {
    const prefixes = [undefined, '', 'billing'].map((service) => waitingRoom(service, undefined).prefix);
    expect(prefixes).to.deep.equal(['leveret', 'leveret', 'leveret.billing']);
  });

  it('has quorum queues where they hand on at least once: on RabbitMQ from 3.10 on, and where nothing is known', () => {
    const types = (...brokers: [string, string][]) => brokers.map((each) => waitingRoom('', broker(...each)).type);
    expect(room.type).to.equal('quorum');
    expect(
      types(['RabbitMQ', '3.10.0'], ['RabbitMQ', '3.13.7'], ['RabbitMQ', '4.0.1'], ['RabbitMQ', 'unknown']),
    ).to.deep.equal(Array(4).fill('quorum'));
    expect(types(['RabbitMQ', '3.9.29'], ['LavinMQ', '4.3.0'])).to.deep.equal(Array(2).fill('classic'));
  });
});

describe('the names at the broker', () => {
  it('are these, which operators know, and which another version must find again', () => {
    const billing: WaitingRoom = { prefix: 'leveret.billing', type: 'classic' };
    expect([returnExchange(room), strandedQueue(room), rungName(room, 10_000)]).to.deep.equal([
      'leveret.return',
      'leveret.stranded',
      'leveret.wait.10000',
    ]);
    expect([returnExchange(billing), strandedQueue(billing), rungName(billing, NO_DELAY_MS)]).to.deep.equal([
      'leveret.billing.return',
      'leveret.billing.stranded.classic',
      'leveret.billing.wait.0.classic',
    ]);
    expect(levelsTopology(room, 0).exchanges.map(({ name }) => name)).to.deep.equal([
      'leveret.due',
      'leveret.delay.00',
    ]);
    expect(dueTopology(room, 'pay').bindings).to.deep.include({
      source: 'leveret.due',
      destination: 'leveret.due.pay',
      destinationType: 'queue',
      routingKey: '',
      arguments: { 'x-match': 'all', 'leveret-delay-to': 'pay' },
    });
  });

  it('are told apart from those of others by both ends', () => {
    expect(['leveret.return', 'leveret.billing.return'].map(cameBack)).to.deep.equal([true, true]);
    expect(['return', 'x.return', 'leveret.returns', 'leveret.wait.1'].map(cameBack)).to.deep.equal(
      Array(4).fill(false),
    );
  });

  it('are digests where the broker could not take them: 255 bytes are as many as there may be', () => {
    const fits = 'x'.repeat(255 - 'leveret.'.length);
    expect(named('leveret', fits, 'quorum')).to.equal(`leveret.${fits}`);
    expect(named('leveret', `${fits}x`, 'quorum')).to.match(/^leveret\.sha256\.[0-9a-f]{64}$/);
    expect(named('leveret', 'ü'.repeat(200), 'quorum')).to.match(/^leveret\.sha256\./);
    expect(named('leveret', `${fits}x`, 'quorum')).to.not.equal(named('leveret', `${fits}y`, 'quorum'));
  });
});

describe('the way back to queues', () => {
  it('is an exchange to which nobody publishes, with a queue for what has no queue any more', () => {
    const { exchanges, queues, bindings } = returnTopology(room, ['orders', 'pay']);
    const common = { declare: 'always', durable: true, autoDelete: false };
    expect(exchanges).to.deep.equal([
      { ...common, name: 'leveret.stranded', type: 'fanout', internal: true, arguments: {} },
      {
        ...{ ...common, name: 'leveret.return', type: 'direct', internal: true },
        arguments: { 'alternate-exchange': 'leveret.stranded' },
      },
    ]);
    expect(queues.map(({ name, arguments: args }) => [name, args])).to.deep.equal([
      ['leveret.stranded', { 'x-queue-type': 'quorum' }],
    ]);
    expect(bindings.map((each) => [each.source, each.destination, each.routingKey])).to.deep.equal([
      ['leveret.stranded', 'leveret.stranded', ''],
      ['leveret.return', 'orders', 'orders'],
      ['leveret.return', 'pay', 'pay'],
    ]);
  });
});

describe('the queues of redelivery', () => {
  it('hold every message equally long, and hand it back to its own queue', () => {
    const { exchanges, queues, bindings } = rungTopology(room, [1000, 0]);
    expect(exchanges.map(({ name, type, internal }) => [name, type, internal])).to.deep.equal([
      ['leveret.wait.1000', 'fanout', false],
      ['leveret.wait.0', 'fanout', false],
    ]);
    expect(queues).to.deep.equal([
      waitingQueue(room, 'leveret.wait.1000', 1000, 'leveret.return'),
      waitingQueue(room, 'leveret.wait.0', 0, 'leveret.return'),
    ]);
    expect(queues[0]?.arguments).to.include({ 'x-message-ttl': 1000, 'x-dead-letter-exchange': 'leveret.return' });
    expect(bindings.map((each) => [each.source, each.destination, each.routingKey])).to.deep.equal([
      ['leveret.wait.1000', 'leveret.wait.1000', ''],
      ['leveret.wait.0', 'leveret.wait.0', ''],
    ]);
  });
});

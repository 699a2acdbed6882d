import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Problems } from '../errors/configuration-error.js';
import { type Declarables, topologyOf } from './topology-options.js';
import { type TopologyUse, type TopologyWarning, topologyWarnings } from './topology-warnings.js';

function warnings(declarables: Declarables, use?: TopologyUse): readonly TopologyWarning[] {
  const problems = new Problems();
  const topology = topologyOf(declarables, problems);
  expect(problems.list).to.deep.equal([]);
  return topologyWarnings(topology, use);
}

const rejecting = (...queues: string[]) => ({
  rejecting: queues.map((queue) => ({ listenerId: `L.${queue}`, queue })),
});

describe('topologyWarnings', () => {
  it('has nothing to say about a topology without gaps', () => {
    expect(
      warnings(
        {
          exchanges: [{ name: 'dlx' }, { name: 'x', alternateExchange: 'dlx' }],
          queues: [
            { name: 'q', deadLetterExchange: 'dlx' },
            { name: 'r', deadLetterExchange: 'amq.direct' },
          ],
        },
        {
          ...rejecting('q', 'r', 'elsewhere'),
          recoverers: [
            { listenerId: 'L', exchange: 'dlx' },
            { listenerId: 'L', exchange: '' },
          ],
        },
      ),
    ).to.deep.equal([]);
    expect(topologyWarnings(topologyOf({ queues: ['q'] }, new Problems()))).to.deep.equal([]);
  });

  it('says once for each exchange that recoverers publish to what nobody declares', () => {
    const found = warnings(
      { exchanges: ['known'] },
      {
        recoverers: [
          { listenerId: 'A.on', exchange: 'error.direct' },
          { listenerId: 'B.on', exchange: 'error.direct' },
          { listenerId: 'C.on', exchange: 'known' },
        ],
      },
    );
    expect(found.map(({ kind }) => kind)).to.deep.equal(['recoverer-exchange-undeclared']);
    expect(found[0]?.text).to.match(/"error.direct".*A\.on, B\.on/);
  });

  it('says once for all queues that their rejected messages are dropped', () => {
    const found = warnings(
      { queues: ['a', { name: 'b' }, { name: 'c' }, { name: 's', type: 'stream' }] },
      rejecting('a', 'b', 's'),
    );
    expect(found.map(({ kind }) => kind)).to.deep.equal(['rejected-messages-dropped']);
    expect(found[0]?.text).to.match(/^Messages rejected on a, b are dropped: .*these queues/);
    expect(warnings({ queues: ['a'] }, rejecting('a'))[0]?.text).to.match(/this queue/);
  });

  it('knows dead letter exchanges that policies set', () => {
    const policy = (
      pattern: string,
      applyTo: 'queues' | 'quorum_queues' | 'exchanges',
      definition: Record<string, unknown>,
    ) => ({
      queues: ['orders'],
      policies: [{ name: 'p', pattern, applyTo, definition }],
    });
    const dlx = { 'dead-letter-exchange': 'amq.fanout' };
    const count = (declarables: Declarables) => warnings(declarables, rejecting('orders')).length;
    expect(count(policy('^orders$', 'queues', dlx))).to.equal(0);
    expect(count(policy('^other$', 'queues', dlx))).to.equal(1);
    expect(count(policy('^orders$', 'quorum_queues', dlx))).to.equal(1);
    expect(count(policy('^orders$', 'exchanges', dlx))).to.equal(1);
    expect(count(policy('^orders$', 'queues', { 'message-ttl': 5 }))).to.equal(1);
  });

  it('names dead letter and alternate exchanges that nobody declares', () => {
    const found = warnings({
      exchanges: [{ name: 'x', alternateExchange: 'unrouted' }],
      queues: [{ name: 'q', deadLetterExchange: 'dlx' }],
    });
    expect(found.map(({ kind }) => kind)).to.deep.equal([
      'dead-letter-exchange-undeclared',
      'alternate-exchange-undeclared',
    ]);
    expect(found[0]?.text).to.match(/"dlx" of queue "q"/);
    expect(found[1]?.text).to.match(/"unrouted" of exchange "x"/);
  });

  it('asks for the key of a binding to an exchange that is only named', () => {
    const found = warnings({ bindings: [{ queue: 'q', exchange: 'x' }] });
    expect(found.map(({ kind }) => kind)).to.deep.equal(['binding-without-key']);
    expect(
      warnings({ exchanges: [{ name: 'x', type: 'fanout' }], bindings: [{ queue: 'q', exchange: 'x' }] }),
    ).to.deep.equal([]);
    expect(warnings({ bindings: [{ queue: 'q', exchange: 'x', headers: { a: 1 } }] })).to.deep.equal([]);
  });
});

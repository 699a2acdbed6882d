import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { Problems } from '../errors/configuration-error.js';
import { EMPTY_TOPOLOGY, mergeTopologies, type SourcedTopology } from './merge-topologies.js';
import type {
  BindingDeclaration,
  ExchangeDeclaration,
  PolicyDeclaration,
  QueueDeclaration,
  Topology,
} from './topology.js';

const queue = (more: Partial<QueueDeclaration> = {}): QueueDeclaration => ({
  name: 'q',
  declare: 'always',
  type: 'classic',
  durable: true,
  exclusive: false,
  autoDelete: false,
  lazy: false,
  arguments: {},
  ...more,
});
const exchange = (more: Partial<ExchangeDeclaration> = {}): ExchangeDeclaration => ({
  name: 'x',
  declare: 'always',
  type: 'direct',
  durable: true,
  autoDelete: false,
  internal: false,
  arguments: {},
  ...more,
});
const bound = (more: Partial<BindingDeclaration> = {}): BindingDeclaration => ({
  source: 'x',
  destination: 'q',
  destinationType: 'queue',
  routingKey: 'k',
  arguments: {},
  ...more,
});
const policy = (more: Partial<PolicyDeclaration> = {}): PolicyDeclaration => ({
  name: 'p',
  pattern: '.*',
  definition: { a: 1 },
  applyTo: 'queues',
  priority: 0,
  ...more,
});

function merge(...parts: readonly Partial<Topology>[]): { topology: Topology; faults: readonly string[] } {
  const problems = new Problems();
  const sources = parts.map((part, index) => ({
    source: `source ${index + 1}`,
    topology: { ...EMPTY_TOPOLOGY, ...part },
  }));
  return { topology: mergeTopologies(sources, problems), faults: problems.list };
}

describe('mergeTopologies', () => {
  it('declares once what several sources declare alike, in the order of first mention', () => {
    const { topology, faults } = merge(
      {
        exchanges: [exchange()],
        queues: [queue({ name: 'b' }), queue({ name: 'a' })],
        bindings: [bound()],
        policies: [policy()],
      },
      {
        exchanges: [exchange()],
        queues: [queue({ name: 'a' }), queue({ name: 'c' })],
        bindings: [bound()],
        policies: [policy()],
      },
    );
    expect(faults).to.deep.equal([]);
    expect(topology.queues.map(({ name }) => name)).to.deep.equal(['b', 'a', 'c']);
    expect(topology.exchanges).to.deep.equal([exchange()]);
    expect(topology.bindings).to.deep.equal([bound()]);
    expect(topology.policies).to.deep.equal([policy()]);
  });

  it('keeps bindings that differ in anything', () => {
    const bindings = [
      bound(),
      bound({ routingKey: 'l' }),
      bound({ destination: 'r' }),
      bound({ destinationType: 'exchange' }),
      bound({ source: 'y' }),
      bound({ arguments: { a: 1 } }),
      bound({ arguments: { a: 2 } }),
    ];
    expect(merge({ bindings }, { bindings }).topology.bindings).to.deep.equal(bindings);
  });

  it('refuses declarations that differ, naming both sources and every difference', () => {
    const { faults, topology } = merge(
      { queues: [queue({ arguments: { 'x-message-ttl': 1000 } })] },
      { queues: [queue({ durable: false })] },
    );
    expect(faults).to.deep.equal([
      `queue "q" is declared differently by source 1 and source 2: durable is true in the one and false in the other; arguments['x-message-ttl'] is 1000 in the one and left out in the other. Declare it once, or alike`,
    ]);
    expect(topology.queues).to.have.length(1);
  });

  const differences: readonly (readonly [string, Partial<Topology>, Partial<Topology>])[] = [
    ['the type of an exchange', { exchanges: [exchange()] }, { exchanges: [exchange({ type: 'topic' })] }],
    ['internal', { exchanges: [exchange()] }, { exchanges: [exchange({ internal: true })] }],
    ['arguments of an exchange', { exchanges: [exchange()] }, { exchanges: [exchange({ arguments: { a: 1 } })] }],
    [
      'the type of a queue',
      { queues: [queue()] },
      { queues: [queue({ type: 'quorum', arguments: { 'x-queue-type': 'quorum' } })] },
    ],
    ['lazy', { queues: [queue()] }, { queues: [queue({ lazy: true })] }],
    ['exclusive', { queues: [queue()] }, { queues: [queue({ exclusive: true })] }],
    ['autoDelete', { queues: [queue()] }, { queues: [queue({ autoDelete: true })] }],
    ['the definition of a policy', { policies: [policy()] }, { policies: [policy({ definition: { a: 2 } })] }],
    ['the pattern of a policy', { policies: [policy()] }, { policies: [policy({ pattern: '^a' })] }],
  ];
  for (const [what, one, other] of differences) {
    it(`refuses sources that differ in ${what}`, () => {
      expect(merge(one, other).faults).to.have.length(1);
      expect(merge(one, one).faults).to.deep.equal([]);
    });
  }

  it('lets a declaration with options win over one that was only named', () => {
    const assumed = queue({ declare: 'if-missing', assumed: true });
    const quorum = queue({ type: 'quorum', arguments: { 'x-queue-type': 'quorum' } });
    for (const parts of [
      [assumed, quorum],
      [quorum, assumed],
    ]) {
      const { topology, faults } = merge(...parts.map((it) => ({ queues: [it] })));
      expect(faults).to.deep.equal([]);
      expect(topology.queues).to.deep.equal([quorum]);
    }
    const named = exchange({ declare: 'if-missing', assumed: true });
    const topic = exchange({ type: 'topic', declare: 'if-missing' });
    expect(merge({ exchanges: [named] }, { exchanges: [topic] }).topology.exchanges).to.deep.equal([topic]);
  });

  it('lets always win over if-missing, also where they differ', () => {
    const { topology, faults } = merge(
      { queues: [queue({ declare: 'if-missing', durable: false })] },
      { queues: [queue()] },
    );
    expect(faults).to.deep.equal([]);
    expect(topology.queues).to.deep.equal([queue()]);
  });

  it('refuses two that insist equally little and differ', () => {
    const { faults } = merge(
      { queues: [queue({ declare: 'if-missing', durable: false })] },
      { queues: [queue({ declare: 'if-missing' })] },
    );
    expect(faults).to.have.length(1);
  });

  it('takes the default type and classic for the same, and keeps what was said', () => {
    const said = queue({ arguments: { 'x-queue-type': 'classic' } });
    for (const parts of [
      [queue(), said],
      [said, queue()],
    ]) {
      const { topology, faults } = merge(...parts.map((it) => ({ queues: [it] })));
      expect(faults).to.deep.equal([]);
      expect(topology.queues).to.deep.equal([said]);
    }
  });

  it('refuses a binding by headers to an exchange that turns out not to have them', () => {
    const { faults } = merge(
      {
        exchanges: [exchange({ type: 'headers', declare: 'if-missing', assumed: true })],
        bindings: [bound({ routingKey: '', arguments: { a: 1, 'x-match': 'all' } })],
      },
      { exchanges: [exchange({ type: 'topic' })] },
    );
    expect(faults).to.have.length(1);
    expect(faults[0]).to.match(/^source 1 binds queue "q" by headers to exchange "x", which is declared as "topic"/);
  });
});

const name = fc.constantFrom('a', 'b', 'c');
const mode = fc.constantFrom('always', 'if-missing') as fc.Arbitrary<'always' | 'if-missing'>;
const assumed = fc.constantFrom({}, {}, { assumed: true as const });
const topologies: fc.Arbitrary<Partial<Topology>> = fc.record({
  exchanges: fc.array(
    fc
      .tuple(name, mode, assumed, fc.constantFrom('direct', 'topic'))
      .map(([n, declare, more, type]) => exchange({ name: n, declare, type, ...more })),
    { maxLength: 3 },
  ),
  queues: fc.array(
    fc
      .tuple(name, mode, assumed, fc.constantFrom({}, { 'x-queue-type': 'classic' }, { 'x-max-length': 1 }))
      .map(([n, declare, more, args]) => queue({ name: n, declare, arguments: args, ...more })),
    { maxLength: 3 },
  ),
  bindings: fc.array(
    fc.tuple(name, name, name).map(([source, destination, routingKey]) => bound({ source, destination, routingKey })),
    { maxLength: 4 },
  ),
});
const sourced = (parts: readonly Partial<Topology>[]): SourcedTopology[] =>
  parts.map((part, index) => ({ source: `source ${index}`, topology: { ...EMPTY_TOPOLOGY, ...part } }));
const byText = (items: readonly object[]) =>
  items.map((it) => JSON.stringify(it, Object.keys({ ...it, 'x-queue-type': 1, 'x-max-length': 1 }).sort())).sort();
const asSets = (topology: Topology) => [topology.exchanges, topology.queues, topology.bindings].map(byText);

describe('merging any topologies', () => {
  it('does not depend on the order of the sources', () => {
    fc.assert(
      fc.property(fc.array(topologies, { maxLength: 5 }), fc.infiniteStream(fc.nat()), (parts, random) => {
        const shuffled = parts
          .map((part) => ({ part, at: random.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ part }) => part);
        const [one, other] = [new Problems(), new Problems()];
        const merged = mergeTopologies(sourced(parts), one);
        const mergedOtherwise = mergeTopologies(sourced(shuffled), other);
        expect(one.list.length > 0).to.equal(other.list.length > 0);
        if (one.list.length === 0) expect(asSets(merged)).to.deep.equal(asSets(mergedOtherwise));
      }),
    );
  });

  it('changes nothing when done again, or with the parts beside the result', () => {
    fc.assert(
      fc.property(fc.array(topologies, { maxLength: 5 }), (parts) => {
        const problems = new Problems();
        const merged = mergeTopologies(sourced(parts), problems);
        fc.pre(problems.list.length === 0);
        const again = mergeTopologies(sourced([merged]), problems);
        expect(again).to.deep.equal(merged);
        expect(mergeTopologies(sourced([merged, ...parts]), problems)).to.deep.equal(merged);
        expect(problems.list).to.deep.equal([]);
      }),
    );
  });

  it('declares every name that is asked for exactly once', () => {
    fc.assert(
      fc.property(fc.array(topologies, { maxLength: 5 }), (parts) => {
        const merged = mergeTopologies(sourced(parts), new Problems());
        for (const kind of ['exchanges', 'queues'] as const) {
          const asked = new Set(parts.flatMap((part) => (part[kind] ?? []).map((it) => it.name)));
          expect(merged[kind].map((it) => it.name).sort()).to.deep.equal([...asked].sort());
        }
      }),
    );
  });
});

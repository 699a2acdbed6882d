import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Problems } from '../errors/configuration-error.js';
import { BindingBuilder } from './binding-builder.js';
import { ExchangeBuilder } from './exchange-builder.js';
import { lazyPolicy } from './policy-options.js';
import { QueueBuilder } from './queue-builder.js';
import type { Topology } from './topology.js';
import { type Declarables, joinDeclarables, topologyOf } from './topology-options.js';

function resolve(declarables: Declarables): Topology {
  const problems = new Problems();
  const topology = topologyOf(declarables, problems);
  expect(problems.list).to.deep.equal([]);
  return topology;
}

function faultsOf(declarables: unknown): readonly string[] {
  const problems = new Problems();
  topologyOf(declarables as Declarables, problems);
  return problems.list;
}

const names = (topology: Topology) => ({
  exchanges: topology.exchanges.map(({ name, type }) => `${name}:${type}`),
  queues: topology.queues.map(({ name, declare }) => `${name}:${declare}`),
  bindings: topology.bindings.map((it) => `${it.source}-${it.routingKey}->${it.destinationType}:${it.destination}`),
  policies: topology.policies.map(({ name }) => name),
});

describe('topologyOf', () => {
  it('declares the error exchange, queue and binding of the seed, by objects or builders', () => {
    const expected = {
      exchanges: ['error.direct:direct'],
      queues: ['error.queue:always'],
      bindings: ['error.direct-error->queue:error.queue'],
      policies: ['Lazy'],
    };
    const byObjects = resolve({
      exchanges: [{ name: 'error.direct' }],
      queues: [{ name: 'error.queue' }],
      bindings: [{ queue: 'error.queue', exchange: 'error.direct', routingKey: 'error' }],
      policies: [lazyPolicy('^lazy-queue$')],
    });
    const exchange = ExchangeBuilder.direct('error.direct');
    const queue = QueueBuilder.durable('error.queue');
    const byBuilders = resolve([
      BindingBuilder.bind(queue).to(exchange).with('error'),
      exchange.build(),
      queue.build(),
      lazyPolicy('^lazy-queue$'),
    ]);
    expect(names(byObjects)).to.deep.equal(expected);
    expect(names(byBuilders)).to.deep.equal(expected);
    expect(byObjects).to.deep.equal(byBuilders);
  });

  it('declares what bindings bring along', () => {
    expect(
      names(
        resolve({
          bindings: [
            { queue: { name: 'q', type: 'quorum' }, exchange: 'x', routingKey: 'k' },
            { queue: 'r', exchange: 'x', routingKey: ['k', 'l'] },
            { exchange: ExchangeBuilder.fanout('x2'), from: { exchange: 'x', routingKey: 'm' } },
          ],
        }),
      ),
    ).to.deep.equal({
      exchanges: ['x:direct', 'x2:fanout'],
      queues: ['q:always', 'r:if-missing'],
      bindings: ['x-k->queue:q', 'x-k->queue:r', 'x-l->queue:r', 'x-m->exchange:x2'],
      policies: [],
    });
  });

  it('declares plain names if they are missing, and nothing that is not to be declared', () => {
    expect(
      names(
        resolve({
          exchanges: ['x', 'amq.topic', { name: 'y', declare: false }],
          queues: ['q', { name: 'r', declare: false }],
          bindings: [{ queue: { name: 'r', declare: false }, exchange: 'amq.topic', routingKey: '#' }],
        }),
      ),
    ).to.deep.equal({
      exchanges: ['x:direct'],
      queues: ['q:if-missing'],
      bindings: ['amq.topic-#->queue:r'],
      policies: [],
    });
  });

  it('takes one options object for one queue, also when its name is generated', () => {
    const options = { anonymous: true };
    const { queues, bindings } = resolve({
      queues: [options],
      bindings: [{ queue: options, exchange: 'x', routingKey: 'k' }],
    });
    expect(queues).to.have.length(1);
    expect(bindings[0]?.destination).to.equal(queues[0]?.name);
  });

  it('tells the items of a mixed list apart', () => {
    const topology = resolve([
      'q1',
      { name: 'q2' },
      { name: 'q3', type: 'stream' },
      QueueBuilder.durable('q4'),
      ExchangeBuilder.topic('x1'),
      { name: 'x2', type: 'fanout' },
      { queue: 'q1', exchange: 'x2' },
      { exchange: 'x2', from: { exchange: 'x1', routingKey: '#' } },
      { name: 'p', pattern: '.*', definition: { a: 1 } },
    ]);
    expect(names(topology)).to.deep.equal({
      exchanges: ['x1:topic', 'x2:fanout'],
      queues: ['q1:if-missing', 'q2:always', 'q3:always', 'q4:always'],
      bindings: ['x2-->queue:q1', 'x1-#->exchange:x2'],
      policies: ['p'],
    });
  });

  it('collects every fault with its place', () => {
    expect(
      faultsOf({
        exchange: [],
        exchanges: [{ name: 'x', type: '' }],
        queues: [{ name: 'q', maxLength: -1 }, { type: 'classic' }],
        bindings: [{ queue: '', exchange: 'x', routingKey: 'k' }, 5],
        policies: [{ name: 'p', pattern: '(', definition: { a: 1 } }],
      }).map((fault) => fault.replace(/;.*/, '')),
    ).to.deep.equal([
      'unknown option "exchange" of the topology. Did you mean "exchanges"? Known are: exchanges, queues, bindings, policies',
      `exchanges[0], exchange "x": type must be 'direct', 'topic', 'fanout', 'headers' or the type of a plugin`,
      'queues[0], queue "q": maxLength must be a whole number from 0',
      'queues[1]: a queue needs a name',
      'bindings[0]: the name of a queue must not be empty',
      'bindings[1]: a binding must be an object with options',
      'policies[0], policy "p": pattern "(" is not a regular expression',
    ]);
  });

  it('names the places of declarations that differ', () => {
    const [fault] = faultsOf({
      queues: [{ name: 'q' }],
      bindings: [{ queue: { name: 'q', lazy: true }, exchange: 'x', routingKey: 'k' }],
    });
    expect(fault).to.match(/^queue "q" is declared differently by queues\[0\] and bindings\[0\]: lazy is false/);
  });

  it('refuses what is neither a list nor an object', () => {
    expect(faultsOf('q')).to.deep.equal(['the topology must be an object with options; got "q"']);
    expect(faultsOf({ queues: 'q' })).to.deep.equal(['queues must be a list; got "q"']);
    expect(faultsOf([5])).to.deep.equal(['declaration 1 must be a queue, an exchange, a binding or a policy; got 5']);
  });
});

describe('joinDeclarables', () => {
  it('puts lists by kind and mixed ones together', () => {
    const problems = new Problems();
    const joined = joinDeclarables(
      [
        { queues: ['orders'], exchanges: [{ name: 'news', type: 'fanout' }] },
        ['errors', ExchangeBuilder.topic('pay.topic'), { queue: 'errors', exchange: 'pay.topic', routingKey: '#' }],
        [lazyPolicy('^lazy$')],
        {},
      ],
      problems,
    );
    expect(problems.list).to.deep.equal([]);
    expect(names(resolve(joined))).to.deep.equal({
      exchanges: ['news:fanout', 'pay.topic:topic'],
      queues: ['orders:if-missing', 'errors:if-missing'],
      bindings: ['pay.topic-#->queue:errors'],
      policies: ['Lazy'],
    });
  });

  it('tells what is wrong with the lists', () => {
    const problems = new Problems();
    joinDeclarables([{ queue: [] } as never, [7] as never], problems);
    expect(problems.list).to.have.lengthOf(2);
  });
});

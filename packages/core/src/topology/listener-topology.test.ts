import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Problems } from '../errors/configuration-error.js';
import {
  type ListenerTopologyOptions,
  type ResolvedListenerTopology,
  resolveListenerTopology,
} from './listener-topology.js';
import { mergeTopologies } from './merge-topologies.js';
import { QueueBuilder } from './queue-builder.js';
import { topologyOf } from './topology-options.js';

function resolve(options: ListenerTopologyOptions): ResolvedListenerTopology {
  const problems = new Problems();
  const resolved = resolveListenerTopology(options, problems);
  expect(problems.list).to.deep.equal([]);
  return resolved;
}

function faultsOf(options: unknown): string {
  const problems = new Problems();
  resolveListenerTopology(options as ListenerTopologyOptions, problems);
  return problems.list.join('\n');
}

const exchangesOf = ({ topology }: ResolvedListenerTopology) =>
  topology.exchanges.map(({ name, type, declare }) => `${name}:${type}:${declare}`);
const queuesOf = ({ topology }: ResolvedListenerTopology) =>
  topology.queues.map(({ name, type, declare }) => `${name}:${type}:${declare}`);
const bindingsOf = ({ topology }: ResolvedListenerTopology) =>
  topology.bindings.map((it) => `${it.source}-${it.routingKey}->${it.destination}`);

describe('resolveListenerTopology', () => {
  it('declares a queue that is only named if it is missing', () => {
    const resolved = resolve({ queue: 'q' });
    expect(resolved.queue).to.equal('q');
    expect(resolved.queueDeclaration).to.include({ name: 'q', declare: 'if-missing', assumed: true, durable: true });
    expect(resolved.topology.queues).to.deep.equal([resolved.queueDeclaration]);
  });

  it('always declares a queue with bindings, lazy, dead letters, options or declare: true', () => {
    for (const options of [
      { queue: 'q', bindings: { exchange: 'x', routingKey: 'k' } },
      { queue: 'q', lazy: true },
      { queue: 'q', deadLetter: 'dlx' },
      { queue: { name: 'q' } },
      { queue: QueueBuilder.durable('q') },
      { queue: 'q', declare: true },
    ]) {
      expect(resolve(options).queueDeclaration, JSON.stringify(options)).to.include({
        name: 'q',
        declare: 'always',
        durable: true,
      });
    }
  });

  it('leaves the details of a queue with nothing but bindings to whoever gives them', () => {
    const problems = new Problems();
    const listener = resolve({ queue: 'q', bindings: { exchange: 'x', routingKey: 'k' } });
    const merged = mergeTopologies(
      [
        { source: 'listener', topology: listener.topology },
        {
          source: 'app',
          topology: topologyOf(
            { queues: [{ name: 'q', type: 'quorum' }], exchanges: [{ name: 'x', type: 'topic' }] },
            problems,
          ),
        },
      ],
      problems,
    );
    expect(problems.list).to.deep.equal([]);
    expect(merged.queues.map(({ type }) => type)).to.deep.equal(['quorum']);
    expect(merged.exchanges.map(({ type }) => type)).to.deep.equal(['topic']);
  });

  it('makes the queue lazy, by the listener or by the queue', () => {
    expect(resolve({ queue: 'q', lazy: true }).queueDeclaration?.lazy).to.equal(true);
    expect(resolve({ queue: { name: 'q' }, lazy: true }).queueDeclaration?.lazy).to.equal(true);
    expect(resolve({ queue: QueueBuilder.durable('q').lazy() }).queueDeclaration?.lazy).to.equal(true);
    expect(resolve({ queue: { name: 'q', lazy: true }, lazy: true }).queueDeclaration?.lazy).to.equal(true);
  });

  it('binds the queue by one binding or many', () => {
    const resolved = resolve({
      queue: 'q',
      bindings: [
        { exchange: { name: 'a', type: 'topic' }, routingKey: ['k.*', 'l.#'] },
        { exchange: { name: 'b', type: 'fanout' }, from: { exchange: 'c', routingKey: 'm' } },
        { exchange: 'd', headers: { kind: 'pdf' } },
      ],
    });
    expect(exchangesOf(resolved)).to.deep.equal([
      'a:topic:always',
      'c:direct:if-missing',
      'b:fanout:always',
      'd:headers:if-missing',
    ]);
    expect(bindingsOf(resolved)).to.deep.equal(['a-k.*->q', 'a-l.#->q', 'c-m->b', 'b-->q', 'd-->q']);
  });

  it('binds a queue with a generated name', () => {
    const resolved = resolve({ queue: { anonymous: true }, bindings: { exchange: 'x', routingKey: 'k' } });
    expect(resolved.queue).to.match(/^leveret\.gen-/);
    expect(bindingsOf(resolved)).to.deep.equal([`x-k->${resolved.queue}`]);
  });

  it('takes a binding that names its own queue', () => {
    expect(
      bindingsOf(resolve({ queue: 'q', bindings: { queue: 'q', exchange: 'x', routingKey: 'k' } as never })),
    ).to.deep.equal(['x-k->q']);
  });

  it('declares nothing with declare: false', () => {
    for (const options of [
      { queue: 'q', declare: false },
      { queue: { name: 'q', declare: false } },
      { queue: 'amq.gen-1' },
    ] as const) {
      const { queueDeclaration, topology } = resolve(options);
      expect(queueDeclaration).to.equal(undefined);
      expect(topology).to.deep.equal({ exchanges: [], queues: [], bindings: [], policies: [] });
    }
  });

  it('ignores the options of a listener that are not about topology', () => {
    expect(faultsOf({ queue: 'q', prefetch: 'many' })).to.equal('');
  });
});

describe('dead letters of a listener', () => {
  it('declares exchange, queue and binding for true', () => {
    const resolved = resolve({ queue: 'q', deadLetter: true });
    expect(exchangesOf(resolved)).to.deep.equal(['q.dlx:direct:always']);
    expect(queuesOf(resolved)).to.deep.equal(['q:classic:always', 'q.dlq:classic:always']);
    expect(bindingsOf(resolved)).to.deep.equal(['q.dlx-q->q.dlq']);
    expect(resolved.queueDeclaration?.arguments).to.deep.equal({
      'x-dead-letter-exchange': 'q.dlx',
      'x-dead-letter-routing-key': 'q',
    });
  });

  it('declares none for false, and only names the exchange for text', () => {
    expect(resolve({ queue: 'q', deadLetter: false }).queueDeclaration).to.include({ declare: 'if-missing' });
    const named = resolve({ queue: 'q', deadLetter: 'errors' });
    expect(named.queueDeclaration?.arguments).to.deep.equal({ 'x-dead-letter-exchange': 'errors' });
    expect(exchangesOf(named)).to.deep.equal([]);
    expect(queuesOf(named)).to.deep.equal(['q:classic:always']);
  });

  it('keeps the dead letters of a quorum queue in a quorum queue', () => {
    const resolved = resolve({ queue: { name: 'q', type: 'quorum' }, deadLetter: true });
    expect(queuesOf(resolved)).to.deep.equal(['q:quorum:always', 'q.dlq:quorum:always']);
    const byArgument = resolve({ queue: { name: 'q', arguments: { 'x-queue-type': 'quorum' } }, deadLetter: true });
    expect(queuesOf(byArgument)).to.deep.equal(['q:quorum:always', 'q.dlq:quorum:always']);
  });

  it('takes exchange, key and queue from options', () => {
    const resolved = resolve({
      queue: 'q',
      deadLetter: {
        exchange: { name: 'errors', type: 'topic' },
        routingKey: 'q.failed',
        queue: { name: 'failed', messageTtl: '7d' },
      },
    });
    expect(exchangesOf(resolved)).to.deep.equal(['errors:topic:always']);
    expect(queuesOf(resolved)).to.deep.equal(['q:classic:always', 'failed:classic:always']);
    expect(bindingsOf(resolved)).to.deep.equal(['errors-q.failed->failed']);
    expect(resolved.queueDeclaration?.arguments).to.deep.equal({
      'x-dead-letter-exchange': 'errors',
      'x-dead-letter-routing-key': 'q.failed',
    });
  });

  it('declares an exchange and a queue that are only named if they are missing', () => {
    const resolved = resolve({ queue: 'q', deadLetter: { exchange: 'errors', queue: 'failed' } });
    expect(exchangesOf(resolved)).to.deep.equal(['errors:direct:if-missing']);
    expect(queuesOf(resolved)).to.deep.equal(['q:classic:always', 'failed:classic:if-missing']);
    expect(bindingsOf(resolved)).to.deep.equal(['errors-q->failed']);
  });

  it('keeps the routing key of the message for a fanout exchange', () => {
    const resolved = resolve({ queue: 'q', deadLetter: { exchange: { name: 'errors', type: 'fanout' } } });
    expect(bindingsOf(resolved)).to.deep.equal(['errors-->q.dlq']);
    expect(resolved.queueDeclaration?.arguments).to.deep.equal({ 'x-dead-letter-exchange': 'errors' });
  });

  it('goes straight to the queue through the default exchange, without a binding', () => {
    const resolved = resolve({ queue: 'q', deadLetter: { exchange: '' } });
    expect(bindingsOf(resolved)).to.deep.equal([]);
    expect(queuesOf(resolved)).to.deep.equal(['q:classic:always', 'q.dlq:classic:always']);
    expect(resolved.queueDeclaration?.arguments).to.deep.equal({
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': 'q.dlq',
    });
  });

  it('leaves the queue to others with queue: false', () => {
    const named = resolve({ queue: 'q', deadLetter: { exchange: 'errors', routingKey: 'k', queue: false } });
    expect(exchangesOf(named)).to.deep.equal([]);
    expect(named.queueDeclaration?.arguments).to.deep.equal({
      'x-dead-letter-exchange': 'errors',
      'x-dead-letter-routing-key': 'k',
    });
    const declared = resolve({ queue: 'q', deadLetter: { exchange: { name: 'errors' }, queue: false } });
    expect(exchangesOf(declared)).to.deep.equal(['errors:direct:always']);
    expect(bindingsOf(declared)).to.deep.equal([]);
  });

  it('serves a queue with a generated name when exchange and queue are named', () => {
    const resolved = resolve({ queue: { anonymous: true }, deadLetter: { exchange: 'errors', queue: 'failed' } });
    expect(bindingsOf(resolved)).to.deep.equal(['errors-failed->failed']);
  });
});

describe('faults of a listener’s topology', () => {
  const faulty: readonly (readonly [unknown, RegExp])[] = [
    [{}, /^queue is missing[^\n]*$/],
    [{ deadLetter: true }, /^queue is missing[^\n]*$/],
    [{ queue: '' }, /queue: \{ anonymous: true \}/],
    [{ queue: 7 }, /queue must be an object with options; got 7/],
    [{ queue: 'q', lazy: 'yes' }, /lazy must be true or false/],
    [{ queue: 'q', declare: 'no' }, /declare must be true or false/],
    [{ queue: { name: 'q', type: 'quorum' }, lazy: true }, /lazy does not exist for quorum queues/],
    [{ queue: { name: 'q', type: 'stream' }, lazy: true }, /lazy does not exist for stream queues/],
    [{ queue: { name: 'q', type: 'stream' }, deadLetter: true }, /deadLetterExchange does not exist for stream queues/],
    [{ queue: { name: 'q', lazy: false }, lazy: true }, /lazy is false here and true on the listener/],
    [
      { queue: { name: 'q', declare: 'if-missing' }, declare: false },
      /declare is "if-missing" here and false on the listener/,
    ],
    [
      { queue: 'q', declare: false, bindings: { exchange: 'x', routingKey: 'k' } },
      /not declared .* so bindings would have no effect; leave it out/,
    ],
    [
      { queue: 'q', declare: false, lazy: true, deadLetter: true },
      /so lazy and deadLetter would have no effect; leave them out/,
    ],
    [{ queue: 'amq.gen-1', bindings: { exchange: 'x', routingKey: 'k' } }, /reserved/],
    [{ queue: 'q', bindings: { queue: 'r', exchange: 'x', routingKey: 'k' } }, /names another queue \("r"\)/],
    [{ queue: 'q', bindings: 'x' }, /a binding must be an object/],
    [{ queue: { name: 'q', deadLetterExchange: 'a' }, deadLetter: true }, /contradict deadLetter/],
    [{ queue: { name: 'q', arguments: { 'x-dead-letter-exchange': 'a' } }, deadLetter: 'b' }, /contradict deadLetter/],
    [{ queue: 'q', deadLetter: '' }, /deadLetter: the default exchange routes by the name of a queue/],
    [{ queue: 'q', deadLetter: 5 }, /deadLetter must be an object/],
    [{ queue: 'q', deadLetter: { exchang: 'x' } }, /unknown option "exchang" of deadLetter\. Did you mean "exchange"/],
    [{ queue: 'q', deadLetter: { routingKey: 5 } }, /routingKey must be a string/],
    [{ queue: 'q', deadLetter: { queue: false } }, /queue: false needs an exchange/],
    [{ queue: 'q', deadLetter: { queue: false, exchange: '' } }, /routingKey \(the name of a queue\) must be a string/],
    [{ queue: 'q', deadLetter: { exchange: '', routingKey: 'other' } }, /does not lead to queue "q.dlq"/],
    [{ queue: 'q'.repeat(252), deadLetter: true }, /at most 255 bytes/],
    [{ queue: { anonymous: true }, deadLetter: true }, /generated name/],
    [
      {
        queue: 'q',
        bindings: [
          { exchange: { name: 'x', type: 'topic' }, routingKey: 'k' },
          { exchange: { name: 'x' }, routingKey: 'k' },
        ],
      },
      /exchange "x" is declared differently by bindings\[0\] and bindings\[1\]/,
    ],
  ];
  for (const [options, text] of faulty) {
    it(`refuses ${JSON.stringify(options).slice(0, 90)}`, () => expect(faultsOf(options)).to.match(text));
  }

  it('leave something to go on with, so that the faults of all listeners are told', () => {
    const nothing = { queue: '', queueDeclaration: undefined };
    const { topology, ...rest } = resolveListenerTopology({} as ListenerTopologyOptions, new Problems());
    expect(rest).to.deep.equal(nothing);
    expect([topology.exchanges, topology.queues, topology.bindings]).to.deep.equal([[], [], []]);
  });
});

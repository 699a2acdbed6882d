import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Problems } from '../errors/configuration-error.js';
import { BindingBuilder } from './binding-builder.js';
import { type BindingOptions, resolveBinding, resolveExchangeBinding } from './binding-options.js';
import { ExchangeBuilder } from './exchange-builder.js';
import { QueueBuilder } from './queue-builder.js';
import type { Topology } from './topology.js';

function resolve(options: unknown): { topology: Topology; faults: readonly string[] } {
  const problems = new Problems();
  const topology = resolveBinding(options, { name: 'q', type: 'queue' }, problems);
  return { topology, faults: problems.list };
}

function bindingsOf(options: BindingOptions): readonly unknown[] {
  const { topology, faults } = resolve(options);
  expect(faults).to.deep.equal([]);
  return topology.bindings;
}

const binding = (source: string, routingKey: string, args: object = {}) => ({
  source,
  destination: 'q',
  destinationType: 'queue',
  routingKey,
  arguments: args,
});

describe('resolveBinding', () => {
  it('makes one binding of each routing key, equal ones once', () => {
    expect(bindingsOf({ exchange: 'x', routingKey: 'a' })).to.deep.equal([binding('x', 'a')]);
    expect(bindingsOf({ exchange: 'x', routingKey: ['a', 'b', 'a'] })).to.deep.equal([
      binding('x', 'a'),
      binding('x', 'b'),
    ]);
  });

  it('assumes the exchange when only its name is given, and declares it when options are', () => {
    expect(resolve({ exchange: 'x', routingKey: 'a' }).topology.exchanges).to.deep.include.members([
      {
        name: 'x',
        declare: 'if-missing',
        assumed: true,
        type: 'direct',
        durable: true,
        autoDelete: false,
        internal: false,
        arguments: {},
      },
    ]);
    expect(resolve({ exchange: { name: 'x', type: 'topic' }, routingKey: '#' }).topology.exchanges[0]).to.include({
      declare: 'always',
      type: 'topic',
    });
    expect(resolve({ exchange: ExchangeBuilder.fanout('x') }).topology.exchanges[0]).to.include({ type: 'fanout' });
    expect(resolve({ exchange: 'amq.topic', routingKey: '#' }).topology.exchanges).to.deep.equal([]);
  });

  it('binds to fanout and unknown exchanges without a key', () => {
    expect(bindingsOf({ exchange: { name: 'x', type: 'fanout' } })).to.deep.equal([binding('x', '')]);
    expect(bindingsOf({ exchange: 'x' })).to.deep.equal([binding('x', '')]);
    expect(bindingsOf({ exchange: { name: 'x', type: 'direct' }, routingKey: '' })).to.deep.equal([binding('x', '')]);
  });

  it('binds by headers, and assumes a headers exchange then', () => {
    const { topology, faults } = resolve({ exchange: 'x', headers: { kind: 'pdf', priority: 3, urgent: null } });
    expect(faults).to.deep.equal([]);
    expect(topology.exchanges[0]).to.include({ type: 'headers', assumed: true });
    expect(topology.bindings).to.deep.equal([
      binding('x', '', { kind: 'pdf', priority: 3, urgent: null, 'x-match': 'all' }),
    ]);
    expect(bindingsOf({ exchange: 'amq.headers', headers: { 'x-kind': 1 }, match: 'any-with-x' })).to.deep.equal([
      binding('amq.headers', '', { 'x-kind': 1, 'x-match': 'any-with-x' }),
    ]);
  });

  it('passes arguments on for the exchanges of plugins', () => {
    expect(
      bindingsOf({ exchange: { name: 'x', type: 'x-plugin' }, routingKey: '1', arguments: { a: 1 } }),
    ).to.deep.equal([binding('x', '1', { a: 1 })]);
  });

  it('binds exchanges to exchanges, those that messages come from first', () => {
    const { topology, faults } = resolve({
      exchange: { name: 'local', type: 'fanout' },
      from: [
        { exchange: 'far', routingKey: 'a', from: { exchange: 'farther', routingKey: 'b' } },
        { exchange: 'other', routingKey: 'c' },
      ],
    });
    expect(faults).to.deep.equal([]);
    expect(topology.exchanges.map(({ name }) => name)).to.deep.equal(['farther', 'far', 'other', 'local']);
    expect(topology.bindings.map((it) => [it.source, it.routingKey, it.destinationType, it.destination])).to.deep.equal(
      [
        ['farther', 'b', 'exchange', 'far'],
        ['far', 'a', 'exchange', 'local'],
        ['other', 'c', 'exchange', 'local'],
        ['local', '', 'queue', 'q'],
      ],
    );
  });

  const faulty: readonly (readonly [unknown, RegExp])[] = [
    ['x', /a binding must be an object with options; got "x"/],
    [{}, /exchange is missing/],
    [{ exchange: '', routingKey: 'a' }, /nothing can be bound to the default exchange/],
    [{ exchange: 'x', key: 'a', routingKey: 'a' }, /unknown option "key" of a binding/],
    [{ exchange: 'x', routingKey: 5 }, /routingKey must be a string; got 5/],
    [{ exchange: 'x', routingKey: 'k'.repeat(256) }, /routingKey must have at most 255 bytes/],
    [{ exchange: 'x', routingKey: [] }, /routingKey is an empty list/],
    [{ exchange: { name: 'x' } }, /routingKey is missing: a direct exchange/],
    [{ exchange: 'amq.topic' }, /routingKey is missing: a topic exchange/],
    [{ exchange: { name: 'x', type: 'fanout' }, routingKey: 'a' }, /no effect on a fanout exchange/],
    [{ exchange: 'x', routingKey: 'a', headers: { a: 1 } }, /no effect on a headers exchange/],
    [{ exchange: { name: 'x', type: 'topic' }, headers: { a: 1 } }, /headers have no effect on a topic exchange/],
    [{ exchange: 'x', routingKey: 'a', match: 'any' }, /match needs headers/],
    [{ exchange: 'x', headers: { a: 1 }, match: 'some' }, /match must be one of "all"/],
    [{ exchange: 'x', headers: {} }, /headers is empty/],
    [{ exchange: 'x', headers: [] }, /headers must be an object/],
    [{ exchange: 'x', headers: { a: undefined } }, /headers a are undefined; null means/],
    [{ exchange: 'x', headers: { 'x-a': 1 } }, /skips headers whose names start with 'x-' \(x-a\); use 'all-with-x'/],
    [{ exchange: 'x', headers: { 'x-match': 'all' } }, /use the option match/],
    [{ exchange: 'x', routingKey: 'a', arguments: 5 }, /arguments must be an object/],
    [{ exchange: 'x', routingKey: 'a', from: { exchange: '' } }, /default exchange/],
  ];
  for (const [options, text] of faulty) {
    it(`refuses ${JSON.stringify(options).slice(0, 80)}`, () => {
      const { faults } = resolve(options);
      expect(faults.join('\n')).to.match(text);
    });
  }
});

describe('resolveExchangeBinding', () => {
  const faultsOf = (options: Record<string, unknown>) => {
    const problems = new Problems();
    resolveExchangeBinding(options, problems);
    return problems.list.join('\n');
  };

  it('says what is missing or in the wrong place', () => {
    expect(faultsOf({ exchange: 'x' })).to.match(/say which queue is bound/);
    expect(faultsOf({ exchange: 'x', routingKey: 'a', from: { exchange: 'y' } })).to.match(
      /routingKey belong into from/,
    );
    expect(faultsOf({ exchange: '', from: { exchange: 'y' } })).to.match(/the default exchange cannot be bound/);
    expect(faultsOf({})).to.match(/exchange is missing/);
    expect(faultsOf({ exchange: 'x', from: { exchange: 'y', routingKey: 'k' } })).to.equal('');
  });
});

describe('BindingBuilder', () => {
  it('binds queues by routing keys', () => {
    expect(BindingBuilder.bind('q').to('x').with('k')).to.deep.equal({ queue: 'q', exchange: 'x', routingKey: 'k' });
    expect(BindingBuilder.bind('q').to('x').with('k', 'l')).to.deep.equal({
      queue: 'q',
      exchange: 'x',
      routingKey: ['k', 'l'],
    });
    expect(BindingBuilder.bind('q').to('x').noargs()).to.deep.equal({ queue: 'q', exchange: 'x' });
    expect(BindingBuilder.bind('q').to('x').withArguments('1', { a: 1 })).to.deep.equal({
      queue: 'q',
      exchange: 'x',
      routingKey: '1',
      arguments: { a: 1 },
    });
  });

  it('binds queues given by builders and options', () => {
    const builder = QueueBuilder.durable('q');
    expect(BindingBuilder.bind(builder).to('x').with('k').queue).to.equal(builder);
    expect(BindingBuilder.bind(builder.quorum().build()).to('x').with('k').queue).to.deep.include({ name: 'q' });
  });

  it('binds exchanges given by builders, by options with a type, and by name', () => {
    const target = ExchangeBuilder.fanout('local');
    for (const destination of [target, target.build()]) {
      expect(BindingBuilder.bind(destination).to('x').with('k')).to.deep.equal({
        exchange: destination,
        from: { exchange: 'x', routingKey: 'k' },
      });
    }
    expect(BindingBuilder.bindExchange('local').to('x').noargs()).to.deep.equal({
      exchange: 'local',
      from: { exchange: 'x' },
    });
  });

  it('binds by headers', () => {
    const to = BindingBuilder.bind('q').to('x');
    expect(to.where('kind').matches('pdf')).to.deep.equal({
      queue: 'q',
      exchange: 'x',
      headers: { kind: 'pdf' },
      match: 'all',
    });
    expect(to.where('kind').exists()).to.deep.include({ headers: { kind: null } });
    expect(to.where('x-kind').exists()).to.deep.include({ match: 'all-with-x' });
    expect(to.whereAll({ a: 1, b: 2 })).to.deep.include({ headers: { a: 1, b: 2 }, match: 'all' });
    expect(to.whereAny({ a: 1 }, 'any-with-x')).to.deep.include({ match: 'any-with-x' });
    expect(to.whereAny({ a: 1 })).to.deep.include({ match: 'any' });
  });
});

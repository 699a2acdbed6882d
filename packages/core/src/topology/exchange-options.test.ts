import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Problems } from '../errors/configuration-error.js';
import { ExchangeBuilder, exchangeOptionsOf } from './exchange-builder.js';
import { resolveExchangeName, resolveExchangeOptions } from './exchange-options.js';

function resolve(options: unknown): { resolved: ReturnType<typeof resolveExchangeOptions>; faults: readonly string[] } {
  const problems = new Problems();
  return { resolved: resolveExchangeOptions(exchangeOptionsOf(options), problems), faults: problems.list };
}

describe('resolveExchangeOptions', () => {
  it('declares a durable direct exchange when only the name is given', () => {
    const { resolved, faults } = resolve({ name: 'pay' });
    expect(faults).to.deep.equal([]);
    expect(resolved).to.deep.equal({
      name: 'pay',
      routing: 'direct',
      declaration: {
        name: 'pay',
        declare: 'always',
        type: 'direct',
        durable: true,
        autoDelete: false,
        internal: false,
        arguments: {},
      },
    });
  });

  it('declares what it is told', () => {
    const { resolved, faults } = resolve({
      name: 'pay',
      type: 'x-consistent-hash',
      durable: false,
      autoDelete: true,
      internal: true,
      alternateExchange: 'unrouted',
      declare: 'if-missing',
      arguments: { 'hash-header': 'id' },
    });
    expect(faults).to.deep.equal([]);
    expect(resolved?.declaration).to.deep.equal({
      name: 'pay',
      declare: 'if-missing',
      type: 'x-consistent-hash',
      durable: false,
      autoDelete: true,
      internal: true,
      arguments: { 'hash-header': 'id', 'alternate-exchange': 'unrouted' },
    });
  });

  it('declares a delayed exchange under the type of the plugin and routes by its own', () => {
    const { resolved, faults } = resolve({ name: 'later', type: 'topic', delayed: true });
    expect(faults).to.deep.equal([]);
    expect(resolved?.routing).to.equal('topic');
    expect(resolved?.declaration?.type).to.equal('x-delayed-message');
    expect(resolved?.declaration?.arguments).to.deep.equal({ 'x-delayed-type': 'topic' });
    expect(
      resolve({ name: 'later', type: 'x-delayed-message', arguments: { 'x-delayed-type': 'fanout' } }).resolved
        ?.routing,
    ).to.equal('fanout');
  });

  it('declares nothing with declare: false, also under a name of the broker', () => {
    const { resolved, faults } = resolve({ name: 'amq.topic', type: 'topic', declare: false });
    expect(faults).to.deep.equal([]);
    expect(resolved).to.deep.equal({ name: 'amq.topic', routing: 'topic', declaration: undefined });
  });

  const faulty: readonly (readonly [unknown, RegExp])[] = [
    [7, /an exchange must be an object with options; got 7/],
    [{}, /the name of an exchange must be a string; got undefined/],
    [{ name: '' }, /must not be empty/],
    [{ name: 'x'.repeat(256) }, /at most 255 bytes/],
    [{ name: 'amq.mine' }, /reserved/],
    [{ name: 'x', kind: 'topic' }, /unknown option "kind" of an exchange/],
    [{ name: 'x', type: '' }, /type must be 'direct'/],
    [{ name: 'x', type: 5 }, /type must be/],
    [{ name: 'x', durable: 1 }, /durable must be true or false; got 1/],
    [{ name: 'x', autoDelete: 1 }, /autoDelete/],
    [{ name: 'x', internal: 1 }, /internal/],
    [{ name: 'x', delayed: 'yes' }, /delayed/],
    [{ name: 'x', declare: 'no' }, /declare must be one of/],
    [{ name: 'x', alternateExchange: 5 }, /alternateExchange must be a string/],
    [
      { name: 'x', alternateExchange: 'a', arguments: { 'alternate-exchange': 'b' } },
      /alternateExchange .* contradict/,
    ],
    [{ name: 'x', type: 'x-delayed-message' }, /needs arguments\['x-delayed-type'\]/],
    [{ name: 'x', type: 'topic', delayed: true, arguments: { 'x-delayed-type': 'fanout' } }, /contradict/],
    [{ name: 'x', arguments: [] }, /arguments must be an object/],
  ];
  for (const [options, text] of faulty) {
    it(`refuses ${JSON.stringify(options).slice(0, 80)}`, () => {
      const { faults } = resolve(options);
      expect(faults).to.have.length(1);
      expect(faults[0]).to.match(text);
    });
  }
});

describe('resolveExchangeName', () => {
  it('assumes a durable exchange of the type that its use suggests', () => {
    expect(resolveExchangeName('pay', 'headers', new Problems())?.declaration).to.deep.equal({
      name: 'pay',
      declare: 'if-missing',
      assumed: true,
      type: 'headers',
      durable: true,
      autoDelete: false,
      internal: false,
      arguments: {},
    });
  });

  it('never declares the exchanges of the broker, and knows their types', () => {
    for (const [name, routing] of [
      ['', 'direct'],
      ['amq.direct', 'direct'],
      ['amq.topic', 'topic'],
      ['amq.fanout', 'fanout'],
      ['amq.match', 'headers'],
      ['amq.something', undefined],
    ] as const) {
      expect(resolveExchangeName(name, 'direct', new Problems())).to.deep.equal({
        name,
        routing,
        declaration: undefined,
      });
    }
  });
});

describe('ExchangeBuilder', () => {
  it('builds the same options as are written by hand', () => {
    const built = ExchangeBuilder.topic('pay')
      .durable(false)
      .autoDelete()
      .internal()
      .delayed()
      .alternate('unrouted')
      .withArgument('a', 1)
      .withArguments({ b: 2 })
      .build();
    expect(built).to.deep.equal({
      name: 'pay',
      type: 'topic',
      durable: false,
      autoDelete: true,
      internal: true,
      delayed: true,
      alternateExchange: 'unrouted',
      arguments: { a: 1, b: 2 },
    });
    expect(resolve(built).faults).to.deep.equal([]);
  });

  it('knows every type', () => {
    const types = [
      ExchangeBuilder.direct('x'),
      ExchangeBuilder.topic('x'),
      ExchangeBuilder.fanout('x'),
      ExchangeBuilder.headers('x'),
      ExchangeBuilder.ofType('x-random', 'x').durable(),
    ].map((builder) => builder.build().type);
    expect(types).to.deep.equal(['direct', 'topic', 'fanout', 'headers', 'x-random']);
  });
});

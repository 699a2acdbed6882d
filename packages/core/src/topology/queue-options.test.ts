import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Problems } from '../errors/configuration-error.js';
import { MAX_EXPIRY_MS } from './queue-arguments.js';
import { QueueBuilder, queueOptionsOf } from './queue-builder.js';
import { type QueueOptions, resolveQueueName, resolveQueueOptions } from './queue-options.js';
import type { QueueDeclaration } from './topology.js';

function declarationOf(options: QueueOptions): QueueDeclaration {
  const problems = new Problems();
  const resolved = resolveQueueOptions(options, problems);
  expect(problems.list).to.deep.equal([]);
  return resolved!.declaration!;
}

function faultsOf(options: unknown): readonly string[] {
  const problems = new Problems();
  resolveQueueOptions(queueOptionsOf(options), problems);
  return problems.list;
}

function expectFault(options: unknown, text: RegExp): void {
  const faults = faultsOf(options);
  expect(faults, JSON.stringify(options)).to.have.length(1);
  expect(faults[0]).to.match(text);
}

describe('resolveQueueOptions', () => {
  it('declares a durable queue of the default type when only the name is given', () => {
    expect(declarationOf({ name: 'orders' })).to.deep.equal({
      name: 'orders',
      declare: 'always',
      type: 'classic',
      durable: true,
      exclusive: false,
      autoDelete: false,
      lazy: false,
      arguments: {},
    });
  });

  it('puts every option on the wire under its argument', () => {
    const { arguments: args } = declarationOf({
      name: 'orders',
      type: 'quorum',
      messageTtl: '1m',
      expires: '2h',
      maxLength: 10,
      maxLengthBytes: 2000,
      overflow: 'reject-publish',
      deadLetterExchange: 'dlx',
      deadLetterRoutingKey: 'dead',
      deadLetterStrategy: 'at-least-once',
      singleActiveConsumer: true,
      deliveryLimit: 5,
      leaderLocator: 'balanced',
      arguments: { 'x-quorum-initial-group-size': 3 },
    });
    expect(args).to.deep.equal({
      'x-queue-type': 'quorum',
      'x-message-ttl': 60_000,
      'x-expires': 7_200_000,
      'x-max-length': 10,
      'x-max-length-bytes': 2000,
      'x-overflow': 'reject-publish',
      'x-dead-letter-exchange': 'dlx',
      'x-dead-letter-routing-key': 'dead',
      'x-dead-letter-strategy': 'at-least-once',
      'x-single-active-consumer': true,
      'x-delivery-limit': 5,
      'x-queue-leader-locator': 'balanced',
      'x-quorum-initial-group-size': 3,
    });
    expect(declarationOf({ name: 'orders', maxPriority: 10 }).arguments).to.deep.equal({ 'x-max-priority': 10 });
  });

  it('says the type on the wire only when it was said', () => {
    expect(declarationOf({ name: 'a' }).arguments).to.deep.equal({});
    expect(declarationOf({ name: 'a', type: 'classic' }).arguments).to.deep.equal({ 'x-queue-type': 'classic' });
    expect(declarationOf({ name: 'a', type: 'stream' }).arguments).to.deep.equal({ 'x-queue-type': 'stream' });
  });

  it('takes the type and lazy from arguments too', () => {
    expect(declarationOf({ name: 'a', arguments: { 'x-queue-type': 'quorum' } }).type).to.equal('quorum');
    const lazy = declarationOf({ name: 'a', arguments: { 'x-queue-mode': 'lazy' } });
    expect(lazy.lazy).to.equal(true);
    expect(lazy.arguments).to.deep.equal({});
  });

  it('leaves lazy to the transport, which knows the version of the broker', () => {
    const lazy = declarationOf({ name: 'a', lazy: true });
    expect(lazy.lazy).to.equal(true);
    expect(lazy.arguments).to.deep.equal({});
  });

  it('keeps an explicit default queue mode', () => {
    expect(declarationOf({ name: 'a', arguments: { 'x-queue-mode': 'default' } }).arguments).to.deep.equal({
      'x-queue-mode': 'default',
    });
  });

  it('leaves out arguments that are undefined', () => {
    expect(declarationOf({ name: 'a', arguments: { 'x-message-ttl': undefined } }).arguments).to.deep.equal({});
  });

  for (const options of [{ name: '' }, { anonymous: true }]) {
    it(`makes a queue of this process alone of ${JSON.stringify(options)}`, () => {
      const first = declarationOf(options);
      expect(first).to.include({ durable: false, exclusive: true, autoDelete: true });
      expect(first.name).to.match(/^leveret\.gen-[A-Za-z0-9_-]{22}$/);
      expect(declarationOf(options).name).not.to.equal(first.name);
    });
  }

  it('lets the flags of an anonymous queue be given one by one', () => {
    expect(declarationOf({ name: '', exclusive: false })).to.include({
      durable: false,
      exclusive: false,
      autoDelete: true,
    });
  });

  it('declares if missing, or not at all, when asked', () => {
    expect(declarationOf({ name: 'a', declare: 'if-missing' }).declare).to.equal('if-missing');
    const problems = new Problems();
    expect(resolveQueueOptions({ name: 'amq.x', type: 'quorum', declare: false }, problems)).to.deep.equal({
      name: 'amq.x',
      type: 'quorum',
      declaration: undefined,
    });
    expect(problems.list).to.deep.equal([]);
  });

  it('takes each number up to its bounds', () => {
    const argumentOf = (options: object) => Object.values(declarationOf({ name: 'q', ...options }).arguments)[0];
    expect(argumentOf({ messageTtl: 0 })).to.equal(0);
    expect(argumentOf({ messageTtl: '1d' })).to.equal(86_400_000);
    expect(argumentOf({ messageTtl: MAX_EXPIRY_MS })).to.equal(MAX_EXPIRY_MS);
    expectFault({ name: 'q', messageTtl: MAX_EXPIRY_MS + 1 }, /messageTtl must be whole milliseconds from 0/);
    expect([argumentOf({ expires: 1 }), argumentOf({ expires: '2h' })]).to.deep.equal([1, 7_200_000]);
    expectFault({ name: 'q', arguments: { 'x-expires': '2h' } }, /x-expires/);
    expect([argumentOf({ maxLength: 0 }), argumentOf({ maxLengthBytes: 0 })]).to.deep.equal([0, 0]);
    expect(argumentOf({ maxPriority: 255 })).to.equal(255);
    expectFault({ name: 'q', maxPriority: 256 }, /maxPriority must be a whole number from 1 to 255; got 256/);
  });

  it('takes names of up to 255 bytes', () => {
    expect(declarationOf({ name: 'q'.repeat(255) }).name).to.have.length(255);
    expectFault({ name: 'q'.repeat(256) }, /at most 255 bytes in UTF-8; got 256 bytes/);
    expectFault({ name: 'ü'.repeat(128) }, /got 256 bytes/);
  });

  it('blames namelessness only where a queue has no name', () => {
    const told = (options: object) => faultsOf({ type: 'quorum', ...options }).join();
    expect(told({ name: 'q', exclusive: true })).to.match(/^queue "q": quorum queues cannot be exclusive$/);
    expect(told({ anonymous: true })).to.match(/an anonymous queue cannot be a quorum queue unless it says so itself/);
  });

  it('answers frozen declarations', () => {
    const declaration = declarationOf({ name: 'a' });
    expect(declaration).to.be.frozen;
    expect(declaration.arguments).to.be.frozen;
  });
});

describe('faults of queue options', () => {
  const faults: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /a queue must be an object with options; got undefined/],
    [['a'], /a queue must be an object with options; got an array of 1/],
    [{}, /a queue needs a name/],
    [{ name: 7 }, /the name of a queue must be a string; got 7/],
    [{ name: 'é'.repeat(128) }, /at most 255 bytes.*got 256 bytes/],
    [{ name: 'a', anonymous: true }, /contradict each other/],
    [{ name: 'amq.orders' }, /reserved/],
    [{ name: 'a', durabel: false }, /unknown option "durabel" of a queue\. Did you mean "durable"\?/],
    [{ name: 'a', whatever: 1 }, /unknown option "whatever" of a queue\. Known are: name, .*durable/],
    [{ name: 'a', durable: 'yes' }, /durable must be true or false; got "yes"/],
    [{ name: 'a', type: 'fast' }, /type must be one of "classic", "quorum", "stream"; got "fast"/],
    [{ name: 'a', declare: 'never' }, /declare must be one of true, false, "if-missing"; got "never"/],
    [{ name: 'a', arguments: 'x' }, /arguments must be an object/],
    [{ name: 'a', messageTtl: -1 }, /messageTtl must be whole milliseconds from 0 to 315360000000.*got -1/],
    [{ name: 'a', messageTtl: 1.5 }, /messageTtl.*got 1.5/],
    [{ name: 'a', messageTtl: '1 minute' }, /messageTtl.*got "1 minute"/],
    [{ name: 'a', messageTtl: 315_360_000_001 }, /messageTtl/],
    [{ name: 'a', expires: 0 }, /expires must be whole milliseconds from 1/],
    [{ name: 'a', maxLength: -1 }, /maxLength must be a whole number from 0; got -1/],
    [{ name: 'a', maxLengthBytes: 0.5 }, /maxLengthBytes/],
    [{ name: 'a', overflow: 'drop' }, /overflow must be one of "drop-head"/],
    [{ name: 'a', type: 'quorum', overflow: 'reject-publish-dlx' }, /classic queues only/],
    [{ name: 'a', deadLetterExchange: 5 }, /deadLetterExchange must be a string/],
    [{ name: 'a', deadLetterRoutingKey: 'k' }, /needs deadLetterExchange/],
    [{ name: 'a', arguments: { 'x-dead-letter-routing-key': 'k' } }, /needs deadLetterExchange/],
    [
      { name: 'a', deadLetterStrategy: 'at-most-once' },
      /deadLetterStrategy does not exist for classic queues, only for quorum/,
    ],
    [{ name: 'a', type: 'quorum', deadLetterExchange: 'd', deadLetterStrategy: 'at-least-once' }, /needs overflow/],
    [
      { name: 'a', type: 'quorum', overflow: 'reject-publish', deadLetterStrategy: 'at-least-once' },
      /'at-least-once' needs deadLetterExchange/,
    ],
    [{ name: 'a', maxPriority: 0 }, /maxPriority must be a whole number from 1 to 255; got 0/],
    [{ name: 'a', maxPriority: 256 }, /maxPriority/],
    [{ name: 'a', type: 'quorum', maxPriority: 5 }, /maxPriority does not exist for quorum queues/],
    [{ name: 'a', type: 'quorum', lazy: true }, /lazy does not exist for quorum queues/],
    [{ name: 'a', type: 'stream', lazy: true }, /lazy does not exist for stream queues/],
    [{ name: 'a', lazy: 'yes' }, /lazy must be true or false/],
    [{ name: 'a', lazy: false, arguments: { 'x-queue-mode': 'lazy' } }, /lazy .* contradict/],
    [{ name: 'a', arguments: { 'x-queue-mode': 'slow' } }, /must be one of "default", "lazy"/],
    [{ name: 'a', singleActiveConsumer: 'yes' }, /singleActiveConsumer must be one of true, false/],
    [{ name: 'a', deliveryLimit: 5 }, /deliveryLimit does not exist for classic queues/],
    [{ name: 'a', type: 'quorum', deliveryLimit: -2 }, /deliveryLimit must be a whole number from -1/],
    [{ name: 'a', leaderLocator: 'random' }, /leaderLocator must be one of/],
    [{ name: 'a', type: 'quorum', exclusive: true }, /quorum queues cannot be exclusive/],
    [{ name: 'a', type: 'quorum', autoDelete: true }, /quorum queues cannot be autoDelete/],
    [{ name: 'a', type: 'quorum', durable: false }, /quorum queues are always durable/],
    [{ name: 'a', type: 'stream', messageTtl: 5 }, /messageTtl does not exist for stream queues/],
    [{ name: 'a', type: 'stream', deadLetterExchange: 'd' }, /deadLetterExchange does not exist for stream queues/],
    [{ name: 'a', type: 'stream', singleActiveConsumer: true }, /singleActiveConsumer does not exist for stream/],
    [{ name: 'a', type: 'classic', arguments: { 'x-queue-type': 'quorum' } }, /type .* contradict each other/],
    [
      { name: 'a', messageTtl: 5, arguments: { 'x-message-ttl': 6 } },
      /messageTtl \(5\) and arguments\['x-message-ttl'\] \(6\)/,
    ],
    [{ name: 'a', arguments: { 'x-message-ttl': -5 } }, /arguments\['x-message-ttl'\] must be whole milliseconds/],
    [
      { name: 'a', arguments: { 'x-message-ttl': '1m' } },
      /must be a number; got "1m", which the option messageTtl takes/,
    ],
  ];
  for (const [options, text] of faults) {
    it(`refuses ${JSON.stringify(options)?.slice(0, 90)}`, () => expectFault(options, text));
  }

  it('accepts an argument that repeats its option', () => {
    expect(faultsOf({ name: 'a', messageTtl: '1s', arguments: { 'x-message-ttl': 1000 } })).to.deep.equal([]);
  });

  it('lists all of them at once, each with the name of the queue', () => {
    const faults = faultsOf({ name: 'orders', type: 'quorum', exclusive: true, autoDelete: true, maxLength: 'x' });
    expect(faults).to.have.length(3);
    for (const fault of faults) expect(fault).to.match(/^queue "orders": /);
  });
});

describe('resolveQueueName', () => {
  it('assumes a durable queue that is declared if it is missing', () => {
    expect(resolveQueueName('orders', new Problems())?.declaration).to.deep.equal({
      name: 'orders',
      declare: 'if-missing',
      assumed: true,
      type: 'classic',
      durable: true,
      exclusive: false,
      autoDelete: false,
      lazy: false,
      arguments: {},
    });
  });

  it('never declares what belongs to the broker', () => {
    expect(resolveQueueName('amq.gen-1', new Problems())).to.deep.equal({
      ...{ name: 'amq.gen-1', type: 'classic', declaration: undefined },
    });
  });

  it('refuses an empty name', () => {
    const problems = new Problems();
    expect(resolveQueueName('', problems)).to.equal(undefined);
    expect(problems.list).to.deep.equal(['the name of a queue must not be empty']);
  });
});

describe('QueueBuilder', () => {
  it('builds the same options as are written by hand', () => {
    const built = QueueBuilder.durable('lazy.queue')
      .classic()
      .lazy()
      .ttl('1m')
      .expires('1h')
      .maxLength(5)
      .maxLengthBytes(500)
      .overflow('reject-publish')
      .deadLetterExchange('dlx')
      .deadLetterRoutingKey('dead')
      .maxPriority(9)
      .singleActiveConsumer()
      .leaderLocator('client-local')
      .withArgument('x-a', 1)
      .withArguments({ 'x-b': 2 })
      .build();
    expect(built).to.deep.equal({
      name: 'lazy.queue',
      durable: true,
      type: 'classic',
      lazy: true,
      messageTtl: '1m',
      expires: '1h',
      maxLength: 5,
      maxLengthBytes: 500,
      overflow: 'reject-publish',
      deadLetterExchange: 'dlx',
      deadLetterRoutingKey: 'dead',
      maxPriority: 9,
      singleActiveConsumer: true,
      leaderLocator: 'client-local',
      arguments: { 'x-a': 1, 'x-b': 2 },
    });
    expect(faultsOf(built)).to.deep.equal([]);
  });

  it('builds quorum queues, streams and transient queues', () => {
    expect(
      QueueBuilder.durable('q').quorum().deliveryLimit(3).deadLetterStrategy('at-most-once').build(),
    ).to.deep.equal({
      name: 'q',
      durable: true,
      type: 'quorum',
      deliveryLimit: 3,
      deadLetterStrategy: 'at-most-once',
    });
    expect(QueueBuilder.durable('s').stream().build().type).to.equal('stream');
    expect(QueueBuilder.nonDurable('t').exclusive().autoDelete().build()).to.deep.equal({
      name: 't',
      durable: false,
      exclusive: true,
      autoDelete: true,
    });
    expect(QueueBuilder.anonymous().build()).to.deep.equal({ anonymous: true });
  });

  it('generates a name where none is given, once for each builder', () => {
    const builder = QueueBuilder.nonDurable();
    expect(builder.build().name).to.match(/^leveret\.gen-/);
    expect(builder.autoDelete().build().name).to.equal(builder.build().name);
    expect(QueueBuilder.durable().build().name).not.to.equal(builder.build().name);
  });

  it('keeps a step whose result is not used', () => {
    const builder = QueueBuilder.durable('q');
    builder.lazy();
    expect(builder.build().lazy).to.equal(true);
  });
});

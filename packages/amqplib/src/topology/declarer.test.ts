import { expect } from 'chai';
import { describe, it } from 'mocha';
import { AnsweringLink, refusal } from '../test-support/answering-link.js';
import { bindingOf, exchangeOf, queueOf, topologyOf } from '../test-support/declarations.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { Declarer } from './declarer.js';

const mismatch = (name: string, argument: string, current: string) =>
  refusal(
    406,
    `PRECONDITION_FAILED - inequivalent arg '${argument}' for queue '${name}' in vhost '/': received none but current is ${current}`,
  );
const refuse = (error: Error) => () => Promise.reject(error);

describe('Declarer', () => {
  const declare = (to: AnsweringLink, ...[parts]: Parameters<typeof topologyOf>) =>
    new Declarer(to.link).declare(topologyOf(parts));

  it('declares as it is told, one thing after the other, on one channel', async () => {
    const to = new AnsweringLink();
    const headers = { ...bindingOf('x', 'q', ''), arguments: { kind: 'order' } };
    const onward = { ...bindingOf('x', 'y', 'key'), destinationType: 'exchange' as const };
    const report = await declare(to, {
      exchanges: [exchangeOf('x', { durable: false, autoDelete: true, internal: true, arguments: { a: 1 } })],
      queues: [queueOf('q', { durable: false, exclusive: true, autoDelete: true, arguments: { b: 2 } })],
      bindings: [headers, onward],
    });
    expect(report).to.deep.equal({ failures: [], asDeclared: ['q'], notices: [], unavailable: [] });
    expect(to.asked).to.deep.equal([
      'assertExchange x direct',
      'assertQueue q',
      'bindQueue q x',
      'bindExchange y x key',
    ]);
    expect(to.options.get('x')).to.deep.equal({
      durable: false,
      autoDelete: true,
      internal: true,
      arguments: { a: 1 },
    });
    expect(to.options.get('y')).to.deep.equal({});
    expect([to.channels, to.options.get('q')]).to.deep.equal([1, { kind: 'order' }]);
  });

  it('gives the arguments of a queue with its properties', async () => {
    const to = new AnsweringLink();
    await declare(to, {
      queues: [queueOf('q', { exclusive: true, durable: false, autoDelete: true, arguments: { b: 2 } })],
    });
    expect(to.options.get('q')).to.deep.equal({
      durable: false,
      exclusive: true,
      autoDelete: true,
      arguments: { b: 2 },
    });
  });

  it('notes what is refused, goes on on another channel, and begins each report anew', async () => {
    const to = new AnsweringLink();
    const declarer = new Declarer(to.link);
    to.answers.set('x', refuse(refusal(403, "ACCESS_REFUSED - access to exchange 'x' refused")));
    to.answers.set('q', refuse(mismatch('q', 'x-max-length', "the value '5' of type 'long'")));
    const part = topologyOf({
      exchanges: [exchangeOf('x')],
      queues: [queueOf('q'), queueOf('r')],
      bindings: [bindingOf('y', 'r', 'key')],
    });
    const report = await declarer.declare(part);
    expect(report.failures.map(({ error }) => error.code)).to.deep.equal([
      ...['LEV_TOPOLOGY_REFUSED', 'LEV_TOPOLOGY_MISMATCH'],
    ]);
    expect(report.failures.map((each) => each.part)).to.deep.equal([part, part]);
    expect([report.asDeclared, report.unavailable, to.channels]).to.deep.equal([['r'], [], 3]);
    expect(to.asked.at(-1)).to.equal('bindQueue r y key');
    expect(await declarer.declare(topologyOf({ queues: [queueOf('s')] }))).to.deep.equal({
      ...{ failures: [], asDeclared: ['s'], notices: [], unavailable: [] },
    });
    expect(to.channels).to.equal(3);
    declarer.done();
    expect(to.open).to.equal(0);
    await declarer.declare(topologyOf({ queues: [queueOf('t')] }));
    expect([to.channels, to.open]).to.deep.equal([4, 1]);
  });

  it('binds nothing to a queue that cannot be had now', async () => {
    const to = new AnsweringLink();
    to.answers.set('q', refuse(refusal(404, "NOT_FOUND - home node 'n' of queue 'q' is down or inaccessible")));
    const part = { queues: [queueOf('q')], bindings: [bindingOf('x', 'q', 'key')] };
    const report = await declare(to, part);
    expect(report.failures.map(({ error }) => error.code)).to.deep.equal(['LEV_TOPOLOGY_UNAVAILABLE']);
    expect(report.unavailable).to.deep.equal([topologyOf(part)]);
    expect(to.asked).to.deep.equal(['assertQueue q']);
  });

  it('takes what is there as it is where it is only to be declared if it is missing', async () => {
    const to = new AnsweringLink();
    const [x, q] = [exchangeOf('x', { declare: 'if-missing' }), queueOf('q', { declare: 'if-missing' })];
    expect((await declare(to, { exchanges: [x], queues: [q] })).asDeclared).to.deep.equal([]);
    expect(to.asked).to.deep.equal(['checkExchange x', 'checkQueue q']);
    const missing = new AnsweringLink();
    missing.answers.set('checkExchange x', refuse(refusal(404, "NOT_FOUND - no exchange 'x'")));
    missing.answers.set('checkQueue q', refuse(refusal(404, "NOT_FOUND - no queue 'q'")));
    expect((await declare(missing, { exchanges: [x], queues: [q] })).asDeclared).to.deep.equal(['q']);
    expect(missing.asked).to.deep.equal([
      'checkExchange x',
      'assertExchange x direct',
      'checkQueue q',
      'assertQueue q',
    ]);
    const refused = new AnsweringLink();
    refused.answers.set('checkQueue q', refuse(refusal(403, 'ACCESS_REFUSED')));
    expect((await declare(refused, { queues: [q] })).failures).to.have.lengthOf(1);
    expect(refused.asked).to.deep.equal(['checkQueue q']);
  });

  it('leaves a lazy queue lazy that an older broker made, and says what it leaves out else', async () => {
    const lazy = { queues: [queueOf('q', { lazy: true })] };
    const newer = new AnsweringLink();
    const report = await declare(newer, lazy);
    expect(report.notices).to.have.lengthOf(1);
    expect(report.notices[0]).to.match(/^Queue "q" is declared without x-queue-mode=lazy/);
    let times = 0;
    newer.answers.set('q', () =>
      times++ === 0
        ? Promise.reject(mismatch('q', 'x-queue-mode', "the value 'lazy' of type 'longstr'"))
        : Promise.resolve({}),
    );
    expect(await declare(newer, lazy)).to.deep.equal({ failures: [], asDeclared: ['q'], notices: [], unavailable: [] });
    expect(newer.options.get('q')).to.deep.include({ arguments: { 'x-queue-mode': 'lazy' } });
    for (const [argument, current] of [
      ['x-queue-mode', "the value 'default' of type 'longstr'"],
      ['x-max-length', "the value 'lazy' of type 'longstr'"],
    ] as const) {
      newer.answers.set('q', refuse(mismatch('q', argument, current)));
      expect((await declare(newer, lazy)).failures.map(({ error }) => error.code)).to.deep.equal([
        'LEV_TOPOLOGY_MISMATCH',
      ]);
    }
  });

  describe('of queues that hold back what is rejected', () => {
    const holding = queueOf('q', { type: 'quorum', delayedRetry: { minMs: 1_000, maxMs: 60_000 } } as object);

    it('asks brokers for it that can, and remembers those that do', async () => {
      const to = new AnsweringLink('4.3.0');
      await declare(to, { queues: [holding] });
      expect([...to.holdingBack]).to.deep.equal(['q']);
      expect(to.options.get('q')).to.deep.include({
        arguments: {
          'x-queue-type': 'quorum',
          'x-delayed-retry-type': 'failed',
          'x-delayed-retry-min': 1_000,
          'x-delayed-retry-max': 60_000,
        },
      });
      const older = new AnsweringLink('4.2.0');
      await declare(older, { queues: [holding] });
      expect([...older.holdingBack]).to.deep.equal([]);
      expect(older.options.get('q')).to.deep.include({ arguments: { 'x-queue-type': 'quorum' } });
    });

    it('declares one that was made without that as it is, says so, and remembers that it does not', async () => {
      const to = new AnsweringLink('4.3.0');
      to.holdingBack.add('q');
      let times = 0;
      to.answers.set('q', () =>
        times++ === 0 ? Promise.reject(mismatch('q', 'x-delayed-retry-min', 'none')) : Promise.resolve({}),
      );
      const report = await declare(to, { queues: [holding] });
      expect([[...to.holdingBack], report.failures, report.asDeclared]).to.deep.equal([[], [], ['q']]);
      expect(report.notices.map((text) => text.split(',')[0])).to.deep.equal([
        'Queue "q" exists with another x-delayed-retry-min',
      ]);
      to.answers.set('q', refuse(mismatch('q', 'x-max-length', 'none')));
      expect((await declare(to, { queues: [holding] })).failures).to.have.lengthOf(1);
    });
  });

  describe('on a connection that ends', () => {
    const ended = async (why: Error) => {
      const to = new AnsweringLink();
      const asked = new Error('the channel is gone');
      to.answers.set('q', () => {
        to.end(why);
        return Promise.reject(asked);
      });
      return rejectionOf(declare(to, { queues: [queueOf('q'), queueOf('r')] }));
    };

    it('throws why it ended, and asks nothing more', async () => {
      const cut = new Error('read ECONNRESET');
      expect(await ended(cut)).to.equal(cut);
      const stopped = new Error('Connection closed: 320 (CONNECTION-FORCED) with message "bye"');
      expect(await ended(stopped)).to.equal(stopped);
    });

    it('takes it for a refusal when the broker ended it over what was declared', async () => {
      const over = new Error('Connection closed: 503 (COMMAND-INVALID) with message "unknown exchange type"');
      expect(await ended(over)).to.include({ code: 'LEV_TOPOLOGY_REFUSED' });
    });
  });
});

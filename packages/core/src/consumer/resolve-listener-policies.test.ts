import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Problems } from '../errors/configuration-error.js';
import type { ListenerPolicyOptions } from './listener-options.js';
import { resolveListenerPolicies } from './resolve-listener-policies.js';

function resolve(own: object = {}, defaults: object = {}) {
  const problems = new Problems();
  const policies = resolveListenerPolicies(own as ListenerPolicyOptions, defaults as ListenerPolicyOptions, problems);
  return { policies, problems: problems.list };
}

describe('resolveListenerPolicies', () => {
  it('fills in defaults that lose no messages', () => {
    const { policies, problems } = resolve();
    expect(problems).to.deep.equal([]);
    const { replies, ...rest } = policies;
    expect(replies.allows({ exchange: '', routingKey: 'queue' })).to.equal(true);
    expect(rest).to.deep.equal({
      acknowledge: 'auto',
      concurrency: 1,
      sharedChannel: undefined,
      prefetch: undefined,
      messagesPerAck: 100,
      ordered: undefined,
      exclusive: false,
      priority: undefined,
      missingQueue: 'fail',
      consumerArguments: {},
      autoStart: true,
      timeoutMs: undefined,
      consumerTimeoutMs: undefined,
      streamOffsets: undefined,
      returnExceptions: false,
      invalid: 'reject',
      retry: undefined,
      redeliver: undefined,
      killSwitch: undefined,
      maxRate: undefined,
      crashLoop: undefined,
      recoverer: undefined,
      converter: undefined,
      defaultRequeueRejected: true,
      maxBodyBytes: undefined,
      maxElements: undefined,
      longNumbers: undefined,
    });
  });

  it('answers queues only, and what is allowed', () => {
    const asked = [
      { exchange: '', routingKey: 'amq.rabbitmq.reply-to.g1' },
      { exchange: '', routingKey: 'mine' },
      { exchange: 'replies', routingKey: 'a' },
      { exchange: 'replies', routingKey: 'b/c' },
      { exchange: 'repliesx', routingKey: 'a' },
      { exchange: 'a.b', routingKey: '' },
      { exchange: 'axb', routingKey: '' },
    ];
    const allowed = (...allow: string[]) => {
      const { policies, problems } = resolve(allow.length === 0 ? {} : { replies: { allow } });
      expect(problems).to.deep.equal([]);
      return asked.map(policies.replies.allows);
    };
    expect(allowed()).to.deep.equal([true, true, false, false, false, false, false]);
    expect(allowed('replies/a')).to.deep.equal([true, true, true, false, false, false, false]);
    expect(allowed('replies/*', 'a.b/')).to.deep.equal([true, true, true, true, false, true, false]);
    expect(allowed('*/*')).to.deep.equal(asked.map(() => true));
  });

  it('takes what is given', () => {
    const { policies, problems } = resolve({
      acknowledge: 'none',
      prefetch: 0,
      concurrency: 4,
      retry: { maxAttempts: 2 },
      defaultRequeueRejected: false,
      timeout: '30s',
      autoStart: false,
      priority: -5,
      invalid: 'recover',
      missingQueue: 'wait',
      consumerArguments: { 'x-stream-offset': 'first' },
      returnExceptions: true,
    });
    expect(problems).to.deep.equal([]);
    expect(policies).to.deep.include({
      concurrency: 4,
      prefetch: 0,
      priority: -5,
      missingQueue: 'wait',
      consumerArguments: { 'x-stream-offset': 'first' },
      autoStart: false,
      timeoutMs: 30_000,
      returnExceptions: true,
    });
    expect(policies).to.deep.include({
      acknowledge: 'none',
      invalid: 'recover',
      defaultRequeueRejected: false,
    });
    expect(policies.retry).to.include({ maxAttempts: 2 });
  });

  it('lets an own value win over the default for all, as a whole, and one that is left out not', () => {
    const defaults = { prefetch: 10, concurrency: 3, retry: { maxAttempts: 9, multiplier: 2 } };
    const { policies } = resolve({ prefetch: 1, concurrency: undefined, retry: { maxAttempts: 2 } }, defaults);
    expect(policies).to.include({ prefetch: 1, concurrency: 3 });
    expect(policies.retry).to.include({ maxAttempts: 2 });
    expect(policies.retry?.backoff.multiplier).to.equal(1);
    expect(resolve({ retry: false }, defaults).policies.retry).to.equal(undefined);
  });

  const faults: readonly [object, RegExp][] = [
    [{ acknowledge: 'client' }, /^acknowledge must be one of 'auto', 'manual', 'none'; got "client"/],
    [{ prefetch: -1 }, /^prefetch must be a whole number from 0 to 65535; got -1/],
    [{ prefetch: 65_536 }, /^prefetch must .* got 65536/],
    [{ concurrency: 0 }, /^concurrency must be a whole number from 1 to 2047; got 0/],
    [{ concurrency: '2' }, /^concurrency must .* got "2"/],
    [{ retry: { maxAttempts: 0 } }, /^retry.maxAttempts .* got 0/],
    [{ retry: 'yes' }, /^retry must be true, false or an object; got "yes"/],
    [{ defaultRequeueRejected: 0 }, /^defaultRequeueRejected must be true or false; got 0/],
    [{ timeout: 'soon' }, /^timeout must be milliseconds .* got "soon"/],
    [{ timeout: 0 }, /^timeout must be longer than 0/],
    [{ autoStart: 'no' }, /^autoStart must be true or false; got "no"/],
    [{ priority: 2 ** 31 }, /^priority must be a whole number from -2147483648 to 2147483647; got 2147483648/],
    [{ priority: 1.5 }, /^priority must .* got 1.5/],
    [{ exclusive: 1 }, /^exclusive must be true or false; got 1/],
    [{ exclusive: true, concurrency: 2 }, /^exclusive allows one consumer; with concurrency 2/],
    [{ invalid: 'drop' }, /^invalid must be one of 'reject', 'recover'; got "drop"/],
    [{ missingQueue: 'create' }, /^missingQueue must be one of 'fail', 'wait'; got "create"/],
    [{ consumerArguments: [] }, /^consumerArguments must be an object; got an array of 0/],
    [{ consumerArguments: null }, /^consumerArguments must be an object; got null/],
    [{ replies: 'all' }, /^replies must be an object; got "all"/],
    [{ replies: { allow: ['key'] } }, /^replies\.allow takes texts such as 'exchange\/key'/],
    [{ replies: { alow: [] } }, /^unknown option "alow" of replies\. Did you mean "allow"/],
    [{ returnExceptions: 'yes' }, /^returnExceptions must be true or false; got "yes"/],
    [{ acknowledge: 'manual', retry: true }, /^retry does not go with acknowledge: 'manual'/],
    [{ streamOffsets: { load: Boolean } }, /^streamOffsets must have the methods load and save; got an object/],
    [{ streamOffsets: { save: Boolean } }, /^streamOffsets must have the methods load and save; got an object/],
    [{ streamOffsets: 'redis' }, /^streamOffsets must have the methods load and save; got "redis"/],
    [{ streamOffsets: null }, /^streamOffsets must have the methods load and save; got null/],
    [{ crashLoop: { after: 101 } }, /^crashLoop.after must be a whole number from 2 to 100; got 101/],
    [{ crashLoop: { after: 1 } }, /^crashLoop.after must be a whole number from 2 to 100; got 1/],
    [{ messagesPerAck: 0 }, /^messagesPerAck must be a whole number from 1 to 65535; got 0/],
    [{ acknowledge: 'manual', redeliver: { delays: ['1m'] } }, /^redeliver does not go with acknowledge: 'manual'/],
    [{ redeliver: { delays: ['1m'] }, retry: { stateless: false } }, /^redeliver does not go with stateful retry/],
    [{ acknowledge: 'none', retry: { stateless: false } }, /^stateful retry does not go with acknowledge: 'none'/],
  ];
  for (const [options, text] of faults) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      const { problems } = resolve(options);
      expect(problems).to.have.lengthOf(1);
      expect(problems[0]).to.match(text);
      expect(resolve({}, options).problems).to.deep.equal(problems);
    });
  }

  it('reports every fault, not only the first', () => {
    const { problems } = resolve({ acknowledge: 1, prefetch: -1, concurrency: 0, timeout: 0, exclusive: 'x' });
    expect(problems).to.have.lengthOf(5);
  });

  it('allows local retry without acknowledgements, and manual mode and exclusive consumers by themselves', () => {
    expect(resolve({ acknowledge: 'none', retry: true }).problems).to.deep.equal([]);
    expect(resolve({ acknowledge: 'manual', retry: false }).problems).to.deep.equal([]);
    expect(resolve({ exclusive: true }).problems).to.deep.equal([]);
  });

  it('takes each number up to its bounds, and a store of offsets as it is', () => {
    const streamOffsets = { load: async () => undefined, save: async () => {} };
    const { policies, problems } = resolve({ crashLoop: { after: 100 }, messagesPerAck: 65_535, streamOffsets });
    expect(problems).to.deep.equal([]);
    expect(policies).to.include({ messagesPerAck: 65_535, streamOffsets });
    expect(policies.crashLoop?.after).to.equal(100);
  });

  it('allows several handlers of an exclusive consumer where they share it, and redelivery with local retry or none', () => {
    expect(resolve({ exclusive: true, concurrency: 2, sharedChannel: true }).problems).to.deep.equal([]);
    expect(resolve({ exclusive: true, concurrency: 2, sharedChannel: false }).problems).to.have.lengthOf(1);
    expect(resolve({ redeliver: { delays: ['1m'] } }).problems).to.deep.equal([]);
    expect(resolve({ redeliver: { delays: ['1m'] }, retry: { maxAttempts: 2 } }).problems).to.deep.equal([]);
    expect(resolve({ acknowledge: 'manual', redeliver: false }).problems).to.deep.equal([]);
  });
});

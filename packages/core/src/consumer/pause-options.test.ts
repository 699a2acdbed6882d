import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ConfigurationError } from '../errors/configuration-error.js';
import type { BrokerFacts } from '../transport/transport.js';
import { inHandAtPause, keepsInHand } from './at-pause.js';
import type { ListenerDefinition } from './listener-definition.js';
import { resolvePause } from './pause-options.js';

describe('resolvePause', () => {
  it('is a pause by hand without end, whose call waits 25 s, unless told otherwise', () => {
    expect(resolvePause()).to.deep.equal({ reason: 'paused by hand', forMs: undefined, timeoutMs: 25_000 });
    expect(resolvePause({ reason: 'x', for: '2m', timeout: 0 })).to.deep.equal({
      ...{ reason: 'x', forMs: 120_000, timeoutMs: 0 },
    });
    expect(resolvePause({ reason: 'r'.repeat(500), for: 1 })).to.include({ forMs: 1 });
  });

  for (const [options, text] of [
    [{ reason: '' }, /reason must be a text of 1 to 500 characters; got ""/],
    [{ reason: '  ' }, /reason must be a text/],
    [{ reason: 7 }, /reason must be a text .* got 7/],
    [{ reason: 'r'.repeat(501) }, /reason must be a text/],
    [{ for: 0 }, /for must be longer than 0; leave it out to pause until resume\(\)/],
    [{ for: 'long' }, /for must be milliseconds/],
    [{ timeout: 'long' }, /timeout must be milliseconds/],
  ] as const) {
    it(`refuses ${JSON.stringify(options).slice(0, 40)}`, () => {
      expect(() => resolvePause(options as object)).to.throw(ConfigurationError, text);
    });
  }
});

describe('what a listener has in hand when it is paused', () => {
  const broker = (version: string): BrokerFacts => ({ product: 'RabbitMQ', version, frameMax: 131_072 });
  const definition = (parts: object) =>
    ({
      acknowledge: 'auto',
      ordered: false,
      consumerArguments: {},
      queueDeclaration: undefined,
      ...parts,
    }) as ListenerDefinition;
  const inHand = (parts: object, version = '4.3.0') =>
    (['person', 'kill-switch'] as const).map((by) => inHandAtPause(definition(parts), { broker: broker(version) }, by));
  const queue = (type: string) => ({ queueDeclaration: { type, declare: 'always' } });

  it('goes by its queue, its order and its mode', () => {
    expect(inHand(queue('stream'))).to.deep.equal(['give-back', 'give-back']);
    expect(inHand({ consumerArguments: { 'x-stream-offset': 'first' }, acknowledge: 'none' })).to.deep.equal([
      ...['give-back', 'give-back'],
    ]);
    expect(inHand({ acknowledge: 'none', ordered: true })).to.deep.equal(['keep', 'keep']);
    expect(inHand({ ...queue('classic'), ordered: true })).to.deep.equal(['hand-over', 'keep-place']);
    expect(inHand(queue('classic'), '3.10.0')).to.deep.equal(['give-back', 'give-back']);
    expect(inHand(queue('quorum'))).to.deep.equal(['give-back', 'give-back']);
    expect(inHand(queue('quorum'), '4.2.0')).to.deep.equal(['keep', 'keep']);
    const undeclared = { queueDeclaration: { type: 'classic', declare: 'if-missing' } };
    for (const parts of [{}, undeclared]) {
      expect(inHand(parts, '4.2.0')).to.deep.equal(['keep', 'keep']);
      expect(inHand(parts)).to.deep.equal(['give-back', 'give-back']);
    }
  });

  it('stays here or leaves', () => {
    expect(
      [undefined, 'give-back', 'keep', 'keep-place', 'hand-over'].map((each) => keepsInHand(each as 'keep')),
    ).to.deep.equal([...[false, false, true, true, false]]);
  });
});

import type { AttemptParts } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { sampleContext } from '../container/sample-context.js';
import { tellingTheEnd } from './end-of-attempt.js';

const settled = () => new Promise(setImmediate);

function setUp(invoke: (parts: AttemptParts) => unknown) {
  const steps: string[] = [];
  const outer: AttemptParts = { began: () => void steps.push('began'), ended: () => void steps.push('ended') };
  const context = sampleContext();
  const call = tellingTheEnd(
    (_, parts) => invoke(parts as AttemptParts),
    (ended) => steps.push(ended === context ? 'the end' : 'the end of another'),
  );
  return { steps, call: (parts: AttemptParts | undefined = outer) => call(context, parts) };
}

describe('the end of an attempt', () => {
  it('comes with its result, whatever that is', async () => {
    const plain = setUp(() => 7);
    expect([plain.call(), plain.steps]).to.deep.equal([7, ['the end']]);
    const throwing = setUp(() => {
      throw new Error('broken');
    });
    expect(() => throwing.call()).to.throw('broken');
    expect(throwing.steps).to.deep.equal(['the end']);
    const later = setUp(async () => 8);
    const promise = later.call();
    expect(later.steps).to.deep.equal([]);
    expect([await promise, later.steps]).to.deep.equal([8, ['the end']]);
    const rejecting = setUp(async () => Promise.reject(new Error('late')));
    expect(await (rejecting.call() as Promise<unknown>).catch(String)).to.equal('Error: late');
    expect(rejecting.steps).to.deep.equal(['the end']);
  });

  it('makes a promise of what is merely thenable, and none of null', async () => {
    // biome-ignore lint/suspicious/noThenProperty: it is what a library may answer
    const thenable = setUp(() => ({ then: (resolve: (value: number) => void) => resolve(9) }));
    const promise = thenable.call();
    expect(promise).to.be.instanceOf(Promise);
    expect(await promise).to.equal(9);
    await settled();
    expect(thenable.steps).to.deep.equal(['the end']);
    for (const value of [null, undefined, 'text']) expect(setUp(() => value).call()).to.equal(value);
  });

  it('waits for all that interceptors started of it', async () => {
    let parts: AttemptParts | undefined;
    const { steps, call } = setUp((given) => {
      parts = given;
      given.began();
      given.began();
      return 'early';
    });
    expect(call()).to.equal('early');
    parts?.ended();
    expect(steps).to.deep.equal(['began', 'began', 'ended']);
    parts?.ended();
    expect(steps).to.deep.equal(['began', 'began', 'ended', 'ended', 'the end']);
  });

  it('begins nothing that may not begin any more', () => {
    const over = new Error('over');
    const { steps, call } = setUp((parts) => {
      expect(() => parts.began()).to.throw(over);
      return 1;
    });
    call({
      began: () => {
        throw over;
      },
      ended: () => undefined,
    });
    expect(steps).to.deep.equal(['the end']);
  });
});

import { type Message, Problems } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { IdempotentOptions } from '../decorators/idempotent.js';
import { overriding, readIdempotencyOptions, readIdempotent } from './read-idempotent.js';

function read(ofClass: readonly unknown[], ofMethod: readonly unknown[]) {
  const problems = new Problems();
  return { options: readIdempotent(ofClass, ofMethod, problems), faults: problems.list };
}

const byId = (message: Message) => message.messageId;
const store = { name: 'a store' } as never;
const guard = { name: 'a guard' } as never;

describe('readIdempotent', () => {
  const cases: readonly [string, readonly unknown[], readonly unknown[], IdempotentOptions | undefined][] = [
    ['nothing', [], [], undefined],
    ['a method', [], [{}], {}],
    ['a key', [], [byId], { key: byId }],
    ['options', [], [{ key: byId, ttl: '1d' }], { key: byId, ttl: '1d' }],
    ['a class', [{ ttl: '1d' }], [], { ttl: '1d' }],
    ['a method over its class', [{ ttl: '1d', lease: '1m' }], [{ ttl: '2d' }], { ttl: '2d', lease: '1m' }],
    ['a key over its class', [{ store }], [byId], { store, key: byId }],
    ['a method left out', [{ ttl: '1d' }], [false], undefined],
    ['a class without', [false], [], undefined],
    ['a method of a class without', [false], [byId], { key: byId }],
  ];
  for (const [what, ofClass, ofMethod, want] of cases) {
    it(`reads ${what}`, () => {
      expect(read(ofClass, ofMethod)).to.deep.equal({ options: want, faults: [] });
    });
  }

  const faults: readonly [readonly unknown[], RegExp][] = [
    [[{}, {}], /^@Idempotent stands 2 times; once says it all$/],
    [['messageId'], /^@Idempotent must be an object of options; got "messageId"$/],
    [[{ keys: byId }], /^unknown option "keys" of @Idempotent\. Did you mean "key"\?/],
    [[{ key: 'messageId' }], /^key of @Idempotent must be a function, as in .*; got "messageId"$/],
    [[{ onMissingKey: 'drop' }], /^onMissingKey of @Idempotent must be 'reject', 'process', .*; got "drop"$/],
    [[{ store, guard }], /^@Idempotent has a store and a guard\. Leave one of them out/],
    [[{ guard, ttl: '1d' }], /^@Idempotent has a guard, which keeps times of its own\. Leave ttl and lease out/],
  ];
  for (const [given, want] of faults) {
    it(`refuses what is told by ${String(want).slice(2, 50)}`, () => {
      const found = read([], given).faults;
      expect(found).to.have.length(1);
      expect(found[0]).to.match(want);
    });
  }
});

describe('readIdempotencyOptions', () => {
  it('reads what the application says, and refuses what belongs to a handler', () => {
    const problems = new Problems();
    expect(readIdempotencyOptions(undefined, problems)).to.deep.equal({});
    expect(readIdempotencyOptions({ store, ttl: '1d' }, problems)).to.deep.equal({ store, ttl: '1d' });
    expect(problems.list).to.deep.equal([]);
    readIdempotencyOptions({ key: byId }, problems);
    expect(readIdempotencyOptions(7, problems)).to.deep.equal({});
    expect(problems.list).to.have.length(2);
    expect(problems.list[0]).to.match(/^unknown option "key" of idempotency/);
  });
});

describe('overriding', () => {
  it('takes the nearer store or guard, and with a guard no times from afar', () => {
    expect(overriding({ store, ttl: '1d' }, { guard })).to.deep.equal({ guard });
    expect(overriding({ guard }, { store, ttl: '1d' })).to.deep.equal({ store, ttl: '1d' });
    expect(overriding({ store, ttl: '1d' }, { lease: '1m' })).to.deep.equal({ store, ttl: '1d', lease: '1m' });
    expect(overriding({ store, ttl: '1d' }, { store: 'other' })).to.deep.equal({ store: 'other', ttl: '1d' });
    expect(overriding({ guard }, {})).to.deep.equal({ guard });
    expect(overriding(undefined, { ttl: undefined as never })).to.deep.equal({});
  });
});

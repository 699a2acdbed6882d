import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { ClaimRecord } from './decide-claim.js';
import type { IdempotencyStore } from './idempotency-store.js';
import { rejection } from './rejection.support.test.js';
import { idempotencyStoreCases } from './store-conformance.js';

/** A right store, whose faults are planted one at a time. */
interface Faults {
  readonly now?: () => number;
  readonly keyOf?: (key: string) => string;
  readonly owner?: (record: ClaimRecord | undefined, token: string) => boolean;
  readonly slowClaim?: boolean;
  readonly token?: () => string;
}

function storeWith(faults: Faults = {}): IdempotencyStore {
  const records = new Map<string, ClaimRecord>();
  const now = faults.now ?? (() => performance.now());
  const keyOf = faults.keyOf ?? ((key: string) => key);
  const owns = faults.owner ?? ((record: ClaimRecord | undefined, token: string) => record?.token === token);
  const find = (key: string) => {
    const record = records.get(keyOf(key));
    return record !== undefined && record.endsAt > now() ? record : undefined;
  };
  return {
    claim: async (key, { leaseMs }) => {
      const record = find(key);
      if (faults.slowClaim) await new Promise((resolve) => setImmediate(resolve));
      if (record?.state === 'completed') return { kind: 'completed' };
      if (record !== undefined) return { kind: 'in-progress', retryAfterMs: record.endsAt - now() };
      const token = faults.token?.() ?? randomUUID();
      records.set(keyOf(key), { state: 'in-progress', token, endsAt: now() + leaseMs });
      return { kind: 'claimed', token };
    },
    complete: async ({ key, token }, { ttlMs }) => {
      const record = find(key);
      if (record !== undefined && !owns(record, token)) return false;
      records.set(keyOf(key), { state: 'completed', token, endsAt: now() + ttlMs });
      return true;
    },
    release: async ({ key, token }) => {
      const record = find(key);
      if (record?.state === 'in-progress' && owns(record, token)) records.delete(keyOf(key));
    },
    renew: async ({ key, token }, { leaseMs }) => {
      const record = find(key);
      if (record?.state !== 'in-progress' || !owns(record, token)) return false;
      records.set(keyOf(key), { ...record, endsAt: now() + leaseMs });
      return true;
    },
  };
}

async function failures(open: () => IdempotencyStore, only: RegExp): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of idempotencyStoreCases.filter((each) => only.test(each.name))) {
    await run(open).catch(() => failed.push(name));
  }
  return failed;
}

describe('the cases that every idempotency store has to pass', () => {
  it('pass on a right store', async () => {
    const store = storeWith();
    expect(await failures(() => store, /^(?!counts)/)).to.deep.equal([]);
  });

  const planted: readonly [string, Faults, RegExp][] = [
    ['a release by anybody', { owner: () => true }, /former one releases/],
    ['a completion by anybody', { owner: () => true }, /former one completes|complete once/],
    ['a renewal by anybody', { owner: () => true }, /former one renews/],
    ['a check apart from its write', { slowClaim: true }, /one of many concurrent/],
    ['keys without case', { keyOf: (key) => key.toLowerCase() }, /keeps keys apart/],
    ['keys without trailing spaces', { keyOf: (key) => key.trimEnd() }, /keeps keys apart/],
    ['keys that are cut', { keyOf: (key) => key.slice(0, 254) }, /keeps keys apart/],
    ['the clock of the process', { now: () => Date.now() }, /hour fast|hour slow/],
    ['one token for all', { token: () => 'same' }, /grants a free key|grants a key again that was released/],
  ];
  for (const [fault, faults, cases] of planted) {
    it(`catch ${fault}`, async () => {
      const store = storeWith(faults);
      const expected = idempotencyStoreCases.map((each) => each.name).filter((name) => cases.test(name));
      expect(expected).to.not.deep.equal([]);
      expect(await failures(() => store, cases)).to.deep.equal(expected);
    });
  }

  it('catch instances that share nothing', async () => {
    const failed = await failures(() => storeWith(), /to every instance|that was released|while a claim stands/);
    expect(failed).to.have.lengthOf.at.least(2);
  });

  it('say what rule is broken', async () => {
    const [first] = idempotencyStoreCases;
    const deaf: IdempotencyStore = { ...storeWith(), claim: async () => ({ kind: 'completed' }) };
    const error = await rejection((first as (typeof idempotencyStoreCases)[number]).run(() => deaf));
    expect(String(error)).to.match(
      /the store breaks a rule: expected the free key case:.* to be granted, received completed/,
    );
  });
});

import { type IdempotencyGuard, type IdempotencyStore, MemoryIdempotencyStore, Problems } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ServiceScope } from './service-scope.js';

function setUp(given?: unknown) {
  const problems = new Problems();
  const scope = new ServiceScope(given, problems);
  return { scope, problems };
}

function aStore(service?: string, check?: () => unknown) {
  const calls: unknown[] = [];
  const keep =
    (name: string) =>
    async (...args: unknown[]) => {
      calls.push([name, ...args]);
      return `${name}!`;
    };
  const store = {
    ...(service === undefined ? {} : { service }),
    ...(check === undefined ? {} : { check }),
    ...{ claim: keep('claim'), complete: keep('complete'), release: keep('release'), renew: keep('renew') },
  } as unknown as IdempotencyStore;
  return { store, calls };
}

describe('ServiceScope', () => {
  it('puts the name of the service before every key of a store that has none', async () => {
    const { scope, problems } = setUp('billing');
    const { store, calls } = aStore();
    const scoped = scope.store(store, problems);
    const claim = { key: 'k', token: 't' } as never;
    expect(await scoped.claim('k', 1 as never)).to.equal('claim!');
    expect(await scoped.complete(claim, 2 as never)).to.equal('complete!');
    expect(await scoped.release(claim)).to.equal('release!');
    expect(await scoped.renew?.(claim, 3 as never)).to.equal('renew!');
    const [asked, completed, released, renewed] = calls as [unknown[], unknown[], unknown[], unknown[]];
    const key = asked[1] as string;
    expect(key).to.match(/billing.*k/);
    expect([asked[2], completed, released, renewed]).to.deep.equal([
      1,
      ['complete', { key, token: 't' }, 2],
      ['release', { key, token: 't' }],
      ['renew', { key, token: 't' }, 3],
    ]);
    expect([problems.list, scope.name, scope.checks]).to.deep.equal([[], 'billing', []]);
  });

  it('puts it before the listeners of a guard that has none, whose flush it passes on', async () => {
    const { scope, problems } = setUp('billing');
    const calls: unknown[] = [];
    const guard = {
      run: async (...args: unknown[]) => void calls.push(args),
      flush: async () => void calls.push('flush'),
    } as unknown as IdempotencyGuard;
    const scoped = scope.guard(guard, problems);
    await scoped.run('L.m', 1 as never, 2 as never);
    await scoped.flush?.();
    expect(calls).to.deep.equal([['billing::L.m', 1, 2], 'flush']);
    await scope.guard({ run: guard.run } as IdempotencyGuard, problems).flush?.();
  });

  it('leaves alone what keeps services apart by itself, or ends with the process', () => {
    const { scope, problems } = setUp();
    const memory = new MemoryIdempotencyStore();
    const check = () => undefined;
    const { store } = aStore('billing', check);
    expect([scope.store(memory, problems), scope.store(store, problems)]).to.deep.equal([memory, store]);
    expect([scope.name, scope.checks, problems.list]).to.deep.equal(['billing', [store], []]);
  });

  it('notes what has no name, a name that is none, or that of another', () => {
    const unnamed = setUp();
    unnamed.scope.store(aStore().store, unnamed.problems);
    expect(unnamed.problems.list.join()).to.match(/a store without a service of its own is used: Leveret\.start/);
    expect(setUp('').problems.list).to.have.length(1);
    const odd = setUp('billing');
    odd.scope.guard({ service: '', run: async () => undefined } as never, odd.problems);
    expect(odd.problems.list.join()).to.match(/the guard/);
    const other = setUp('billing');
    other.scope.store(aStore('orders').store, other.problems);
    expect(other.problems.list.join()).to.match(
      /the store belongs to the service "orders", but the application is "billing"/,
    );
    const two = setUp();
    for (const service of ['a', 'b', 'a']) two.scope.store(aStore(service).store, two.problems);
    expect(two.problems.list).to.have.length(1);
  });
});

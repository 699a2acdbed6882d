import { randomUUID } from 'node:crypto';
import { pause, systemClock } from '../time/clock.js';
import type { Claim, ClaimResult, IdempotencyStore } from './idempotency-store.js';

/**
 * Gives a store. Called several times in one case: each result stands for another instance of a service, and all of them
 * work on the same keys. (A store in memory gives the same object each time.)
 */
export type OpenStore = () => IdempotencyStore | Promise<IdempotencyStore>;

/** One thing that every store has to do. */
export interface IdempotencyStoreCase {
  /** Reads as the end of a sentence that begins with the store. */
  readonly name: string;
  /** Uses keys of its own, so nothing has to be emptied before; takes at most a few seconds. @throws {Error} when the store fails it */
  run(open: OpenStore): Promise<void>;
}

/**
 * What every {@link IdempotencyStore} has to do, as cases for any test runner:
 *
 * ```ts
 * describe('MyStore', () => {
 *   for (const { name, run } of idempotencyStoreCases) it(name, () => run(() => new MyStore(connection)));
 * });
 * ```
 * Leases have to be counted by one clock that all instances share, the store's: some cases set the clock of this process
 * (`Date.now`) wrong for a moment.
 */
export const idempotencyStoreCases: readonly IdempotencyStoreCase[] = Object.entries({
  'grants a free key': async (open: OpenStore) => {
    const store = await open();
    const [first, second] = [await granted(store, newKey()), await granted(store, newKey())];
    check(first.token !== second.token, 'each claim has a token of its own');
  },

  'answers in-progress while a claim stands, and for how long at most': async (open: OpenStore) => {
    const [one, other] = [await open(), await open()];
    const { key } = await granted(one, newKey());
    for (const store of [one, other]) {
      const answer = await store.claim(key, LONG);
      check(answer.kind === 'in-progress', `expected in-progress, received ${answer.kind}`);
      check(
        answer.retryAfterMs > 0 && answer.retryAfterMs <= LONG.leaseMs,
        `expected retryAfterMs from 0 to ${LONG.leaseMs}, received ${answer.retryAfterMs}`,
      );
    }
  },

  'answers completed once a claim is completed, to every instance': async (open: OpenStore) => {
    const [one, other] = [await open(), await open()];
    const claim = await granted(one, newKey());
    check(await one.complete(claim, KEPT), 'the owner completes its claim');
    for (const store of [one, other]) await answers('completed', store, claim.key);
  },

  'grants a key again that was released': async (open: OpenStore) => {
    const [one, other] = [await open(), await open()];
    const claim = await granted(one, newKey());
    await one.release(claim);
    const next = await granted(other, claim.key);
    check(next.token !== claim.token, 'the next claim has another token');
  },

  'keeps keys apart that differ in case, accents, trailing spaces or their last of 255 bytes': async (
    open: OpenStore,
  ) => {
    const store = await open();
    const base = newKey();
    const long = base.padEnd(254, 'x');
    const keys = [base, base.toUpperCase(), `${base} `, `${base}é`, `${base}e`, `${base}É`, `${base}%`, `${base}_`];
    for (const key of [...keys, `${base}'"\\;--`, `${base}日本`, `${base}😀`, `${long}1`, `${long}2`]) {
      const claim = await granted(store, key);
      check(await store.complete(claim, KEPT), `completes ${key}`);
    }
  },

  'grants a key to one of many concurrent claims': async (open: OpenStore) => {
    const stores = [await open(), await open()];
    for (let round = 0; round < 5; round++) {
      const key = newKey();
      const claims = Array.from({ length: 20 }, (_, index) => pick(stores, index).claim(key, LONG));
      const kinds = (await Promise.all(claims)).map((answer) => answer.kind);
      check(
        kinds.filter((kind) => kind === 'claimed').length === 1 && !kinds.includes('completed'),
        `expected one claim in 20 to be granted, received ${kinds.join(' ')}`,
      );
    }
  },

  'grants one of many concurrent claims when a lease has ended': async (open: OpenStore) => {
    const stores = [await open(), await open()];
    const { key } = await granted(pick(stores, 0), newKey(), SHORT);
    const tokens: string[] = [];
    await eventually('the lease ends', async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => pick(stores, index).claim(key, LONG)));
      for (const answer of answers) if (answer.kind === 'claimed') tokens.push(answer.token);
      return tokens.length > 0;
    });
    check(tokens.length === 1, `expected one claim to be granted, received ${tokens.length}`);
  },

  'lets a key complete once when all its claims try': async (open: OpenStore) => {
    const stores = [await open(), await open()];
    const old = await granted(pick(stores, 0), newKey(), SHORT);
    const current = await reclaimed(pick(stores, 1), old.key);
    const done = await Promise.all([
      pick(stores, 0).complete(old, KEPT),
      pick(stores, 1).complete(current, KEPT),
      pick(stores, 0).complete({ ...old, token: randomUUID() }, KEPT),
    ]);
    check(done.join() === 'false,true,false', `expected only the owner to complete, received ${done.join()}`);
  },

  'lets go of a key after a crash between claiming and completing': async (open: OpenStore) => {
    const crashed = await granted(await open(), newKey(), SHORT);
    const next = await open();
    const claim = await reclaimed(next, crashed.key);
    check(await next.complete(claim, KEPT), 'the next owner completes its claim');
    await answers('completed', next, claim.key);
  },

  'lets the lease run from its last renewal after a crash': async (open: OpenStore) => {
    const [one, other] = [await open(), await open()];
    const crashed = await granted(one, newKey(), LONG);
    check(await one.renew(crashed, SHORT), 'the owner renews its lease');
    await reclaimed(other, crashed.key);
  },

  'prolongs a lease that is renewed': async (open: OpenStore) => {
    const [one, other] = [await open(), await open()];
    const claim = await granted(one, newKey(), { leaseMs: 1500 });
    // By the store's own clock, its lease ends after the first one of the claim above.
    const marker = await granted(one, newKey(), { leaseMs: 1600 });
    check(await one.renew(claim, LONG), 'the owner renews its lease');
    await reclaimed(other, marker.key);
    await answers('in-progress', other, claim.key);
  },

  'remembers a completed key after a crash before the ack': async (open: OpenStore) => {
    const one = await open();
    const claim = await granted(one, newKey(), SHORT);
    check(await one.complete(claim, KEPT), 'the owner completes its claim');
    const marker = await granted(one, newKey(), SHORT);
    const other = await open();
    await reclaimed(other, marker.key);
    await answers('completed', other, claim.key);
  },

  'grants a key again after a crash behind its release': async (open: OpenStore) => {
    const one = await open();
    const claim = await granted(one, newKey());
    await one.release(claim);
    const next = await open();
    await granted(next, claim.key);
    await answers('in-progress', next, claim.key);
  },

  'takes nothing from the next owner when a former one completes': async (open: OpenStore) => {
    const [one, other] = [await open(), await open()];
    const old = await granted(one, newKey(), SHORT);
    const current = await reclaimed(other, old.key);
    check(!(await one.complete(old, KEPT)), 'a former owner is told that it lost the key');
    await answers('in-progress', one, old.key);
    check(await other.complete(current, KEPT), 'the owner completes its claim');
  },

  'takes nothing from the next owner when a former one releases': async (open: OpenStore) => {
    const [one, other] = [await open(), await open()];
    const old = await granted(one, newKey(), SHORT);
    const current = await reclaimed(other, old.key);
    await one.release(old);
    await answers('in-progress', one, old.key);
    check(await other.complete(current, KEPT), 'the owner completes its claim');
    await one.release(old);
    await answers('completed', one, old.key);
  },

  'takes nothing from the next owner when a former one renews': async (open: OpenStore) => {
    const [one, other] = [await open(), await open()];
    const old = await granted(one, newKey(), SHORT);
    const current = await reclaimed(other, old.key);
    check(!(await one.renew(old, SHORT)), 'a former owner is told that it lost the key');
    check(await other.renew(current, LONG), 'the owner renews its lease');
    check(await other.complete(current, KEPT), 'the owner completes its claim');
    check(!(await one.renew(old, SHORT)), 'a former owner cannot renew what is completed');
    await answers('completed', one, old.key);
  },

  'remembers a completed key whatever its owner does afterwards': async (open: OpenStore) => {
    const store = await open();
    const claim = await granted(store, newKey());
    check(await store.complete(claim, KEPT), 'the owner completes its claim');
    check(await store.complete(claim, KEPT), 'completing again answers the same: the first answer may have been lost');
    check(!(await store.renew(claim, SHORT)), 'what is completed has no lease');
    await store.release(claim);
    await answers('completed', store, claim.key);
  },

  'lets an owner complete after its lease when nobody claimed the key since': async (open: OpenStore) => {
    const store = await open();
    const late = await granted(store, newKey(), SHORT);
    const marker = await granted(store, newKey(), SHORT);
    await reclaimed(store, marker.key);
    check(!(await store.renew(late, LONG)), 'a lease that has ended cannot be renewed');
    check(await store.complete(late, KEPT), 'what was handled is remembered');
    await answers('completed', store, late.key);
  },

  'forgets a completed key when its time to live ends': async (open: OpenStore) => {
    const store = await open();
    const claim = await granted(store, newKey());
    check(await store.complete(claim, { ttlMs: 100 }), 'the owner completes its claim');
    await reclaimed(store, claim.key);
  },

  'counts leases by its own clock when that of an instance is an hour fast': (open: OpenStore) => skewed(open, HOUR_MS),
  'counts leases by its own clock when that of an instance is an hour slow': (open: OpenStore) =>
    skewed(open, -HOUR_MS),
}).map(([name, run]) => Object.freeze({ name, run }));

const LONG = { leaseMs: 60_000 };
const SHORT = { leaseMs: 100 };
const KEPT = { ttlMs: 600_000 };
const HOUR_MS = 3_600_000;
/** How long something that has to come is waited for. */
const BOUND_MS = 8_000;

async function skewed(open: OpenStore, offsetMs: number): Promise<void> {
  const [wrong, right] = [await open(), await open()];
  const held = await granted(right, newKey());
  const [claim, brief] = await withProcessClock(offsetMs, async () => {
    await answers('in-progress', wrong, held.key);
    return [await granted(wrong, newKey()), await granted(wrong, newKey(), SHORT)] as const;
  });
  const answer = await right.claim(claim.key, LONG);
  check(answer.kind === 'in-progress', `expected in-progress, received ${answer.kind}`);
  check(answer.retryAfterMs <= LONG.leaseMs, `expected at most ${LONG.leaseMs} ms, received ${answer.retryAfterMs}`);
  await reclaimed(right, brief.key);
  check(
    await withProcessClock(offsetMs, () => wrong.renew(claim, LONG)),
    'an owner with a wrong clock keeps its claim',
  );
  check(await right.complete(held, KEPT), 'the owner completes its claim');
  await withProcessClock(offsetMs, () => answers('completed', wrong, held.key));
}

/** Runs with the clock of this process set wrong. */
async function withProcessClock<T>(offsetMs: number, work: () => Promise<T>): Promise<T> {
  const original = Date.now;
  Date.now = () => original() + offsetMs;
  try {
    return await work();
  } finally {
    Date.now = original;
  }
}

async function granted(store: IdempotencyStore, key: string, lease = LONG): Promise<Claim> {
  const answer = await store.claim(key, lease);
  check(answer.kind === 'claimed', `expected the free key ${key} to be granted, received ${answer.kind}`);
  return { key, token: answer.token };
}

/** Claims the key as soon as its lease, or its time to live, has ended. */
async function reclaimed(store: IdempotencyStore, key: string): Promise<Claim> {
  let claim: Claim | undefined;
  await eventually(`${key} is free again`, async () => {
    const answer = await store.claim(key, LONG);
    if (answer.kind === 'claimed') claim = { key, token: answer.token };
    return claim !== undefined;
  });
  return claim as unknown as Claim;
}

async function answers(kind: ClaimResult['kind'], store: IdempotencyStore, key: string): Promise<void> {
  const answer = await store.claim(key, LONG);
  check(answer.kind === kind, `expected ${kind} for ${key}, received ${answer.kind}`);
}

async function eventually(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + BOUND_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${BOUND_MS} ms in vain: ${what}`);
    await pause(systemClock, 20);
  }
}

function check(condition: boolean, expectation: string): asserts condition {
  if (!condition) throw new Error(`the store breaks a rule: ${expectation}`);
}

function pick(stores: readonly IdempotencyStore[], index: number): IdempotencyStore {
  return stores[index % stores.length] as IdempotencyStore;
}

function newKey(): string {
  return `case:${randomUUID()}`;
}

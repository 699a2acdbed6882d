import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { ConfigurationError } from '../errors/configuration-error.js';
import { LeveretError } from '../errors/leveret-error.js';
import { type LogFields, silentLogger } from '../events/logger.js';
import { type ClaimGuardOptions, claimGuard } from './claim-guard.js';
import { claimKey } from './claim-key.js';
import { type GuardedResult, NEEDS_NO_SIGNAL, type PlainAttempt } from './idempotency-guard.js';
import type { IdempotencyStore } from './idempotency-store.js';
import { MemoryIdempotencyStore } from './memory-store.js';
import { rejection } from './rejection.support.test.js';
import type { ApplicationIdentity, StoreConcern } from './store-check.js';

const LEASE_MS = 3_000;

function setUp(
  options: ClaimGuardOptions = {},
  faults: (store: IdempotencyStore) => Partial<IdempotencyStore> = () => ({}),
) {
  const clock = new FakeClock();
  const store = new MemoryIdempotencyStore({ now: () => clock.now() });
  const lines: [LogFields, string][] = [];
  const guard = claimGuard(
    {
      claim: (key, with_) => store.claim(key, with_),
      complete: (claim, with_) => store.complete(claim, with_),
      release: (claim) => store.release(claim),
      renew: (claim, with_) => store.renew(claim, with_),
      ...faults(store),
    },
    { lease: LEASE_MS, clock, logger: { ...silentLogger, warn: (...line) => lines.push(line) }, ...options },
  );
  return { clock, store, guard, lines };
}

/** A handler that runs until it is told to end. */
function heldHandler() {
  let end: (value?: unknown) => void = () => {};
  let fail: (error: unknown) => void = () => {};
  let calls = 0;
  let lost: AbortSignal | undefined;
  const attempt = (_: unknown, claimLost: AbortSignal) => {
    calls++;
    lost = claimLost;
    return new Promise((resolve, reject) => {
      end = resolve;
      fail = reject;
    });
  };
  return {
    attempt,
    end: (value?: unknown) => end(value),
    fail: (error: unknown) => fail(error),
    get calls() {
      return calls;
    },
    get lost() {
      return lost as AbortSignal;
    },
  };
}

describe('claimGuard', () => {
  it('calls the handler once for a key, and again for another key or another listener', async () => {
    const { guard } = setUp();
    let calls = 0;
    const attempt = () => ++calls;
    const results: GuardedResult[] = [];
    for (const [listener, key] of [
      ['a', '1'],
      ['a', '1'],
      ['a', '2'],
      ['b', '1'],
      ['b', '1'],
    ] as const) {
      results.push(await guard.run(listener, key, attempt));
    }
    expect(results.map((result) => result.kind).join()).to.equal('handled,duplicate,handled,handled,duplicate');
    expect(results[0]).to.deep.equal({ kind: 'handled', value: 1, remembered: true });
    expect(calls).to.equal(3);
  });

  it('bears the name of the service of its store', () => {
    const store = Object.assign(new MemoryIdempotencyStore(), { service: 'billing' });
    expect([claimGuard(store).service, claimGuard(new MemoryIdempotencyStore()).service]).to.deep.equal([
      'billing',
      undefined,
    ]);
  });

  it('gives the handler no transaction', async () => {
    const { guard } = setUp();
    const { value } = (await guard.run('a', '1', (transaction) => [transaction])) as { value: unknown };
    expect(value).to.deep.equal([undefined]);
  });

  it('gives the handler a signal, and an attempt that is content with less only as much as it asks', async () => {
    const { guard } = setUp();
    const given: unknown[] = [];
    const plain: PlainAttempt = (_, claimLost) => given.push(claimLost);
    plain[NEEDS_NO_SIGNAL] = true;
    await guard.run('a', '1', (_, claimLost) => given.push(claimLost));
    await guard.run('a', '2', plain);
    expect(given.map((each) => each instanceof AbortSignal)).to.deep.equal([true, false]);
    expect(given[1]).to.include({ aborted: false, reason: undefined });
  });

  it('hands on what its store has found out about the application', async () => {
    const application: ApplicationIdentity = { service: 'billing', uses: new Map() };
    const asked: ApplicationIdentity[] = [];
    const concern: StoreConcern = { kind: 'service-conflict', text: 'another has the same name' };
    const { guard } = setUp({}, () => ({
      check: async (identity: ApplicationIdentity) => {
        asked.push(identity);
        return [concern];
      },
    }));
    expect([await guard.check?.(application), asked]).to.deep.equal([[concern], [application]]);
    expect(await setUp().guard.check?.(application), 'a store that has nothing to say').to.deep.equal([]);
  });

  it('answers in-progress while another has the message, with the rest of its lease', async () => {
    const { guard, clock } = setUp({ renew: false });
    const held = heldHandler();
    const first = guard.run('a', '1', held.attempt);
    await clock.advance(1_000);
    expect(await guard.run('a', '1', held.attempt)).to.deep.equal({ kind: 'in-progress', retryAfterMs: 2_000 });
    held.end('done');
    expect(await first).to.deep.equal({ kind: 'handled', value: 'done', remembered: true });
    expect(held.calls).to.equal(1);
    expect(clock.waits).to.deep.equal([]);
  });

  it('releases the key when the handler throws, now or later, and throws the same error on', async () => {
    const { guard } = setUp();
    const fault = new Error('no stock');
    const thrown = await rejection(
      guard.run('a', '1', () => {
        throw fault;
      }),
    );
    expect(thrown).to.equal(fault);
    expect(await rejection(guard.run('a', '1', () => Promise.reject(fault)))).to.equal(fault);
    expect((await guard.run('a', '1', () => 'ok')).kind).to.equal('handled');
  });

  it('remembers a message for as long as it is told', async () => {
    const { guard, clock } = setUp({ ttl: '1h' });
    const run = async () => (await guard.run('a', '1', () => 'ok')).kind;
    expect(await run()).to.equal('handled');
    await clock.advance(3_599_999);
    expect(await run()).to.equal('duplicate');
    await clock.advance(1);
    expect(await run()).to.equal('handled');
  });

  it('remembers a message for 7 days by default', async () => {
    const { guard, clock } = setUp();
    const run = async () => (await guard.run('a', '1', () => 'ok')).kind;
    await run();
    await clock.advance(7 * 24 * 3_600_000 - 1);
    expect(await run()).to.equal('duplicate');
    await clock.advance(1);
    expect(await run()).to.equal('handled');
  });

  describe('while the handler runs', () => {
    it('renews the lease, for however long it takes', async () => {
      const { guard, clock } = setUp();
      const held = heldHandler();
      const first = guard.run('a', '1', held.attempt);
      for (let n = 0; n < 10; n++) {
        await clock.advance(2_500);
        expect((await guard.run('a', '1', held.attempt)).kind).to.equal('in-progress');
      }
      expect(held.lost.aborted).to.equal(false);
      held.end();
      expect(await first).to.include({ kind: 'handled', remembered: true });
      expect(held.calls).to.equal(1);
      expect(clock.waits).to.deep.equal([]);
    });

    it('renews at the interval it is given', async () => {
      let renewals = 0;
      const { guard, clock } = setUp({ renew: 500 }, (store) => ({
        renew: (claim, lease) => {
          renewals++;
          return store.renew(claim, lease);
        },
      }));
      const held = heldHandler();
      const first = guard.run('a', '1', held.attempt);
      await clock.advance(2_000);
      expect(renewals).to.equal(4);
      expect(clock.waitsForUs, 'the handler keeps the process alive, not its lease').to.deep.equal([]);
      held.end();
      await first;
    });

    it('tells the handler when its claim has ended, and says so in the end', async () => {
      const { guard, clock } = setUp({ renew: false });
      const held = heldHandler();
      const first = guard.run('a', '1', held.attempt);
      await clock.advance(LEASE_MS - 1);
      expect(held.lost.aborted).to.equal(false);
      await clock.advance(1);
      expect(held.lost.reason).to.be.instanceOf(LeveretError).and.include({ code: 'LEV_CLAIM_LOST' });
      const second = heldHandler();
      const next = guard.run('a', '1', second.attempt);
      await turn();
      held.end('late');
      expect(await first).to.deep.equal({ kind: 'handled', value: 'late', remembered: false });
      second.end('again');
      expect(await next).to.deep.equal({ kind: 'handled', value: 'again', remembered: true });
    });

    it('remembers what outran its lease when nobody else began', async () => {
      const { guard, clock } = setUp({ renew: false });
      const held = heldHandler();
      const first = guard.run('a', '1', held.attempt);
      await clock.advance(LEASE_MS * 2);
      held.end();
      expect(await first).to.include({ remembered: true });
      expect((await guard.run('a', '1', held.attempt)).kind).to.equal('duplicate');
    });

    it('counts the lease from the question, however late the answer came', async () => {
      let asked = 0;
      const { guard, clock } = setUp({}, (store) => ({
        renew: async (claim, lease) => {
          if (++asked > 1) throw new Error('connection refused');
          const renewed = await store.renew(claim, lease);
          await new Promise<void>((resolve) => clock.after(900, resolve));
          return renewed;
        },
      }));
      const held = heldHandler();
      const first = guard.run('a', '1', held.attempt);
      // Asked after a second, answered 0.9 s later: the lease runs for 3 s from the question.
      await clock.advance(3_999);
      expect(held.lost.aborted).to.equal(false);
      await clock.advance(1);
      expect(held.lost.aborted).to.equal(true);
      held.end();
      await first;
    });

    it('counts the first lease from the question, too, however late the claim was granted', async () => {
      const { guard, clock } = setUp({ renew: false }, (store) => ({
        claim: async (key, lease) => {
          const granted = await store.claim(key, lease);
          await new Promise<void>((resolve) => clock.after(900, resolve));
          return granted;
        },
      }));
      const held = heldHandler();
      const first = guard.run('a', '1', held.attempt);
      await clock.advance(LEASE_MS - 1);
      expect([held.calls, held.lost.aborted]).to.deep.equal([1, false]);
      await clock.advance(1);
      expect(held.lost.aborted).to.equal(true);
      held.end();
      await first;
    });

    describe('behind its result', () => {
      /** An attempt whose result is a time-out, while its handler runs on until it is told to end. */
      function runningOn() {
        let end: () => void = () => {};
        const running = new Promise<void>((resolve) => {
          end = resolve;
        });
        return { attempt: () => Promise.reject(new Error('time-out')), end, stillRunning: () => running };
      }

      it('keeps and renews the claim until the handler has ended, and then releases it', async () => {
        const { guard, clock, store } = setUp();
        const { attempt, end, stillRunning } = runningOn();
        expect(await rejection(guard.run('a', '1', attempt, stillRunning))).to.have.property('message', 'time-out');
        for (let n = 0; n < 5; n++) {
          await clock.advance(LEASE_MS);
          expect((await guard.run('a', '1', () => 'second')).kind).to.equal('in-progress');
          expect((await store.claim(claimKey('a', '1'), { leaseMs: 1 })).kind).to.equal('in-progress');
        }
        end();
        await turn();
        expect([store.size, clock.waits]).to.deep.equal([0, []]);
        expect(await guard.run('a', '1', () => 'second')).to.include({ kind: 'handled', value: 'second' });
      });

      it('knows in this process that it runs, also when the store was away for longer than the lease', async () => {
        const { guard, clock } = setUp({}, () => ({ renew: () => Promise.reject(new Error('connection refused')) }));
        const { attempt, stillRunning } = runningOn();
        await rejection(guard.run('a', '1', attempt, stillRunning));
        await clock.advance(LEASE_MS * 2);
        expect(await guard.run('a', '1', () => 'second')).to.deep.equal({
          kind: 'in-progress',
          retryAfterMs: LEASE_MS,
        });
      });
    });

    it('tries again soon when a renewal fails, and loses the claim only with its lease', async () => {
      let down = true;
      const fault = new Error('connection refused');
      const { guard, clock, lines } = setUp({}, (store) => ({
        renew: (claim, lease) => (down ? Promise.reject(fault) : store.renew(claim, lease)),
      }));
      const held = heldHandler();
      const first = guard.run('a', '1', held.attempt);
      await clock.advance(2_000);
      expect(lines.length).to.be.greaterThan(2);
      expect(lines[0]).to.deep.equal([{ err: fault, key: claimKey('a', '1') }, 'the lease of a claim was not renewed']);
      down = false;
      await clock.advance(LEASE_MS);
      expect(held.lost.aborted).to.equal(false);
      down = true;
      await clock.advance(LEASE_MS);
      expect(held.lost.aborted).to.equal(true);
      held.end();
      await first;
      expect(clock.waits).to.deep.equal([]);
    });

    it('waits for a renewal that is on its way before it remembers the message', async () => {
      const order: string[] = [];
      let answer: (renewed: boolean) => void = () => {};
      const { guard, clock } = setUp({}, (store) => ({
        renew: () => {
          order.push('renew');
          return new Promise<boolean>((resolve) => {
            answer = resolve;
          });
        },
        complete: (claim, ttl) => {
          order.push('complete');
          return store.complete(claim, ttl);
        },
      }));
      const held = heldHandler();
      const first = guard.run('a', '1', held.attempt);
      await clock.advance(1_000);
      held.end('done');
      await turn();
      expect(order).to.deep.equal(['renew']);
      answer(true);
      expect(await first).to.include({ kind: 'handled', remembered: true });
      expect(order).to.deep.equal(['renew', 'complete']);
    });

    it('waits for a renewal that is on its way before it releases', async () => {
      const order: string[] = [];
      let answer: (renewed: boolean) => void = () => {};
      const { guard, clock } = setUp({}, (store) => ({
        renew: async () => {
          order.push('renew');
          const renewed = await new Promise<boolean>((resolve) => {
            answer = resolve;
          });
          order.push('renewed');
          return renewed;
        },
        release: (claim) => {
          order.push('release');
          return store.release(claim);
        },
      }));
      const held = heldHandler();
      const first = rejection(guard.run('a', '1', held.attempt));
      await clock.advance(1_000);
      held.fail(new Error('no stock'));
      await turn();
      expect(order).to.deep.equal(['renew']);
      answer(true);
      await first;
      expect(order).to.deep.equal(['renew', 'renewed', 'release']);
      expect(clock.waits).to.deep.equal([]);
    });
  });

  describe('when the store is down', () => {
    const fault = new Error('connection refused');

    it('does not call the handler', async () => {
      const { guard } = setUp({}, () => ({ claim: () => Promise.reject(fault) }));
      const held = heldHandler();
      const error = await rejection(guard.run('a', '1', held.attempt));
      expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE', cause: fault });
      expect(String(error)).to.contain('did not say whether 1:a:1 has been handled: connection refused');
      expect(held.calls).to.equal(0);
    });

    it('takes a store that throws, and one that never answers, for down', async () => {
      const throwing = setUp({}, () => ({
        claim: () => {
          throw fault;
        },
      }));
      expect(await rejection(throwing.guard.run('a', '1', () => 1))).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
      const silent = setUp({ storeTimeout: '2s' }, () => ({ claim: () => new Promise(() => {}) }));
      const run = rejection(silent.guard.run('a', '1', () => 1));
      await silent.clock.advance(2_000);
      expect(String(await run)).to.contain('There was no answer within 2000 ms.');
    });

    it('gives back a claim that is granted too late', async () => {
      let grant: () => void = () => {};
      const { guard, clock, store } = setUp({ storeTimeout: '2s' }, (real) => ({
        claim: (key, lease) =>
          new Promise((resolve) => {
            grant = () => resolve(real.claim(key, lease));
          }),
      }));
      const run = rejection(guard.run('a', '1', () => 1));
      await clock.advance(2_000);
      await run;
      grant();
      await turn();
      await turn();
      expect(store.size).to.equal(0);
    });

    it('tries three times to remember a message that was handled, after 100 ms and after 1 s', async () => {
      const triedAt: number[] = [];
      const { guard, clock } = setUp({}, (store) => ({
        complete: (claim, ttl) => {
          triedAt.push(clock.elapsed);
          return triedAt.length < 3 ? Promise.reject(fault) : store.complete(claim, ttl);
        },
      }));
      const run = guard.run('a', '1', () => 'ok');
      await clock.advance(1_100);
      expect(await run).to.deep.equal({ kind: 'handled', value: 'ok', remembered: true });
      expect(triedAt).to.deep.equal([0, 100, 1_100]);
    });

    /** Handles one message while the store takes no completion, until it is told to. */
    async function handledUnremembered(options: ClaimGuardOptions = {}) {
      const state = { down: true, tries: 0 };
      const set = setUp(options, (store) => ({
        complete: (claim, ttl) => {
          state.tries++;
          return state.down ? Promise.reject(fault) : store.complete(claim, ttl);
        },
      }));
      const run = set.guard.run('a', '1', () => 'ok');
      await set.clock.advance(1_100);
      return { ...set, state, result: await run };
    }
    const again = () => expect.fail('handled twice');

    it('takes the message for handled although it could not be remembered, and says why', async () => {
      const { result } = await handledUnremembered();
      expect(result).to.include({ kind: 'handled', value: 'ok', remembered: false });
      expect((result as { error: unknown }).error).to.include({ code: 'LEV_IDEMPOTENCY_STORE', cause: fault });
    });

    it('does not handle it again in this process, however long the store is away', async () => {
      const { guard, clock } = await handledUnremembered();
      await clock.advance(LEASE_MS * 100);
      expect(await guard.run('a', '1', again)).to.deep.equal({ kind: 'duplicate' });
    });

    it('goes on trying with growing pauses, and ends when the store has it', async () => {
      const told: [LogFields, string][] = [];
      const logger = { ...silentLogger, info: (...line: [LogFields, string]) => told.push(line) };
      const { guard, clock, store, state } = await handledUnremembered({ logger });
      await clock.advance(100_000);
      expect(state.tries).to.be.within(6, 10);
      state.down = false;
      await clock.advance(36_000);
      expect(told).to.deep.equal([[{ key: claimKey('a', '1') }, 'a handled message is remembered now']]);
      expect(clock.waits).to.deep.equal([]);
      expect(store.size).to.equal(1);
      expect(await guard.run('a', '1', again)).to.deep.equal({ kind: 'duplicate' });
    });

    it('gives up when remembering would be of no more use', async () => {
      const { clock } = await handledUnremembered({ ttl: '1m' });
      await clock.advance(120_000);
      expect(clock.waits).to.deep.equal([]);
    });

    it('tries once more when it is flushed, and then no longer', async () => {
      for (const down of [false, true]) {
        const { guard, clock, store, state } = await handledUnremembered();
        state.down = down;
        const before = state.tries;
        await guard.flush?.();
        expect([state.tries - before, clock.waits]).to.deep.equal([1, []]);
        expect(await store.claim(claimKey('a', '1'), { leaseMs: 1 })).to.have.property(
          'kind',
          down ? 'in-progress' : 'completed',
        );
      }
    });

    it('throws the error of the handler on, not that of the release', async () => {
      const { guard, lines } = setUp({}, () => ({ release: () => Promise.reject(fault) }));
      const own = new Error('no stock');
      expect(await rejection(guard.run('a', '1', () => Promise.reject(own)))).to.equal(own);
      expect(lines.map(([, text]) => text)).to.deep.equal([
        'a claim was not released: the message waits for the end of its lease',
      ]);
    });
  });

  const refused: readonly [ClaimGuardOptions, ...RegExp[]][] = [
    [{ lease: 0 }, /lease must be more than 0 ms; got 0/],
    [{ lease: '5 minutes' as '5m' }, /lease must be milliseconds .* got "5 minutes"/],
    [{ lease: '1s', renew: '1s' }, /renew must be shorter than the lease of 1000 ms; got "1s"/],
    [{ lease: 1, renew: 1 }, /renew must be shorter than the lease of 1 ms; got 1/],
    [{ renew: 0 }, /renew must be more than 0 ms/],
    [{ renew: 'often' as '1s' }, /renew must be milliseconds .* got "often"/],
    [{ ttl: 0 }, /ttl must be more than 0 ms/],
    [{ ttl: -1 }, /ttl must be milliseconds/],
    [{ storeTimeout: 0 }, /storeTimeout must be more than 0 ms/],
    [{ lease: 'x' as '5m', renew: '1s', storeTimeout: 0 }, /lease must be milliseconds/, /storeTimeout must be more/],
  ];
  for (const [options, ...texts] of refused) {
    it(`refuses ${JSON.stringify(options)}, and says each fault once`, () => {
      let problems: readonly string[] = [];
      try {
        claimGuard(new MemoryIdempotencyStore(), options);
      } catch (error) {
        ({ problems = [String(error)] } = error as ConfigurationError);
      }
      expect(problems).to.have.lengthOf(texts.length);
      for (const [index, text] of texts.entries()) expect(problems[index]).to.match(text);
    });
  }

  it('takes spans of a millisecond, and a renewal a moment before the lease ends', () => {
    const options: ClaimGuardOptions = { lease: 1, ttl: 1, storeTimeout: 1 };
    expect(() => claimGuard(new MemoryIdempotencyStore(), options)).to.not.throw();
    expect(() => claimGuard(new MemoryIdempotencyStore(), { lease: 2, renew: 1 })).to.not.throw();
  });

  it('refuses what is no store', () => {
    expect(() => claimGuard({} as IdempotencyStore)).to.throw(/needs a store with claim, complete, release and renew/);
    expect(() => claimGuard(undefined as unknown as IdempotencyStore)).to.throw(/got undefined/);
  });
});

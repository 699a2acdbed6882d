import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { type ClaimRecord, decideClaim, mayComplete, mayRelease, mayRenew } from './decide-claim.js';

const NOW = 1_000;
const record = (state: ClaimRecord['state'], endsAt: number, token = 'a'): ClaimRecord => ({ state, token, endsAt });

describe('deciding about a claim', () => {
  it('grants what is free, or was until now', () => {
    for (const found of [undefined, record('in-progress', NOW), record('completed', NOW), record('completed', 1)]) {
      expect(decideClaim(found, NOW)).to.deep.equal({ kind: 'grant' });
    }
  });

  it('says how long a claim stands, and that a message was handled', () => {
    expect(decideClaim(record('in-progress', NOW + 7), NOW)).to.deep.equal({ kind: 'in-progress', retryAfterMs: 7 });
    expect(decideClaim(record('completed', NOW + 7), NOW)).to.deep.equal({ kind: 'completed' });
  });

  it('lets an owner complete, and whoever handled what is nobody else’s', () => {
    expect(mayComplete(record('in-progress', NOW + 1), 'a', NOW)).to.equal(true);
    expect(mayComplete(record('completed', NOW + 1), 'a', NOW)).to.equal(true);
    expect(mayComplete(undefined, 'a', NOW)).to.equal(true);
    expect(mayComplete(record('in-progress', NOW, 'b'), 'a', NOW)).to.equal(true);
    expect(mayComplete(record('in-progress', NOW + 1, 'b'), 'a', NOW)).to.equal(false);
    expect(mayComplete(record('completed', NOW + 1, 'b'), 'a', NOW)).to.equal(false);
  });

  it('lets only an owner release and renew, and renew only in time', () => {
    expect(mayRelease(record('in-progress', NOW + 1), 'a')).to.equal(true);
    expect(mayRelease(record('in-progress', NOW + 1), 'b')).to.equal(false);
    expect(mayRelease(record('completed', NOW + 1), 'a')).to.equal(false);
    expect(mayRelease(undefined, 'a')).to.equal(false);
    expect(mayRenew(record('in-progress', NOW + 1), 'a', NOW)).to.equal(true);
    expect(mayRenew(record('in-progress', NOW), 'a', NOW)).to.equal(false);
    expect(mayRenew(record('in-progress', NOW + 1), 'b', NOW)).to.equal(false);
    expect(mayRenew(record('completed', NOW + 1), 'a', NOW)).to.equal(false);
  });
});

/** What workers do to one key, in any order and at any pace; each holds at most the last claim it was granted. */
type Step =
  | { readonly act: 'claim' | 'renew'; readonly worker: number; readonly leaseMs: number }
  | { readonly act: 'complete'; readonly worker: number; readonly ttlMs: number }
  | { readonly act: 'release'; readonly worker: number }
  | { readonly act: 'wait'; readonly ms: number };

const worker = fc.nat({ max: 3 });
const span = fc.integer({ min: 1, max: 40 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ act: fc.constantFrom('claim' as const, 'renew' as const), worker, leaseMs: span }),
  fc.record({ act: fc.constant('complete' as const), worker, ttlMs: span }),
  fc.record({ act: fc.constant('release' as const), worker }),
  fc.record({ act: fc.constant('wait' as const), ms: span }),
);

describe('the states of a key, over every order of steps', () => {
  it('hold one claim at a time, never give a remembered message away, and obey no former owner', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let now = 0;
        let kept: ClaimRecord | undefined;
        let tokens = 0;
        const held = new Map<number, string>();
        for (const each of steps) {
          const before = kept;
          const token = each.act === 'wait' ? undefined : held.get(each.worker);
          if (each.act === 'wait') now += each.ms;
          else if (each.act === 'claim') {
            const decision = decideClaim(kept, now);
            if (decision.kind === 'grant') {
              held.set(each.worker, `t${++tokens}`);
              kept = { state: 'in-progress', token: `t${tokens}`, endsAt: now + each.leaseMs };
            } else if (decision.kind === 'in-progress') {
              // The wait that is named is exactly enough, unless the lease is renewed.
              expect(decideClaim(kept, now + decision.retryAfterMs).kind).to.equal('grant');
              expect(decideClaim(kept, now + decision.retryAfterMs - 1).kind).to.equal('in-progress');
            }
          } else if (token === undefined) continue;
          else if (each.act === 'complete' && mayComplete(kept, token, now)) {
            kept = { state: 'completed', token, endsAt: now + each.ttlMs };
          } else if (each.act === 'renew' && mayRenew(kept, token, now)) {
            kept = { state: 'in-progress', token, endsAt: now + each.leaseMs };
          } else if (each.act === 'release' && mayRelease(kept, token)) kept = undefined;

          const stood = before !== undefined && before.endsAt > now;
          if (stood && kept !== before) {
            // What stands is changed by its owner only, and a remembered message stays remembered.
            expect(token).to.equal(before.token);
            if (before.state === 'completed') expect(kept?.state).to.equal('completed');
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

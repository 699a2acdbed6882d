import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ConfigurationError } from '../errors/configuration-error.js';
import { LeveretError } from '../errors/leveret-error.js';
import { RejectMessage } from '../errors/outcome-signal.js';
import { decideFailure, type FailureFacts } from './decide-failure.js';
import type { FailurePolicy } from './failure-policy.js';
import { RetryAfter, readRetryAfter, retryAfterHeader } from './retry-after.js';

const NOW = Date.UTC(2026, 10, 27, 8);

const policy = (parts: Partial<FailurePolicy> = {}): FailurePolicy => ({
  acknowledge: 'auto',
  defaultRequeueRejected: true,
  invalid: 'reject',
  retry: undefined,
  ...parts,
});
const facts = (error: unknown, parts: Partial<FailureFacts> = {}): FailureFacts => ({
  ...{ error, failures: 1, hasMessageId: true, redelivered: false, failedAt: NOW },
  ...parts,
});
const RETRY = {
  maxAttempts: 3,
  backoff: { initialIntervalMs: 10, multiplier: 1, maxIntervalMs: 10, jitter: 0 },
  stateless: true,
  retryable: (error: unknown) => (error as Error).message !== 'never',
};
const REDELIVER = { delaysMs: [1000, 4000], jitter: 0, native: true };

describe('RetryAfter', () => {
  it('takes a duration or a date', () => {
    expect(new RetryAfter('90s')).to.include({ after: '90s', counts: true, code: 'LEV_RETRY_AFTER' });
    expect(new RetryAfter(new Date(NOW), { counts: false }).counts).to.equal(false);
    expect(new RetryAfter('90s').message).to.match(/after 90s\.$/);
    expect(new RetryAfter(500).message).to.match(/after 500 ms\.$/);
    expect(new RetryAfter(new Date(NOW)).message).to.match(/at 2026-11-27T08:00:00.000Z\.$/);
    for (const wrong of ['soon', -1, undefined, null, {}, new Date(Number.NaN)]) {
      expect(() => new RetryAfter(wrong as never), String(wrong)).to.throw(ConfigurationError, /90s/);
    }
  });

  it('reads the header of an HTTP response: seconds or a date', () => {
    expect(retryAfterHeader('120')).to.equal(120_000);
    expect(retryAfterHeader('Fri, 27 Nov 2026 08:00:00 GMT')).to.deep.equal(new Date(NOW));
    for (const wrong of [undefined, null, '', 'soon', '-5', '1e9', '12345678901', {} as never]) {
      expect(retryAfterHeader(wrong), String(wrong)).to.equal(undefined);
    }
  });
});

describe('readRetryAfter', () => {
  it('bears what another copy of leveret may say: no wait where none can be read, and it counts', () => {
    const foreign = (parts: object) => Object.assign(new LeveretError('LEV_RETRY_AFTER', 'later'), parts);
    expect(readRetryAfter(foreign({ after: '2s', counts: false }), NOW)).to.deep.equal({
      delayMs: 2000,
      counts: false,
    });
    expect(readRetryAfter(foreign({}), NOW)).to.deep.equal({ delayMs: 0, counts: true });
  });
});

describe('deciding about a redelivery', () => {
  const both = policy({ retry: RETRY, redeliver: REDELIVER });

  it('makes the attempts of a delivery first, then waits, then makes them again, then recovers', () => {
    const decide = (failures: number, redeliveries: number) =>
      decideFailure(both, facts(new Error('down'), { failures, redeliveries }));
    expect(decide(2, 0)).to.deep.equal({ kind: 'retry', delayMs: 10 });
    expect(decide(3, 0)).to.include({ kind: 'redeliver', delayMs: 1000, reason: 'exhausted', counts: true });
    expect(decide(2, 1)).to.deep.equal({ kind: 'retry', delayMs: 10 });
    expect(decide(3, 1)).to.include({ kind: 'redeliver', delayMs: 4000 });
    expect(decide(3, 2)).to.deep.equal({ kind: 'recover', reason: 'exhausted' });
    expect(decide(3, 1_000_000)).to.deep.equal({ kind: 'recover', reason: 'exhausted' });
  });

  it('works without retry', () => {
    const alone = policy({ redeliver: REDELIVER });
    expect(decideFailure(alone, facts(new Error('down')))).to.include({ kind: 'redeliver', delayMs: 1000 });
    const last = decideFailure(alone, facts(new Error('down'), { redeliveries: 2 }));
    expect(last).to.deep.equal({ kind: 'recover', reason: 'exhausted' });
  });

  it('recovers at once from what is not worth another attempt, and never redelivers what is invalid', () => {
    expect(decideFailure(both, facts(new Error('never')))).to.deep.equal({ kind: 'recover', reason: 'not-retryable' });
    expect(decideFailure(both, facts(new Error('x'), { fault: 'message' })).kind).to.equal('reject');
  });

  it('waits as long as RetryAfter says, before any further attempt, wherever it stands in the chain', () => {
    const error = new Error('outer', { cause: new RetryAfter('90s', { cause: new RejectMessage() }) });
    expect(decideFailure(both, facts(error))).to.include({ kind: 'redeliver', delayMs: 90_000, reason: 'asked' });
    const date = decideFailure(policy(), facts(new RetryAfter(new Date(NOW + 5000))));
    expect(date).to.include({ kind: 'redeliver', delayMs: 5000 });
    expect(decideFailure(policy(), facts(new RetryAfter(new Date(0))))).to.include({ delayMs: 0 });
    expect(decideFailure(both, facts(new RejectMessage('x', { cause: error }))).kind).to.equal('reject');
  });

  it('counts it among the redeliveries, unless it asks not to be', () => {
    const used = { redeliveries: 2 };
    expect(decideFailure(both, facts(new RetryAfter('1s'), used)).kind).to.equal('recover');
    const free = decideFailure(both, facts(new RetryAfter('1s', { counts: false }), used));
    expect(free).to.include({ kind: 'redeliver', counts: false });
  });

  it('asks the function of the listener, whose own fault changes nothing', () => {
    const asks = (retryAfter: (error: unknown) => never) =>
      decideFailure(policy({ redeliver: { ...REDELIVER, retryAfter } }), facts(new Error('503')));
    expect(asks(() => '2m' as never)).to.include({ kind: 'redeliver', delayMs: 120_000, reason: 'asked' });
    expect(asks(() => undefined as never)).to.include({ delayMs: 1000, reason: 'exhausted' });
    expect(asks(() => 'nonsense' as never)).to.include({ delayMs: 1000 });
    const doubt = new Error('bug');
    const thrown = asks(() => {
      throw doubt;
    });
    expect(thrown).to.deep.include({ kind: 'redeliver', delayMs: 1000, doubt: { error: doubt } });
  });

  it('leaves what the handler of manual mode holds, but for what it asks for', () => {
    const manual = policy({ acknowledge: 'manual' });
    expect(decideFailure(manual, facts(new Error('x'))).kind).to.equal('leave');
    expect(decideFailure(manual, facts(new RetryAfter('1s'))).kind).to.equal('redeliver');
  });
});

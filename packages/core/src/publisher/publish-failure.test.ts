import { expect } from 'chai';
import { describe, it } from 'mocha';
import {
  decideAfterFailure,
  overallFate,
  type PublishFailure,
  publishFailureError,
  tellingFailure,
  usesAttempt,
} from './publish-failure.js';
import { aPublication } from './publish-job.support.test.js';

const error = new Error('because');
const returned = { replyCode: 312, replyText: 'NO_ROUTE' } as never;
const backoff = { initialIntervalMs: 100, multiplier: 2, maxIntervalMs: 300, jitter: 0 };

describe('decideAfterFailure', () => {
  it('repeats what another attempt may mend, with growing waits up to the longest', () => {
    const policy = { maxAttempts: 9, backoff };
    for (const kind of ['nacked', 'confirm-timeout', 'channel-lost', 'not-connected'] as const) {
      const waits = [1, 2, 3, 4].map((attempts) =>
        decideAfterFailure(policy, { kind, error, sent: true, stuck: false }, attempts),
      );
      expect(waits, kind).to.deep.equal([
        { action: 'retry', afterMs: 100 },
        { action: 'retry', afterMs: 200 },
        { action: 'retry', afterMs: 300 },
        { action: 'retry', afterMs: 300 },
      ]);
    }
  });

  it('gives up after the last attempt', () => {
    const failure: PublishFailure = { kind: 'nacked', error };
    expect(decideAfterFailure({ maxAttempts: 3, backoff }, failure, 2).action).to.equal('retry');
    expect(decideAfterFailure({ maxAttempts: 3, backoff }, failure, 3).action).to.equal('fail');
    expect(decideAfterFailure({ maxAttempts: 1, backoff }, failure, 1).action).to.equal('fail');
  });

  it('never repeats what is wrong with the message or has waited its time', () => {
    const failures: PublishFailure[] = [
      { kind: 'unroutable', error, returned },
      { kind: 'exchange-missing', error },
      { kind: 'refused', error },
      { kind: 'unencodable', error },
      { kind: 'blocked', error },
      { kind: 'buffer-full', error },
      { kind: 'closed', error, sent: true },
    ];
    for (const failure of failures) {
      expect(decideAfterFailure({ maxAttempts: 9, backoff }, failure, 1).action, failure.kind).to.equal('fail');
    }
  });
});

describe('overallFate', () => {
  it('is as bad as the worst attempt', () => {
    const notSent: PublishFailure = { kind: 'not-connected', error };
    const refused: PublishFailure = { kind: 'nacked', error };
    const unknown: PublishFailure = { kind: 'confirm-timeout', error, sent: true, stuck: false };
    expect(overallFate([])).to.equal('not-sent');
    expect(overallFate([notSent, notSent])).to.equal('not-sent');
    expect(overallFate([refused, notSent])).to.equal('refused');
    expect(overallFate([unknown, refused, notSent])).to.equal('unknown');
  });

  it('tells a message that was in flight at the close from one that was not', () => {
    expect(overallFate([{ kind: 'closed', error, sent: false }])).to.equal('not-sent');
    expect(overallFate([{ kind: 'closed', error, sent: true }])).to.equal('unknown');
  });
});

describe('tellingFailure', () => {
  it('is the last one', () => {
    const last: PublishFailure = { kind: 'confirm-timeout', error, sent: true, stuck: false };
    expect(tellingFailure([{ kind: 'nacked', error }, last])).to.equal(last);
  });

  it('is the last one that was sent when the last one was not', () => {
    const lost: PublishFailure = { kind: 'channel-lost', error };
    expect(tellingFailure([lost, { kind: 'not-connected', error }])).to.equal(lost);
  });
});

describe('usesAttempt', () => {
  it('is true of what had an outcome of its own, and not of what was spoilt or never tried', () => {
    const uses = (failure: object) => usesAttempt({ error, ...failure } as PublishFailure);
    const own = ['nacked', 'unroutable', 'exchange-missing', 'refused', 'channel-lost', 'not-connected'];
    expect(own.map((kind) => uses({ kind }))).to.deep.equal(own.map(() => true));
    expect(uses({ kind: 'confirm-timeout', sent: true, stuck: false })).to.equal(true);
    const others = ['nacked-by-channel', 'unencodable', 'spoilt', 'blocked', 'buffer-full', 'closed'];
    expect(others.map((kind) => uses({ kind }))).to.deep.equal(others.map(() => false));
  });
});

describe('publishFailureError', () => {
  const told = (failure: PublishFailure, attempts: number, explain?: (of: unknown, missing: string) => string) =>
    publishFailureError(aPublication(), [failure], attempts, explain).message;

  it('says how often it was tried, where that was more than once', () => {
    const failure: PublishFailure = { kind: 'nacked', error };
    expect(told(failure, 3)).to.contain(', after 3 attempts. The broker refused it.');
    expect(told(failure, 1)).not.to.contain('attempts');
  });

  it('asks for the reason of a missing queue or exchange, and of nothing else', () => {
    const asked: string[] = [];
    const explain = (_: unknown, missing: string) => {
      asked.push(missing);
      return 'Nobody has declared it';
    };
    expect(told({ kind: 'unroutable', error, returned }, 1, explain)).to.match(/ Nobody has declared it\.$/);
    expect(told({ kind: 'exchange-missing', error }, 1, explain)).to.match(/ Nobody has declared it\.$/);
    expect(told({ kind: 'refused', error }, 1, explain)).not.to.contain('Nobody');
    expect(asked).to.deep.equal(['queue', 'exchange']);
    expect(told({ kind: 'unroutable', error, returned }, 1, () => 'Why?')).to.match(/ Why\?$/);
    expect(told({ kind: 'unroutable', error, returned }, 1)).to.match(/The broker refused it\.$/);
  });
});

import { systemClock } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import sinon from 'sinon';
import { keepSecretFresh, renewalPauseMs } from './keep-secret-fresh.js';

describe('keepSecretFresh', () => {
  let timers: sinon.SinonFakeTimers;
  beforeEach(() => {
    timers = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => timers.restore());

  /** A connection with a token that is good for 100 s, as is every further one. */
  function connection(
    expiresAt: number | 'never' = 100_000,
    tokens: (number: number) => number | undefined = () => 100_000,
  ) {
    const secrets: (readonly [string, number])[] = [];
    const failures: number[] = [];
    let end = () => {};
    let asked = 0;
    let refused: Error | undefined;
    keepSecretFresh({
      link: {
        onEnd: (listener) => {
          end = listener;
          return () => {};
        },
        updateSecret: async (secret) => {
          if (refused !== undefined) throw refused;
          secrets.push([secret, performance.now() / 1000]);
        },
      },
      expiresAt: expiresAt === 'never' ? undefined : expiresAt,
      ask: async () => {
        const lifetimeMs = tokens(++asked);
        const ends = lifetimeMs === undefined ? undefined : performance.now() + lifetimeMs;
        return { username: 'u', password: `token ${asked}`, expiresAt: ends };
      },
      clock: systemClock,
      timeoutMs: 1000,
      notRenewed: (_error, retryInMs) => failures.push(retryInMs),
    });
    return {
      secrets,
      failures,
      end: () => end(),
      refuse: (error: Error | undefined) => {
        refused = error;
      },
      asked: () => asked,
    };
  }

  it('asks for another when three quarters of the time are over, again and again', async () => {
    const { secrets } = connection();
    await timers.tickAsync(230_000);
    expect(secrets).to.deep.equal([
      ['token 1', 75],
      ['token 2', 150],
      ['token 3', 225],
    ]);
  });

  it('asks nobody for what never ends, and no more when what it got never ends', async () => {
    const never = connection('never');
    const once = connection(100_000, () => undefined);
    await timers.tickAsync(1_000_000);
    expect([never.asked(), once.asked()]).to.deep.equal([0, 1]);
    expect(timers.countTimers()).to.equal(0);
  });

  it('tries again ever sooner until the end, and then every half minute', async () => {
    const { secrets, failures, refuse } = connection();
    refuse(new Error('no'));
    await timers.tickAsync(100_500);
    expect(failures.slice(0, 2)).to.deep.equal([18_750, 4687.5]);
    expect(failures.at(-1)).to.equal(30_000);
    refuse(undefined);
    await timers.tickAsync(30_000);
    expect(secrets).to.have.length(1);
  });

  it('stops when the connection ends', async () => {
    const { end, asked } = connection();
    end();
    await timers.tickAsync(1_000_000);
    expect([asked(), timers.countTimers()]).to.deep.equal([0, 0]);
  });

  it('never tries more often than four times a second', () => {
    expect([1000, 100, 1, 0, -1].map(renewalPauseMs)).to.deep.equal([750, 250, 250, 30_000, 30_000]);
  });
});

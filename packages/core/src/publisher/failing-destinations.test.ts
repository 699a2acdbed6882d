import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FailingDestinations } from './failing-destinations.js';
import { Pace } from './pace.js';
import type { PublishFailure } from './publish-failure.js';
import { PublishJob } from './publish-job.js';
import { aLane, aPublication } from './publish-job.support.test.js';
import { unconfirmedDestinations } from './unconfirmed-destinations.js';

const ignore = () => undefined;
const job = (routingKey: string, since = 0) =>
  new PublishJob({ ...aPublication(), routingKey }, aLane, since, ignore, ignore);
const failure = (kind: PublishFailure['kind']) => ({ kind, error: new Error('x') }) as PublishFailure;

describe('FailingDestinations', () => {
  it('remembers since when nothing was confirmed, and counts the nacks', () => {
    const failing = new FailingDestinations();
    failing.failed(job('a', 5), failure('confirm-timeout'), 100);
    failing.failed(job('a', 50), failure('nacked'), 200);
    failing.failed(job('a', 60), failure('nacked-by-channel'), 300);
    failing.failed(job('b', 70), failure('nacked'), 400);
    expect(failing.list(500)).to.deep.equal([
      { exchange: 'x', routingKey: 'a', since: 5, last: 300, nacks: 2 },
      { exchange: 'x', routingKey: 'b', since: 70, last: 400, nacks: 1 },
    ]);
  });

  it('hears nothing of what a channel or a connection is to blame for', () => {
    const failing = new FailingDestinations();
    for (const kind of ['channel-lost', 'not-connected', 'refused', 'unroutable', 'spoilt'] as const) {
      failing.failed(job('a'), failure(kind), 100);
    }
    expect(failing.list(100)).to.deep.equal([]);
  });

  it('forgets one that is confirmed, and one that has not failed for a minute', () => {
    const failing = new FailingDestinations();
    failing.confirmed(job('a').publication);
    failing.failed(job('a'), failure('nacked'), 0);
    failing.failed(job('b'), failure('nacked'), 0);
    failing.confirmed(job('a').publication);
    expect(failing.list(59_999).map(({ routingKey }) => routingKey)).to.deep.equal(['b']);
    expect(failing.list(60_000)).to.deep.equal([]);
  });

  it('knows a hundred at a time, of which it goes on to hear', () => {
    const failing = new FailingDestinations();
    for (let n = 0; n < 101; n++) failing.failed(job(`${n}`), failure('nacked'), 0);
    failing.failed(job('7'), failure('nacked'), 5);
    const known = failing.list(10);
    expect([known.length, known.some(({ routingKey }) => routingKey === '100')]).to.deep.equal([100, false]);
    expect(known.find(({ routingKey }) => routingKey === '7')).to.include({ last: 5, nacks: 2 });
  });
});

describe('unconfirmedDestinations', () => {
  it('tells for how long nothing was confirmed, by what waits and by what failed, the longest first', () => {
    const failing = [{ exchange: 'x', routingKey: 'b', since: 100, last: 700, nacks: 3 }];
    const jobs = [job('a', 500), job('a', 200), job('b', 900), job('c', 950)];
    expect(unconfirmedDestinations(jobs, failing, 100, 1000)).to.deep.equal([
      { kind: 'publish', exchange: 'x', routingKey: 'a', forMs: 800, nacks: 0 },
      { kind: 'publish', exchange: 'x', routingKey: 'b', forMs: 600, nacks: 3 },
    ]);
    expect(unconfirmedDestinations([job('a', 900)], [], 100, 1000)).to.have.length(1);
    expect(unconfirmedDestinations([job('a', 901)], [], 100, 1000)).to.have.length(0);
    expect(unconfirmedDestinations([job('b', 100)], failing, 0, 1000)[0]).to.include({ forMs: 900, nacks: 3 });
  });

  it('names sixteen', () => {
    const jobs = Array.from({ length: 20 }, (_, n) => job(`${n}`, n));
    const named = unconfirmedDestinations(jobs, [], 0, 1000);
    expect([named.length, named[0]?.routingKey, named.at(-1)?.routingKey]).to.deep.equal([16, '0', '15']);
  });
});

describe('Pace', () => {
  it('grows by one with each confirm, to the most, and begins anew when one did not come', () => {
    const pace = new Pace(2, 4);
    const windows = [pace.window];
    for (let n = 0; n < 4; n++) {
      pace.confirmed();
      windows.push(pace.window);
    }
    pace.timedOut();
    windows.push(pace.window);
    expect([windows, pace.most]).to.deep.equal([[2, 3, 4, 4, 4, 2], 4]);
    expect(new Pace(8, 4).window).to.equal(4);
  });
});

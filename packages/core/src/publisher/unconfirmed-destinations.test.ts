import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { FailingDestination } from './failing-destinations.js';
import type { PublishJob } from './publish-job.js';
import { unconfirmedDestinations } from './unconfirmed-destinations.js';

const NOW = 100_000;
const waiting = (routingKey: string, forMs: number) =>
  ({ publication: { exchange: 'orders', routingKey }, unconfirmedSince: NOW - forMs }) as PublishJob;
const failing = (routingKey: string, forMs: number, nacks: number): FailingDestination => ({
  ...{ exchange: 'orders', routingKey, since: 50_000, last: 50_000 + forMs, nacks },
});
const named = (jobs: readonly PublishJob[], destinations: readonly FailingDestination[] = [], olderThanMs = 0) =>
  unconfirmedDestinations(jobs, destinations, olderThanMs, NOW).map(({ kind, exchange, routingKey, forMs, nacks }) => {
    expect([kind, exchange]).to.deep.equal(['publish', 'orders']);
    return [routingKey, forMs, nacks];
  });

describe('unconfirmedDestinations', () => {
  it('is told by what waits, for as long as the longest does', () => {
    expect(named([waiting('a', 10), waiting('b', 300), waiting('a', 200), waiting('c', 0)])).to.deep.equal([
      ['b', 300, 0],
      ['a', 200, 0],
      ['c', 0, 0],
    ]);
  });

  it('is told by what failed since the last confirm, until the last failure, with its nacks', () => {
    expect(named([], [failing('a', 700, 3)])).to.deep.equal([['a', 700, 3]]);
    expect(named([waiting('a', 900)], [failing('a', 700, 3)])).to.deep.equal([['a', 900, 3]]);
    expect(named([waiting('a', 500)], [failing('a', 700, 3)])).to.deep.equal([['a', 700, 3]]);
  });

  it('names those that are old enough, the sixteen oldest at most', () => {
    const jobs = Array.from({ length: 20 }, (_, n) => waiting(`k${n}`, n * 10));
    expect(named(jobs, [], 170)).to.deep.equal([
      ['k19', 190, 0],
      ['k18', 180, 0],
      ['k17', 170, 0],
    ]);
    const all = named(jobs);
    expect([all.length, all[0]?.[0], all.at(-1)?.[0]]).to.deep.equal([16, 'k19', 'k4']);
  });
});

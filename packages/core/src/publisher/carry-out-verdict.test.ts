import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { ChannelEnd } from '../transport/transport.js';
import { carryOutVerdict } from './carry-out-verdict.js';
import type { PublishFailure } from './publish-failure.js';
import type { PublishJob } from './publish-job.js';
import { aJob, aLane } from './publish-job.support.test.js';

const LOST: ChannelEnd = { kind: 'connection-lost', error: new Error('reset'), replyCode: undefined };
const REFUSED: ChannelEnd = {
  kind: 'channel-error',
  replyCode: 406,
  replyText: 'PRECONDITION',
  error: new Error('406'),
};

function setUp() {
  const told: [string, PublishJob][] = [];
  const lane = { ...aLane, putBack: (job: PublishJob) => void told.push(['put back', job]) };
  const stats = { republished: 0 };
  const settlement = {
    failed: (job: PublishJob, { kind }: PublishFailure) => told.push([kind, job]),
    refused: (job: PublishJob) => told.push(['refused', job]),
  };
  const jobs = [1, 2, 3].map(() => Object.assign(aJob(), { lane }));
  const after = { settlement, stats } as never;
  return { told, stats, jobs: jobs as [PublishJob, PublishJob, PublishJob], after };
}

describe('carryOutVerdict', () => {
  it('fails what was lost with its channel', () => {
    const { told, stats, jobs, after } = setUp();
    carryOutVerdict({ kind: 'lost', jobs }, LOST, after);
    expect(told).to.deep.equal(jobs.map((job) => ['channel-lost', job]));
    expect([stats.republished, jobs.map(({ failures }) => failures)]).to.deep.equal([0, Array(3).fill(undefined)]);
  });

  it('refuses the guilty, and puts the innocent back in their old order', () => {
    const { told, stats, jobs, after } = setUp();
    const [one, two, three] = jobs;
    carryOutVerdict({ kind: 'named', guilty: [two], innocent: [one, three] }, REFUSED, after);
    expect(told).to.deep.equal([
      ['put back', three],
      ['put back', one],
      ['refused', two],
    ]);
    expect([stats.republished, one.failures?.map(({ kind }) => kind), one.suspicion]).to.deep.equal([
      2,
      ['spoilt'],
      'none',
    ]);
  });

  it('tries suspects by themselves, behind the innocent', () => {
    for (const of of ['channel', 'connection'] as const) {
      const { told, stats, jobs, after } = setUp();
      const [one, two, three] = jobs;
      carryOutVerdict({ kind: 'suspects', of, jobs: [two, three], innocent: [one] }, LOST, after);
      expect(told.map(([, job]) => job)).to.deep.equal([three, two, one]);
      expect([one, two, three].map(({ suspicion }) => suspicion)).to.deep.equal(['none', of, of]);
      const ends = of === 'connection' ? 1 : 0;
      expect([one, two, three].map(({ connectionEnds }) => connectionEnds)).to.deep.equal([0, ends, ends]);
      expect(stats.republished).to.equal(3);
    }
  });
});

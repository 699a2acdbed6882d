import type { ChannelEnd } from '../transport/transport.js';
import { channelEndError, type Verdict } from './guilty-of.js';
import type { JobSettlement } from './job-settlement.js';
import type { PublishJob } from './publish-job.js';
import type { PublisherStats } from './publisher-stats.js';

/** Who does what a verdict asks for. */
export interface AfterChannelEnd {
  readonly settlement: JobSettlement;
  readonly stats: PublisherStats;
}

/** Does with the messages that were in flight on a channel what `guiltyOf` found right. */
export function carryOutVerdict(verdict: Verdict<PublishJob>, end: ChannelEnd, after: AfterChannelEnd): void {
  switch (verdict.kind) {
    case 'lost': {
      const error = channelEndError(end);
      for (const job of verdict.jobs) after.settlement.failed(job, { kind: 'channel-lost', error });
      break;
    }
    case 'named':
      putBack(verdict.innocent, end, after.stats);
      for (const job of verdict.guilty) after.settlement.refused(job, end);
      break;
    case 'suspects':
      for (const job of verdict.jobs) {
        job.suspicion = verdict.of;
        if (verdict.of === 'connection') job.connectionEnds++;
      }
      putBack([...verdict.innocent, ...verdict.jobs], end, after.stats);
      break;
  }
}

/** Publishes again, in the old order and before all others, what another message spoilt. */
function putBack(jobs: readonly PublishJob[], end: ChannelEnd, stats: PublisherStats): void {
  const error = channelEndError(end);
  for (const job of jobs.toReversed()) {
    job.remember({ kind: 'spoilt', error });
    job.lane.putBack(job);
  }
  stats.republished += jobs.length;
}

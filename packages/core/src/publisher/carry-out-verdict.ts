import type { ChannelEnd } from '../transport/transport.js';
import type { PublishFailure } from './decide-retry.js';
import type { Verdict } from './guilty-of.js';
import type { JobList } from './job-list.js';
import type { JobSettlement } from './job-settlement.js';
import type { PublishJob } from './publish-job.js';
import type { PublisherStats } from './publisher-stats.js';

/** Where the messages of a channel that ended can go. */
export interface AfterChannelEnd {
  readonly settlement: JobSettlement;
  /** Innocent messages: published again before all others. */
  readonly queue: JobList;
  /** Messages of which one is to blame: published again one at a time. */
  readonly suspects: JobList;
  readonly stats: PublisherStats;
  readonly now: number;
}

/** Does with the messages that were in flight on a channel what `guiltyOf` found right. */
export function carryOutVerdict(verdict: Verdict<PublishJob>, end: ChannelEnd, places: AfterChannelEnd): void {
  switch (verdict.kind) {
    case 'lost': {
      const error = channelEndError(end);
      for (const job of verdict.jobs) places.settlement.failed(job, { kind: 'channel-lost', error });
      break;
    }
    case 'named':
      putBack(verdict.innocent, places.queue, end, places);
      if (end.kind === 'channel-error') for (const job of verdict.guilty) places.settlement.refused(job, end);
      break;
    case 'suspects':
      for (const job of verdict.jobs) job.suspect = true;
      putBack(verdict.jobs, places.suspects, end, places);
      break;
  }
}

/** Publishes again, in the old order and before all others, what another message spoilt. */
function putBack(jobs: readonly PublishJob[], list: JobList, end: ChannelEnd, { now, stats }: AfterChannelEnd): void {
  const failure: PublishFailure = { kind: 'spoilt', error: channelEndError(end) };
  for (const job of jobs.toReversed()) {
    job.since = now;
    job.remember(failure);
    list.unshift(job);
  }
  stats.republished += jobs.length;
}

/** The end of a channel as an error. */
export function channelEndError(end: ChannelEnd): Error {
  if (end.kind === 'closed') return new Error('the channel was closed on this side');
  return end.error ?? new Error('the connection was lost');
}

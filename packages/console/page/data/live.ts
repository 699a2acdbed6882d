import type { DiscardJson, EventsJson, JobJson } from '../../src/contract/contract.js';
import { ask } from './api.js';
import {
  acts,
  connection,
  discards,
  jobs,
  listeners,
  outboxCounts,
  queues,
  schedules,
  serverFault,
  session,
} from './stores.js';

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;

/** Follows what happens for as long as the session lasts: comes back by itself, and says while it is away. Answers how to stop. */
export function followEvents(): () => void {
  let source: EventSource | undefined;
  let timer: number | undefined;
  let pause = FIRST_PAUSE_MS;
  let isOver = false;
  const open = () => {
    if (isOver) return;
    source = new EventSource('api/events');
    source.onopen = () => {
      pause = FIRST_PAUSE_MS;
      connection.set('live');
      // What happened meanwhile was not told.
      void catchUp();
    };
    source.onerror = () => {
      connection.set('lost');
      // The browser comes back by itself, but not from a refusal.
      source?.close();
      timer = window.setTimeout(reopen, pause);
      pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
    };
    for (const [name, take] of Object.entries(TAKERS)) {
      source.addEventListener(name, (event) => take(JSON.parse((event as MessageEvent<string>).data)));
    }
  };
  // Asked for first: a session that has ended leads to the login, which an event source does not tell from other faults.
  const reopen = () =>
    void ask('api/session').then(open, () => {
      if (isOver || session.value === 'none') return;
      timer = window.setTimeout(reopen, pause);
    });
  open();
  return () => {
    isOver = true;
    window.clearTimeout(timer);
    source?.close();
    connection.set('connecting');
  };
}

const TAKERS: { readonly [Name in keyof EventsJson]: (data: EventsJson[Name]) => void } = {
  queues: (data) => queues.set(data),
  job: (job) => keepJob(job),
  listeners: (data) => listeners.set(data),
  outbox: (data) => outboxCounts.set(data),
  schedules: (data) => schedules.set(data),
  audit: (one) => {
    acts.update((count) => count + 1);
    if (DISCARDS.test(one.what)) void refreshDiscards();
  },
  fault: (fault) => serverFault.set(fault ?? undefined),
};

const DISCARDS = /^errors\.discard/;

async function catchUp(): Promise<void> {
  const [known] = await Promise.all([ask<readonly JobJson[]>('api/jobs'), refreshDiscards()]).catch(() => [undefined]);
  if (known !== undefined) jobs.set(known);
}

/** Takes a job as it is now, in its place. */
export function keepJob(job: JobJson): void {
  jobs.update((known) => {
    const isKnown = known.some(({ id }) => id === job.id);
    return isKnown ? known.map((each) => (each.id === job.id ? job : each)) : [job, ...known];
  });
}

/** Asks which discards can still be undone. */
export async function refreshDiscards(): Promise<void> {
  discards.set(await ask<readonly DiscardJson[]>('api/errors/discards').catch(() => discards.value));
}

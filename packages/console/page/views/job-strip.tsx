import { useState } from 'preact/hooks';
import type { JobJson } from '../../src/contract/contract.js';
import { jobText } from '../../src/page/job-text.js';
import { act } from '../data/api.js';
import { keepJob } from '../data/live.js';
import { useStore } from '../data/store.js';
import { jobs, mayOperate, now, session } from '../data/stores.js';
import { ActButton } from '../parts/act-button.js';
import { FaultNote } from '../parts/notes.js';
import { StrangerText } from '../parts/stranger-text.js';

/** How long one that has ended is still told of, over every view. */
const TOLD_MS = 15 * 60_000;
const KEY = 'leveret-told-jobs';

/** Retries that run on the server, and those that ended a short while ago. */
export function JobStrip() {
  const known = useStore(jobs);
  const current = useStore(now);
  const [told, setTold] = useState(toldJobs);
  const dismiss = (id: string) => {
    const all = [...told, id];
    setTold(all);
    sessionStorage.setItem(KEY, JSON.stringify(all));
  };
  const shown = known.filter(
    ({ id, endedAt }) => endedAt === undefined || (current - endedAt < TOLD_MS && !told.includes(id)),
  );
  return (
    <>
      {shown.map((job) => (
        <JobPanel key={job.id} job={job} onDismiss={() => dismiss(job.id)} />
      ))}
    </>
  );
}

function toldJobs(): readonly string[] {
  const known: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? '[]');
  return Array.isArray(known) ? known.map(String) : [];
}

function JobPanel({ job, onDismiss }: { readonly job: JobJson; onDismiss(): void }) {
  const [fault, setFault] = useState<Error>();
  const who = useStore(session);
  const isRunning = job.endedAt === undefined;
  const stop = async () => keepJob(await act<JobJson>(`api/jobs/${encodeURIComponent(job.id)}/stop`));
  return (
    <section
      class={`strip job ${job.phase}`}
      aria-label={`${job.kind === 'retry' ? 'Retry' : 'Resumed retry'} by ${job.who}`}
      data-job={job.id}
    >
      <JobBody job={job} />
      {isRunning && mayOperate(who) && (
        <ActButton onAct={stop} onFault={setFault}>
          Stop
        </ActButton>
      )}
      {!isRunning && (
        <button type="button" class="quiet" aria-label="Dismiss" onClick={onDismiss}>
          ✕
        </button>
      )}
      <FaultNote fault={fault} />
    </section>
  );
}

/** How far a retry has come, and how its canary fared. */
export function JobBody({ job }: { readonly job: JobJson }) {
  const { canary, sent, total, phase } = job;
  const isOver = job.endedAt !== undefined;
  return (
    <div class="body">
      <p class="state" role={isOver ? 'status' : undefined}>
        {jobText(job)}
        {canary !== undefined && canary.failed === 0 && canary.handled > 0 && (
          <span class="dim">
            {' '}
            Canary: {canary.handled} of {canary.sent} handled.
          </span>
        )}
      </p>
      {total > 0 && phase !== 'failed' && <progress value={sent} max={total} aria-label="Messages sent" />}
      {(canary?.errors.length ?? 0) > 0 && (
        <ul class="reasons">
          {canary?.errors.slice(0, 3).map((error, index) => (
            <li key={index}>
              <StrangerText text={error} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

import { randomUUID } from 'node:crypto';
import { type Clock, within } from '@leveret/core';
import { type HoldLimits, type PlannedRetry, resume, retry } from '@leveret/operations';
import type { BrokerLink } from '../broker/broker-link.js';
import type { ErrorQueueList } from '../broker/error-queue-list.js';
import type { Looks } from '../broker/looks.js';
import type { JobJson, ResumeRequest, RetryRequest } from '../contract/contract.js';
import { ConsoleFault } from '../http/console-fault.js';
import { MaskedMessage } from '../mask/masked-message.js';
import type { BodyMask } from '../mask/read-body.js';
import type { ConsoleUser } from '../security/sessions.js';
import type { AuditLog } from './audit-log.js';
import { Job, type JobStart } from './job.js';

const MOST_KEPT = 50;
const MOST_RUNNING = 10;
/** How often the pages are told of a job that moves. */
const TELL_EVERY_MS = 250;
/** How long a shutdown waits for what was not sent to be back in its queue. */
const CLOSE_MS = 10_000;

/** What jobs are done with. */
export interface JobDependencies {
  readonly link: BrokerLink;
  readonly list: ErrorQueueList;
  readonly looks: Looks;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly mask: BodyMask;
  readonly limits: HoldLimits | undefined;
  readonly tell: (job: JobJson) => void;
}

/** Retries that go on whoever looks. When the process ends in the middle, what was begun waits in its staging queue. */
export class Jobs {
  readonly #deps: JobDependencies;
  readonly #jobs = new Map<string, Job>();
  readonly #running = new Map<Job, Promise<void>>();
  readonly #told = new Map<Job, number>();
  #isClosed = false;

  constructor(deps: JobDependencies) {
    this.#deps = deps;
  }

  /** The newest first. */
  get all(): readonly JobJson[] {
    return [...this.#jobs.values()].map((job) => job.json()).reverse();
  }

  get(id: string): JobJson | undefined {
    return this.#jobs.get(id)?.json();
  }

  /** Stops it: what is not sent goes back into its queue. Answers `undefined` when there is no such job. */
  stop(id: string): JobJson | undefined {
    const job = this.#jobs.get(id);
    job?.stop.abort();
    return job?.json();
  }

  /** Begins a retry. @throws {ConsoleFault} 409 when another is at work on one of the queues */
  retry(request: RetryRequest, queues: readonly string[], user: ConsoleUser): JobJson {
    return this.#begin({ id: randomUUID(), kind: 'retry', who: user.who, request, queues }, user, (job) =>
      this.#retry(job, request),
    );
  }

  /** Goes on with what is staged. @throws {ConsoleFault} 409 when another is at work on one of the queues */
  resume(request: ResumeRequest, queues: readonly string[], user: ConsoleUser): JobJson {
    return this.#begin({ id: randomUUID(), kind: 'resume', who: user.who, request, queues }, user, async (job) => {
      const { rate } = request;
      const onProgress = (at: Parameters<Job['progress']>[0]) => this.#moved(job, () => job.progress(at));
      await resume(await this.#deps.link.session(), queues, { rate, signal: job.stop.signal, onProgress });
      const stopped = job.stop.signal.aborted ? ('aborted' as const) : undefined;
      const { total, sent } = job.json();
      job.ended({ left: stopped === undefined ? 0 : total - sent, canary: undefined, stopped, failure: undefined });
    });
  }

  /** Stops all of them, and waits until what was not sent is back in its queue, 10 s at most. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const job of this.#running.keys()) job.stop.abort();
    await within(this.#deps.clock, CLOSE_MS, Promise.all(this.#running.values()), () => {});
  }

  #begin(start: JobStart, user: ConsoleUser, work: (job: Job) => Promise<void>): JobJson {
    this.#refuseTwice(start.queues);
    const job = new Job(start, this.#deps.clock);
    this.#jobs.set(start.id, job);
    this.#forgetOld();
    const done = this.#run(job, user, work).finally(() => this.#running.delete(job));
    this.#running.set(job, done);
    return job.json();
  }

  #refuseTwice(queues: readonly string[]): void {
    if (this.#isClosed) throw refused('The console is closing.');
    if (this.#running.size >= MOST_RUNNING) throw refused(`There are ${MOST_RUNNING} jobs at work already.`);
    for (const job of this.#running.keys()) {
      const queue = job.start.queues.find((each) => queues.includes(each));
      if (queue !== undefined)
        throw refused(`Another job is at work on queue ${JSON.stringify(queue)}. Stop it, or wait for its end.`);
    }
  }

  async #run(job: Job, user: ConsoleUser, work: (job: Job) => Promise<void>): Promise<void> {
    const { audit, looks, list } = this.#deps;
    const { kind, queues, id } = job.start;
    try {
      const staged = await list.lookForStaged(queues);
      job.foundStaged(queues.reduce((sum, queue) => sum + (staged.get(queue) ?? 0), 0));
      await work(job);
    } catch (error) {
      job.failed(error);
    }
    looks.forget(queues);
    await list.lookForStaged(queues).catch(() => {});
    this.#deps.tell(job.json());
    const { phase, sent, left, stopped, error } = job.json();
    const detail = `job ${id}: ${phase}${stopped === undefined ? '' : ` (${stopped})`}, ${left} left${error === undefined ? '' : `, ${error.message}`}`;
    await audit.note({ ...user, what: `errors.${kind}.end`, ids: [], count: sent, detail, ok: phase === 'done' });
  }

  async #retry(job: Job, request: RetryRequest): Promise<void> {
    const { selection, to, via, rate, canary, canaryTimeoutMs } = request;
    const { limits, looks } = this.#deps;
    const { queues } = job.start;
    const report = await retry(await this.#deps.link.session(), {
      ...{ queues, selection, to, via, rate, canary, canaryTimeoutMs, limits },
      signal: job.stop.signal,
      onPlanned: (planned) => {
        looks.forget(queues);
        job.scrub = this.#scrubberOf(planned.slice(0, canary ?? 0));
        this.#moved(job, () => job.planned(planned));
      },
      onProgress: (at) => this.#moved(job, () => job.progress(at)),
    });
    job.ended(report);
  }

  /** What a listener says of a message may repeat what is masked in it. */
  #scrubberOf(planned: readonly PlannedRetry[]): Job['scrub'] {
    const messages = new Map(planned.map(({ message }) => [message.key, message]));
    return (key, text) => {
      const message = messages.get(key);
      return message === undefined ? text : new MaskedMessage(message, this.#deps.mask).scrub(text);
    };
  }

  #moved(job: Job, move: () => void): void {
    const before = job.json().phase;
    move();
    const now = this.#deps.clock.monotonic();
    const json = job.json();
    if (json.phase === before && now - (this.#told.get(job) ?? Number.NEGATIVE_INFINITY) < TELL_EVERY_MS) return;
    this.#told.set(job, now);
    this.#deps.tell(json);
  }

  #forgetOld(): void {
    for (const [id, job] of this.#jobs) {
      if (this.#jobs.size <= MOST_KEPT) return;
      if (job.isRunning) continue;
      this.#jobs.delete(id);
      this.#told.delete(job);
    }
  }
}

function refused(message: string): ConsoleFault {
  return new ConsoleFault(409, 'LEV_OPERATION_REFUSED', message);
}

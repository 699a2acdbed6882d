import { type Clock, LeveretError } from '@leveret/core';
import type { CanaryReport, PlannedRetry, RetryProgress, RetryReport } from '@leveret/operations';
import type { FaultJson, JobJson, ResumeRequest, RetryRequest } from '../contract/contract.js';
import { faultOf } from '../http/console-fault.js';
import { RateMeter } from '../time/rate-meter.js';

/** What a job is begun with. */
export interface JobStart {
  readonly id: string;
  readonly kind: JobJson['kind'];
  readonly who: string;
  readonly request: RetryRequest | ResumeRequest;
  readonly queues: readonly string[];
}

/** One retry that is under way, or has been: what is known of it at the moment. */
export class Job {
  readonly start: JobStart;
  readonly stop = new AbortController();
  /** Takes masked values out of what a canary failed with. */
  scrub: (key: string, text: string) => string = (_key, text) => text;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #rate: RateMeter;
  readonly #sent = { resuming: 0, canary: 0, sending: 0 };
  #phase: JobJson['phase'] = 'looking';
  #staged = 0;
  #planned = 0;
  #rateNow: number | undefined;
  #endedAt: number | undefined;
  #left: number | undefined;
  #canary: JobJson['canary'];
  #stopped: JobJson['stopped'];
  #error: FaultJson['error'] | undefined;

  constructor(start: JobStart, clock: Clock) {
    this.start = start;
    this.#clock = clock;
    this.#startedAt = clock.now();
    this.#rate = new RateMeter(clock);
  }

  get isRunning(): boolean {
    return this.#endedAt === undefined;
  }

  get sent(): number {
    return this.#sent.resuming + this.#sent.canary + this.#sent.sending;
  }

  /** So many were on their way already. */
  foundStaged(count: number): void {
    this.#staged = count;
  }

  planned(planned: readonly PlannedRetry[]): void {
    this.#planned = planned.length;
    // What was staged has been sent by now, whatever was counted before.
    this.#staged = this.#sent.resuming;
  }

  progress({ phase, sent }: RetryProgress): void {
    this.#phase = phase;
    if (phase !== 'waiting') this.#sent[phase] = sent;
    this.#rateNow = this.#rate.see(this.sent);
  }

  /** It came to an end by itself. */
  ended({ left, canary, stopped, failure }: Pick<RetryReport, 'left' | 'canary' | 'stopped' | 'failure'>): void {
    this.#end(stopped === undefined ? 'done' : 'stopped');
    this.#left = left;
    this.#stopped = stopped;
    this.#canary = canary && this.#canaryJson(canary);
    if (failure !== undefined) this.#error = errorOf(failure);
  }

  failed(error: unknown): void {
    this.#end('failed');
    this.#error = errorOf(error);
  }

  json(): JobJson {
    const { id, kind, who, request } = this.start;
    const total = Math.max(this.#staged + this.#planned, this.sent);
    return {
      ...{ id, kind, who, request },
      startedAt: this.#startedAt,
      endedAt: this.#endedAt,
      phase: this.#phase,
      sent: this.sent,
      total,
      rateNow: this.isRunning ? this.#rateNow : undefined,
      canary: this.#canary,
      left: this.#left ?? total - this.sent,
      stopped: this.#stopped,
      error: this.#error,
    };
  }

  #end(phase: 'done' | 'stopped' | 'failed'): void {
    this.#phase = phase;
    this.#endedAt = this.#clock.now();
  }

  #canaryJson({ sent, handled, failed, silent, outcomes }: CanaryReport): JobJson['canary'] {
    const errors = outcomes.flatMap(({ key, error }) => (error === undefined ? [] : [this.scrub(key, error)]));
    return { sent, handled, failed, silent, errors: [...new Set(errors)].slice(0, 10) };
  }
}

/** The person who began it is told also what is no error of leveret's: it is about the queues, not about the console. */
function errorOf(error: unknown): FaultJson['error'] {
  if (LeveretError.is(error) || !(error instanceof Error)) return faultOf(error).fault.error;
  return { code: 'LEV_OPERATION_INTERRUPTED', message: error.message };
}

import {
  type Clock,
  type EventSink,
  type IdempotencyStore,
  LeveretError,
  type Logger,
  logSafely,
  MAX_TIMER_MS,
  within,
} from '@leveret/core';
import { runAlone } from './run-alone.js';
import type { ScheduleEvent } from './schedule-event.js';
import type { Timing } from './timing.js';

/** A schedule, resolved and checked. */
export interface ScheduleDefinition {
  readonly id: string;
  readonly timing: Timing;
  /** Each run begins later by up to this. */
  readonly jitterMs: number;
  /** The first run is at the start. */
  readonly immediate: boolean;
  /** `undefined` = no limit. */
  readonly timeoutMs: number | undefined;
  /** `undefined` = each instance runs. */
  readonly alone: { readonly store: IdempotencyStore; readonly leaseMs: number } | undefined;
  readonly call: (signal: AbortSignal) => unknown;
}

/** What a schedule stands on. */
export interface ScheduleDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventSink<ScheduleEvent>;
  /** A number from 0 (included) to 1 (excluded). Default `Math.random`. */
  readonly random?: () => number;
}

/** What a run came to; `elsewhere`: another instance runs at this beat. */
export type RunOutcome = 'succeeded' | 'failed' | 'elsewhere';

/** A schedule as it stands at the moment. */
export interface ScheduleSnapshot {
  readonly id: string;
  /** When it runs, such as `every 20000 ms`. */
  readonly timing: string;
  readonly state: 'stopped' | 'waiting' | 'running';
  /** The next beat, in milliseconds since the epoch; `undefined` while it is stopped. */
  readonly nextAt: number | undefined;
  /** When the current run began. */
  readonly runningSince: number | undefined;
  /** The last run that ended here. */
  readonly last: { readonly at: number; readonly durationMs: number; readonly error: unknown } | undefined;
  readonly counts: ScheduleCounts;
}

/** How often, since the schedule was made. */
export interface ScheduleCounts {
  readonly succeeded: number;
  readonly failed: number;
  /** Beats without a run, because the one before was still running. */
  readonly skipped: number;
  /** Beats without a run here, because another instance ran. */
  readonly elsewhere: number;
}

interface Run {
  readonly startedAt: number;
  readonly controller: AbortController;
  readonly ended: Promise<RunOutcome>;
  skippedBeats: number;
}

/** Before the time is up the signal of the running method fires, this long or a fifth of the time before. */
const SIGNAL_BEFORE_END_MS = 5000;

/** Calls a method at its beats, one run at a time. Nothing that goes wrong in a run reaches anybody but log and events. */
export class Schedule {
  readonly definition: ScheduleDefinition;
  readonly #deps: ScheduleDependencies;
  readonly #counts = { succeeded: 0, failed: 0, skipped: 0, elsewhere: 0 };
  #running: Run | undefined;
  #nextAt: number | undefined;
  #last: ScheduleSnapshot['last'];
  #cancelTimer: () => void = () => {};
  #cutWait: () => void = () => {};

  constructor(definition: ScheduleDefinition, deps: ScheduleDependencies) {
    this.definition = definition;
    this.#deps = deps;
  }

  get id(): string {
    return this.definition.id;
  }

  /** Waits for the beats from now on. Does nothing when it does so already. */
  start(): void {
    if (this.#nextAt !== undefined) return;
    const now = this.#deps.clock.now();
    this.#waitFor(this.definition.timing.first(now));
    if (this.definition.immediate) this.#beat();
  }

  /**
   * Begins no further run, and waits for the one that is running. Never rejects. `start()` goes on.
   * @param options.timeoutMs how long to wait; the signal of the method fires before that. Default 25,000
   * @returns whether a run had to be left behind
   */
  async stop(options: { readonly timeoutMs?: number } = {}): Promise<{ readonly abandoned: boolean }> {
    const { clock, logger } = this.#deps;
    const { timeoutMs = 25_000 } = options;
    this.#cancelTimer();
    this.#nextAt = undefined;
    const run = this.#running;
    if (run === undefined) return { abandoned: false };
    const signalAfterMs = timeoutMs - Math.min(SIGNAL_BEFORE_END_MS, timeoutMs / 5);
    const cancelSignal = clock.after(signalAfterMs, () => run.controller.abort(stopping()), true);
    const cut = new Promise<'cut'>((resolve) => {
      this.#cutWait = () => {
        run.controller.abort(stopping());
        resolve('cut');
      };
    });
    const ended = await within(clock, timeoutMs, Promise.race([run.ended, cut]), () => 'late' as const);
    cancelSignal();
    const abandoned = ended === 'late' || ended === 'cut';
    if (abandoned) logSafely(logger, 'error', this.#place, 'scheduled method still running at the end of the shutdown');
    return { abandoned };
  }

  /** Cuts a stop short: the running method is no longer waited for. Does nothing when nobody waits. */
  hurry(): void {
    this.#cutWait();
  }

  /** Runs now, out of turn; joins a run that is going on. Never rejects. */
  run(): Promise<RunOutcome> {
    return (this.#running ?? this.#begin()).ended;
  }

  inspect(): ScheduleSnapshot {
    return {
      id: this.id,
      timing: this.definition.timing.text,
      state: this.#running !== undefined ? 'running' : this.#nextAt === undefined ? 'stopped' : 'waiting',
      nextAt: this.#nextAt,
      runningSince: this.#running?.startedAt,
      last: this.#last,
      counts: { ...this.#counts },
    };
  }

  #waitFor(due: number | undefined): void {
    const { clock, logger, random = Math.random } = this.#deps;
    this.#nextAt = due;
    if (due === undefined) {
      logSafely(logger, 'info', this.#place, 'schedule has no further beat');
      return;
    }
    const begin = due + this.definition.jitterMs * random();
    const wait = () => {
      const leftMs = Math.max(begin - clock.now(), 0);
      // A timer cannot hold a month. What it can hold is not looked at again: a clock that was set back would hold it up.
      const next = leftMs > MAX_TIMER_MS ? wait : () => this.#due(due);
      this.#cancelTimer = clock.after(Math.min(leftMs, MAX_TIMER_MS), next);
    };
    wait();
  }

  #due(due: number): void {
    // The next beat first, so that nothing in the run can keep it from coming.
    this.#waitFor(this.definition.timing.following(due, this.#deps.clock.now()));
    this.#beat();
  }

  #beat(): void {
    if (this.#running === undefined) {
      this.#begin();
      return;
    }
    this.#counts.skipped++;
    this.#emit({ type: 'schedule-skipped', reason: 'running' });
    if (++this.#running.skippedBeats > 1) return;
    const fields = { ...this.#place, runningForMs: this.#deps.clock.now() - this.#running.startedAt };
    logSafely(
      this.#deps.logger,
      'warn',
      fields,
      'scheduled method is still running at its next beat, which is skipped',
    );
  }

  #begin(): Run {
    const controller = new AbortController();
    const startedAt = this.#deps.clock.now();
    const ended = this.#runOnce(controller).then((result) => this.#ended(startedAt, result));
    const run: Run = { startedAt, controller, ended, skippedBeats: 0 };
    this.#running = run;
    return run;
  }

  /** Resolves to what the run came to; an error is a failure. */
  async #runOnce(controller: AbortController): Promise<'succeeded' | 'elsewhere' | { readonly error: unknown }> {
    const { call, alone, timeoutMs } = this.definition;
    const { clock, logger } = this.#deps;
    let late: LeveretError | undefined;
    const cancelTimeout =
      timeoutMs === undefined
        ? () => {}
        : clock.after(timeoutMs, () => {
            late = timedOut(this.id, timeoutMs);
            controller.abort(late);
          });
    try {
      // Begun a moment later: what the method does at once sees a schedule that is running.
      await Promise.resolve();
      const run = () => call(controller.signal);
      if (alone !== undefined) {
        const untilNext = () => this.#restMs();
        const ran = await runAlone({ ...alone, id: this.id, clock, logger, untilNext, controller, run });
        if (!ran) return 'elsewhere';
      } else await run();
      return late === undefined ? 'succeeded' : { error: late };
    } catch (error) {
      return { error: late ?? error };
    } finally {
      cancelTimeout();
    }
  }

  /** How long no other instance is to run: until a little before the next beat. */
  #restMs(): number {
    const now = this.#deps.clock.now();
    const { timing, alone } = this.definition;
    const next = this.#nextAt ?? timing.first(now);
    // That was the last beat, which other instances may have yet to come to, as by their jitter.
    if (next === undefined) return alone?.leaseMs ?? 0;
    const distance = next - (this.#running?.startedAt ?? now);
    return next - now - Math.min(distance * BEAT_MARGIN, BEAT_MARGIN_MS);
  }

  #ended(startedAt: number, result: 'succeeded' | 'elsewhere' | { readonly error: unknown }): RunOutcome {
    const durationMs = this.#deps.clock.now() - startedAt;
    this.#running = undefined;
    if (result === 'elsewhere') {
      this.#counts.elsewhere++;
      this.#emit({ type: 'schedule-skipped', reason: 'elsewhere' });
      return 'elsewhere';
    }
    const error = result === 'succeeded' ? undefined : result.error;
    this.#last = { at: startedAt, durationMs, error };
    if (result === 'succeeded') {
      this.#counts.succeeded++;
      this.#emit({ type: 'schedule-succeeded', durationMs });
      return 'succeeded';
    }
    this.#counts.failed++;
    this.#emit({ type: 'schedule-failed', error, durationMs });
    logSafely(this.#deps.logger, 'error', { ...this.#place, durationMs, err: error }, 'scheduled method failed');
    return 'failed';
  }

  #emit(news: ScheduleNews): void {
    if (!this.#deps.events.idle) this.#deps.events.emit({ ...news, scheduleId: this.id });
  }

  get #place() {
    return { schedule: this.id };
  }
}

/** Clocks and timers of instances differ a little: the next beat must not find this one's claim. */
const BEAT_MARGIN = 0.05;
const BEAT_MARGIN_MS = 5000;

type WithoutId<T> = T extends unknown ? Omit<T, 'scheduleId'> : never;
type ScheduleNews = WithoutId<ScheduleEvent>;

function timedOut(id: string, timeoutMs: number): LeveretError {
  return new LeveretError(
    'LEV_HANDLER_TIMEOUT',
    `The scheduled method ${id} ran longer than its timeout of ${timeoutMs} ms. Pass its signal to what it calls, or raise the timeout.`,
  );
}

function stopping(): LeveretError {
  return new LeveretError('LEV_INVALID_STATE', 'The application is closing and can wait no longer for this run.');
}

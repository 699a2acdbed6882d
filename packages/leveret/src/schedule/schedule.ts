import {
  type Clock,
  type Enter,
  type EventSink,
  type IdempotencyStore,
  keepContext,
  LeveretError,
  type Logger,
  logSafely,
  within,
} from '@leveret/core';
import { runAlone } from './run-alone.js';
import type { ScheduleEvent } from './schedule-event.js';
import type { Timing } from './timing.js';
import { timeOf, waitForBeat } from './wait-for-beat.js';

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
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** The same by the monotonic hand. */
  readonly since: number;
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
  /** The next beat, by the hand of the timing. */
  #due: number | undefined;
  #last: ScheduleSnapshot['last'];
  #cancelTimer: () => void = () => {};
  #cutWait: () => void = () => {};
  /** Each beat begins in the async context in which the schedule was started. */
  #enter: Enter = (work) => work();

  constructor(definition: ScheduleDefinition, deps: ScheduleDependencies) {
    this.definition = definition;
    this.#deps = deps;
  }

  get id(): string {
    return this.definition.id;
  }

  /** Waits for the beats from now on. Does nothing when it does so already. */
  start(): void {
    if (this.#due !== undefined) return;
    this.#enter = keepContext();
    this.#waitFor(this.definition.timing.first(this.#now()));
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
    this.#due = undefined;
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
    const due = this.#due;
    return {
      id: this.id,
      timing: this.definition.timing.text,
      state: this.#running !== undefined ? 'running' : due === undefined ? 'stopped' : 'waiting',
      nextAt: due === undefined ? undefined : Math.round(this.#deps.clock.now() + due - this.#now()),
      runningSince: this.#running?.startedAt,
      last: this.#last,
      counts: { ...this.#counts },
    };
  }

  #now(): number {
    return timeOf(this.definition.timing, this.#deps.clock);
  }

  #waitFor(due: number | undefined): void {
    const { clock, logger, random = Math.random } = this.#deps;
    const { timing, jitterMs } = this.definition;
    this.#due = due;
    if (due === undefined) {
      logSafely(logger, 'info', this.#place, 'schedule has no further beat');
      return;
    }
    this.#cancelTimer = waitForBeat(clock, timing, due + jitterMs * random(), {
      reached: (now) => {
        // The next beat first, so that nothing in the run can keep it from coming.
        this.#waitFor(timing.following(due, now));
        this.#beat();
      },
      corrected: (now) => this.#waitFor(timing.first(now)),
    });
  }

  #beat(): void {
    if (this.#running === undefined) {
      this.#enter(() => this.#begin());
      return;
    }
    this.#counts.skipped++;
    this.#emit({ type: 'schedule-skipped', reason: 'running' });
    if (++this.#running.skippedBeats > 1) return;
    const fields = { ...this.#place, runningForMs: Math.round(this.#deps.clock.monotonic() - this.#running.since) };
    logSafely(
      this.#deps.logger,
      'warn',
      fields,
      'scheduled method is still running at its next beat, which is skipped',
    );
  }

  #begin(): Run {
    const controller = new AbortController();
    const { clock } = this.#deps;
    const began = { startedAt: clock.now(), since: clock.monotonic() };
    const ended = this.#runOnce(controller).then((result) => this.#ended(began, result));
    const run: Run = { ...began, controller, ended, skippedBeats: 0 };
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
    const now = this.#now();
    const { timing, alone } = this.definition;
    const next = this.#due ?? timing.first(now);
    // That was the last beat, which other instances may have yet to come to, as by their jitter.
    if (next === undefined) return alone?.leaseMs ?? 0;
    const { clock } = this.#deps;
    const ranForMs = clock.monotonic() - (this.#running?.since ?? clock.monotonic());
    return next - now - Math.min((next - now + ranForMs) * BEAT_MARGIN, BEAT_MARGIN_MS);
  }

  #ended(
    { startedAt, since }: Pick<Run, 'startedAt' | 'since'>,
    result: 'succeeded' | 'elsewhere' | { readonly error: unknown },
  ): RunOutcome {
    const durationMs = Math.round(this.#deps.clock.monotonic() - since);
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

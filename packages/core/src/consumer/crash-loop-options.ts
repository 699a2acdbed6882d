import type { IdempotencyStore } from '../idempotency/idempotency-store.js';
import type { OptionsOf } from '../options/option.js';
import { customOption, durationOption, groupOption, wholeNumberOption } from '../options/option-kinds.js';
import type { Recoverer, RecovererFunction } from '../recoverer/recoverer.js';
import type { Duration } from '../time/duration.js';
import type { InstanceOrClass } from './instance-or-class.js';

/**
 * What to do about messages that end the process: that take all memory, block for longer than a supervisor waits, or exit. A
 * message that comes again is written down before it is started, and the record is taken away when it has ended.
 */
export interface CrashLoopOptions {
  /** So many ends of a process are its fault. From 2; default 3. */
  readonly after?: number;
  /** Where it goes then, with the reason `crash-loop`. Default: the `recoverer` of the listener. */
  readonly quarantine?: InstanceOrClass<Recoverer> | RecovererFunction;
  /** Starts longer ago do not count. Above 0; default 1 h. */
  readonly within?: Duration;
  /** Where starts are written down: an idempotency store that outlives the process. Default: the application's. */
  readonly store?: InstanceOrClass<IdempotencyStore>;
}

const CRASH_LOOP_OPTIONS = {
  after: wholeNumberOption({ from: 2, to: 100, or: 3, text: "so many ends of a process are one message's fault" }),
  quarantine: customOption<InstanceOrClass<Recoverer> | RecovererFunction>({
    byDefault: 'the `recoverer`',
    text: 'where it goes then, with the reason `crash-loop`',
  }),
  within: durationOption({
    or: '1h',
    text: 'starts longer ago do not count: longer than a supervisor waits before it starts the process again',
  }),
  store: customOption<InstanceOrClass<IdempotencyStore>>({
    byDefault: "the application's `idempotency.store`",
    text: 'where starts are written down: an idempotency store that outlives the process',
  }),
} satisfies OptionsOf<CrashLoopOptions>;

/** The option `crashLoop`: `true` takes every default. What is read is `undefined` where there is none. */
export const CRASH_LOOP_OPTION = groupOption<CrashLoopOptions | boolean, typeof CRASH_LOOP_OPTIONS>(
  CRASH_LOOP_OPTIONS,
  {
    flag: true,
    text: 'what to do about messages that [end the process](outages.md#messages-that-end-the-process): `true`, or options',
  },
);

import type { OptionsOf } from '../options/option.js';
import {
  durationOption,
  functionOption,
  groupOption,
  numberOption,
  requiredOption,
  wholeNumberOption,
} from '../options/option-kinds.js';
import type { Duration } from '../time/duration.js';
import type { KillSwitchPolicy } from './kill-switch.js';
import type { RatePolicy } from './rate-limit.js';

/** How many messages a listener may begin. */
export interface MaxRateOptions {
  /** From 1 to 100,000. */
  readonly messages: number;
  /** In any stretch of this length. Above 0; default 1 s. */
  readonly per?: Duration;
}

/**
 * When a listener pauses by itself, because what it needs is down: `true` takes every default.
 *
 * Of its latest attempts in this process, as many failed as to say that it is not the messages' fault. Then it takes
 * nothing more, gives back what failed, and tries one message after each pause until one succeeds.
 */
export interface KillSwitchOptions {
  /** How many of the latest attempts are looked at; with fewer it never trips. From 1 to 10,000; default 20. */
  readonly activeAt?: number;
  /** It trips when this share of them failed. From 0.01 to 1; default 0.5. */
  readonly tripAt?: number;
  /** Attempts that ended longer ago are not looked at. Above 0; default 30 s. */
  readonly within?: Duration;
  /** How long it takes nothing, and how long between two messages that are tried. Above 0; default 30 s. */
  readonly pause?: Duration;
  /**
   * Whether an error may be the fault of something that other messages need, too. Never asked about messages that cannot be
   * read, nor about `RejectMessage` and `AcknowledgeMessage`. When it throws, the error counts. Default: what `retryable`
   * says, or every error.
   */
  readonly when?: (error: unknown) => boolean;
}

const MAX_RATE_OPTIONS = {
  messages: requiredOption(
    wholeNumberOption({ from: 1, to: 100_000, text: 'how many may begin within `per`, 1 to 100,000' }),
  ),
  per: durationOption({ or: '1s', text: 'in any stretch of this length' }),
} satisfies OptionsOf<MaxRateOptions>;

/** The option `maxRate`. */
export const MAX_RATE_OPTION = groupOption<MaxRateOptions, typeof MAX_RATE_OPTIONS, RatePolicy>(MAX_RATE_OPTIONS, {
  byDefault: 'no limit',
  text: "how many messages [may begin](outages.md#at-most-so-many) in this process: `{ messages: 50, per: '1s' }`",
  make: (read) => read,
});

const KILL_SWITCH_OPTIONS = {
  activeAt: wholeNumberOption({
    from: 1,
    to: 10_000,
    or: 20,
    text: 'how many of the latest attempts are looked at. Fewer would take two unlucky messages for an outage; more would park more before it is noticed',
  }),
  tripAt: numberOption({
    from: 0.01,
    to: 1,
    or: 0.5,
    text: 'the share of them that failed. Services that are up fail seldom, services that are down fail always: half lies far from both',
  }),
  within: durationOption({
    or: '30s',
    text: 'older attempts are not looked at: on a quiet queue three failures of this morning are no outage',
  }),
  pause: durationOption({
    or: '30s',
    text: 'how long it takes nothing, and how long between two messages that are tried. A restart takes about so long, and one call each half minute holds nobody down',
  }),
  when: functionOption<(error: unknown) => boolean>({
    takes: 'of the error',
    byDefault: 'what `retryable` says, else every error',
    text: '`(error) => boolean`: may this be the fault of something that others need, too?',
  }),
} satisfies OptionsOf<KillSwitchOptions>;

/** The option `killSwitch`: `true` takes every default. What is read is `undefined` where there is none. */
export const KILL_SWITCH_OPTION = groupOption<
  KillSwitchOptions | boolean,
  typeof KILL_SWITCH_OPTIONS,
  KillSwitchPolicy
>(KILL_SWITCH_OPTIONS, {
  flag: true,
  text: '[pause](outages.md#the-kill-switch) instead of parking good messages when what they need is down: `true`, or options',
  make: (read) => read,
});

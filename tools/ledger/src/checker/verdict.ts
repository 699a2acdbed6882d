import type { Invariant, Violation } from './violations.js';

/** What a run came to. Times are milliseconds. */
export interface Verdict {
  readonly messages: {
    readonly attempted: number;
    /** The publisher was told that the broker has it; with an outbox: committed. */
    readonly confirmed: number;
    readonly handled: number;
    readonly parked: number;
    /** Parked although its handler would have succeeded in the end, as when the database was away for all of its attempts. */
    readonly parkedGood: number;
    readonly deadLettered: number;
    /** Gone with a queue that was deleted on purpose. */
    readonly excluded: number;
    readonly lost: number;
    readonly phantom: number;
    readonly earlyAcks: number;
    readonly left: number;
  };
  readonly duplicates: {
    /** Effects beyond the first. */
    readonly effects: number;
    /** Of 100 messages handled. */
    readonly percent: number;
    /** At most, by what was on its way whenever something broke. */
    readonly bound: number;
    /** Copies in the error queue beyond the first. */
    readonly parked: number;
    readonly redeliveries: number;
    readonly publishedAgain: number;
    /** The effects beyond the first, by the kind of fault that began last before them. */
    readonly byFault: Readonly<Record<string, AgainFigures>>;
  };
  readonly faults: readonly FaultFigures[];
  readonly windows: readonly FaultTimes[];
  /** Faults that could not be made, as by a tool that did not answer in time; they are not among the others. */
  readonly failedFaults: number;
  readonly kills: { readonly brokers: number; readonly consumers: number; readonly publishers: number };
  /** Messages in each second, from the second `from` of the epoch on. */
  readonly series: {
    readonly from: number;
    readonly confirmed: readonly number[];
    readonly handled: readonly number[];
    readonly again: readonly number[];
  };
  readonly waits: { readonly count: number; readonly lateMs: Percentiles };
  /** Of the longest-lived process of each kind, MiB. */
  readonly memory: readonly {
    readonly process: string;
    readonly minutes: number;
    readonly startMib: number;
    readonly endMib: number;
  }[];
  readonly violations: readonly Violation[];
  readonly violationCounts: Partial<Record<Invariant, number>>;
}

export interface Percentiles {
  readonly p50?: number | undefined;
  readonly p99?: number | undefined;
  readonly max?: number | undefined;
}

/** Effects beyond the first of their messages, and how it came to them. */
export interface AgainFigures {
  readonly effects: number;
  /** The message was published more than once. */
  readonly publishedAgain: number;
  /** Of the others: the first effect was committed behind the beginning of the fault, so its handler was at work then. */
  readonly atWork: number;
  /** The process that wrote it wrote the first, too. */
  readonly inPlace: number;
}

/** One fault, and how soon it was overcome. Milliseconds from its end; left out where it never was. */
export interface FaultTimes {
  readonly kind: string;
  /** Milliseconds since the epoch at which it began, and how long it lasted. */
  readonly wallAt: number;
  readonly lastedMs: number;
  /** To the first effect of a message that was delivered behind it. */
  readonly resumeMs?: number | undefined;
  /** To when every consumer had handled something again. */
  readonly everyConsumerMs?: number | undefined;
  /** To the first confirm. */
  readonly publishMs?: number | undefined;
}

/** All faults of a kind. */
export interface FaultFigures {
  readonly kind: string;
  readonly times: number;
  readonly resumeMs: Percentiles;
  readonly everyConsumerMs: Percentiles;
  readonly publishMs: Percentiles;
}

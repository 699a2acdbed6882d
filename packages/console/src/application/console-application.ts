import type { ListenerSnapshot, PauseOptions, PauseReport } from '@leveret/core';

/** What the console shows of an application of leveret: a `Leveret` fits as it is. */
export interface ConsoleApplication {
  readonly listeners: {
    readonly all: readonly ConsoleListener[];
  };
  readonly schedules: {
    inspect(): readonly ConsoleSchedule[];
  };
}

/** A listener, as it is looked at, paused and resumed. */
export interface ConsoleListener {
  readonly id: string;
  inspect(): ListenerSnapshot;
  pause(options?: PauseOptions): Promise<PauseReport>;
  resume(): void;
}

/** A schedule as it stands at the moment. */
export interface ConsoleSchedule {
  readonly id: string;
  readonly timing: string;
  readonly state: 'stopped' | 'waiting' | 'running';
  readonly nextAt: number | undefined;
  readonly last: { readonly at: number; readonly durationMs: number; readonly error: unknown } | undefined;
  readonly counts: {
    readonly succeeded: number;
    readonly failed: number;
    readonly skipped: number;
    readonly elsewhere: number;
  };
}

/** What the console shows of an outbox: an `Outbox` of `@leveret/sql` fits as it is. */
export interface ConsoleOutbox {
  counts(): Promise<{
    readonly pending: number;
    readonly scheduled: number;
    readonly parked: number;
    readonly heldUp: number;
    readonly oldestPendingMs: number;
  }>;
  parked(options: { readonly limit: number; readonly afterId: number }): Promise<readonly ConsoleOutboxRow[]>;
  requeue(ids: readonly number[] | 'all'): Promise<number>;
}

/** A message that the relay of an outbox gave up. */
export interface ConsoleOutboxRow {
  readonly id: number;
  readonly messageId: string | undefined;
  readonly exchange: string;
  readonly routingKey: string;
  readonly orderKey: string | undefined;
  readonly createdAt: Date;
  readonly parkedAt: Date;
  readonly error: string;
  readonly publication: { readonly body: Buffer; readonly headers: Readonly<Record<string, unknown>> } | undefined;
}

/** What a migration is doing. */
export type MigrationStep = 'begin' | 'declare' | 'prepare' | 'catch-up' | 'bind' | 'unbind' | 'drain' | 'delete';

/** Options of every step of a migration. */
export interface MigrationOptions {
  /** The queue that is migrated. */
  readonly queue: string;
  /** Told at each step, and as messages are moved. */
  readonly onStep?: ((step: MigrationStep, moved: number) => void) | undefined;
  /** Stops it behind the messages that are on their way; the next call goes on. */
  readonly signal?: AbortSignal | undefined;
  /** Nobody who has stopped has messages in hand: the management API, which is some seconds late, is not waited for. Default `false`. */
  readonly nothingHeld?: boolean | undefined;
}

/** What a migration came to. */
export interface MigrationReport {
  /** Queue that messages were moved from, and the one they were moved to. */
  readonly from: string;
  readonly to: string;
  /** `waiting`: what can be done is done, and `why` says what it waits for. `stopped`: the signal has fired. */
  readonly state: 'moved' | 'committed' | 'rolled-back' | 'waiting' | 'stopped';
  readonly why: string | undefined;
  /** Messages that this call has moved. */
  readonly moved: number;
  /** Consumers of the queue that messages were moved from. */
  readonly consumers: number;
}

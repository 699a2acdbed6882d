import type { Handler, HandlerRoute } from '../handler/handler.js';
import type { KeyPolicy } from '../idempotency/decide-key.js';
import type { IdempotencyGuard } from '../idempotency/idempotency-guard.js';
import type { ReadHints } from '../message/read-hints.js';
import type { Recoverer } from '../recoverer/recoverer.js';
import type { QueueDeclaration } from '../topology/topology.js';
import type { CrashLoopPolicy } from './crash-records.js';
import type { ResolvedListenerPolicies } from './resolve-listener-policies.js';

/** How one handler takes effect once for each message. */
export interface HandlerIdempotency {
  /**
   * Whose keys these are: the listener's id, or its id and the method where several handlers share it, for an order
   * that was paid may be refunded too.
   */
  readonly scope: string;
  readonly guard: IdempotencyGuard;
  readonly policy: KeyPolicy;
}

/** What reading says of options that depend on the queue, or that only the container can make something of. */
type OpenPolicies =
  | 'prefetch'
  | 'ordered'
  | 'consumerTimeoutMs'
  | 'recoverer'
  | 'converter'
  | 'crashLoop'
  | keyof ReadHints;

/**
 * A listener, resolved and checked: all that consuming needs, frozen. Nothing later reads raw options. Every option of the
 * table is here under its name, spans of time in milliseconds with `Ms` behind it.
 */
export interface ListenerDefinition extends Omit<ResolvedListenerPolicies, OpenPolicies> {
  readonly id: string;
  readonly queue: string;
  /** The declaration of its queue when the application declares it. */
  readonly queueDeclaration: QueueDeclaration | undefined;
  /** A policy of the application's topology gives its queue a dead letter exchange. */
  readonly deadLetterPolicy: boolean;
  /** Unsettled deliveries per consumer; 0 = no limit. */
  readonly prefetch: number;
  /** The order of the queue is kept also when another consumer takes over. */
  readonly ordered: boolean;
  /** How long the broker waits for a settlement before it takes a delivery back; infinite where it never does. */
  readonly consumerTimeoutMs: number;
  readonly recoverer: Recoverer;
  /** What it does about messages that end the process; `undefined` = nothing. */
  readonly crashLoop?: CrashLoopPolicy | undefined;
  readonly handler: Handler;
  /** For the handlers that are guarded. Not together with the acknowledge mode `none`. */
  readonly idempotency?: ReadonlyMap<HandlerRoute, HandlerIdempotency> | undefined;
}

import type { Redact } from '../errors/redact.js';
import type { ReplySender } from '../recoverer/recoverer.js';
import type { RedeliveryAttempts } from '../retry/redelivery-attempts.js';
import type { Clock } from '../time/clock.js';
import type { BrokerPatience } from './broker-patience.js';
import type { CrashGuard } from './crash-guard.js';
import type { DeliveryFlow } from './delivery-flow.js';
import type { DeliveryReporter } from './delivery-reporter.js';
import type { ListenerDefinition } from './listener-definition.js';
import type { ListenerLoad } from './listener-load.js';
import type { Redeliveries } from './redeliveries.js';
import type { RejectedKept } from './rejected-messages.js';
import type { StillAtWork } from './still-at-work.js';
import type { StreamPosition } from './stream-position.js';
import type { UnsentAcks } from './unsent-acks.js';

/** What the deliveries of one listener share. */
export interface DeliveryEnvironment {
  readonly definition: ListenerDefinition;
  readonly publisher: ReplySender;
  readonly clock: Clock;
  readonly reporter: DeliveryReporter;
  /** What is known of the broker's delivery acknowledgement timeout. */
  readonly patience: BrokerPatience;
  /** Handlers that run on although their message comes again. */
  readonly stillAtWork: StillAtWork;
  /** What was handled when it could not be acknowledged any more. */
  readonly unsentAcks: UnsentAcks;
  /** Whether what is rejected from its queue is kept anywhere, asked when something was. */
  readonly rejectedKept: () => RejectedKept;
  /** Whether the listener takes deliveries at all. */
  readonly flow: DeliveryFlow;
  /** How busy its consumers are. */
  readonly load: Pick<ListenerLoad, 'began' | 'ended'>;
  /** What it does about messages that end the process. */
  readonly crashes?: CrashGuard | undefined;
  /** How far it has come, when it consumes a stream. */
  readonly position?: StreamPosition | undefined;
  /** What texts of errors go through before they leave the process. Default: passwords of URLs are taken out. */
  readonly redact?: Redact | undefined;
  /** Name of the application. */
  readonly service?: string | undefined;
  /** Memory of stateful retry. */
  readonly attempts: RedeliveryAttempts;
  /** Where messages wait at the broker. */
  readonly redeliveries: Pick<Redeliveries, 'isNative' | 'send'>;
  /** Recoveries, and messages that could not be sent to wait, that failed since the last one that worked: the pause grows with them. */
  readonly recoverer: { failuresInARow: number };
  /** Questions to the idempotency store that failed since the last answer. */
  readonly idempotency: { failuresInARow: number };
}

import type { ApplicationPlan, Clock } from '@leveret/core';
import type { HoldLimits } from '@leveret/operations';
import type { ConsoleApplication, ConsoleOutbox } from '../application/console-application.js';
import type { ListenerView } from '../application/show-listeners.js';
import type { BrokerLink } from '../broker/broker-link.js';
import type { ErrorQueueList } from '../broker/error-queue-list.js';
import type { Looks } from '../broker/looks.js';
import type { BodyMask } from '../mask/read-body.js';
import type { AuditLog } from '../work/audit-log.js';
import type { Jobs } from '../work/jobs.js';

/** What the addresses of the API work with. */
export interface ConsoleParts {
  readonly clock: Clock;
  readonly link: BrokerLink;
  readonly list: ErrorQueueList;
  readonly looks: Looks;
  readonly jobs: Jobs;
  readonly audit: AuditLog;
  readonly mask: BodyMask;
  readonly limits: HoldLimits | undefined;
  readonly undoForMs: number;
  readonly app: ConsoleApplication | undefined;
  readonly listeners: ListenerView | undefined;
  readonly outbox: ConsoleOutbox | undefined;
  readonly plan: ApplicationPlan | undefined;
}

import type { ApplicationPlan } from '@leveret/core';
import type { Definitions } from '../topology/definitions.js';

/** What the user of the connection may do, as regular expressions on names. */
export interface Permissions {
  readonly configure: string;
  readonly write: string;
  readonly read: string;
}

/** All that checks look at. What could not be found out is `undefined`, and not judged. */
export interface Facts {
  readonly version: string;
  /** Largest frame in bytes that both sides agreed on. */
  readonly frameMax: number;
  /** Channels that one connection may have; `undefined`: no limit. */
  readonly channelMax: number | undefined;
  /** User of the AMQP connection, whose permissions these are. */
  readonly username: string | undefined;
  readonly definitions: Definitions | undefined;
  /** Names of the alarms that are raised, such as `memory on rabbit@a`. */
  readonly alarms: readonly string[];
  /** How much later the broker's clock is than ours, in milliseconds. */
  readonly clockAheadMs: number | undefined;
  readonly permissions: Permissions | undefined;
  /** Days until the certificate of the broker ends. */
  readonly certificateDays: number | undefined;
  readonly plan: ApplicationPlan | undefined;
  /** What could not be found out, with what it takes, as sentences without a full stop. */
  readonly notLookedAt: readonly string[];
}

import type { Clock } from '@leveret/core';
import type { ConnectionOptions, ManagementOptions } from 'leveret';
import type { BrokerFacts } from '../rest/why-busy.js';
import type { QueuedMessage } from './queued-message.js';

/** The broker that a harness runs on, as far as the kinds of broker differ. */
export interface BrokerSide {
  readonly kind: 'embedded' | 'real';
  readonly url: string;
  /** Where policies are set; `undefined` leaves it to the options of the application. */
  readonly management: ManagementOptions | undefined;
  /** Time for the application, but not for its connections: they always go by real time. */
  readonly clock: Clock;
  /** How long nothing may have happened before that counts as rest, in milliseconds. */
  readonly quietMs: number;
  /** What the broker says of itself; `undefined` when nobody can look inside. */
  facts(connectionName: string): BrokerFacts | undefined;
  /** The messages that are ready in a queue. */
  messages(queue: string): Promise<readonly QueuedMessage[]>;
  /** @throws {HarnessError} when so much time cannot pass */
  checkAdvance(ms: number): void;
  /** Moves time to when the next thing is due, if that is by `limit` of the monotonic clock. Answers whether anything was. */
  step(limit: number): boolean;
  /** Lets time pass until `until` by the monotonic clock, with nothing due in between. */
  pass(until: number): Promise<void>;
  /** Nothing keeps the process alive afterwards. */
  close(): Promise<void>;
}

/** The connection options of an application, but to another broker than its own. */
export function connectionTo(url: string, given: ConnectionOptions, name: string): ConnectionOptions {
  const { urls, username, password, credentials, vhost, mechanism, tls, shuffle, ...rest } = given;
  return { ...rest, urls: url, name };
}

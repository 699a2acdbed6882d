import type { Logger } from './logger.js';

/** Something that works for an application beside its listeners, such as the relay of an outbox. */
export interface ApplicationPart {
  /** Names it in health and events, such as `outbox relay of billing`. */
  readonly name: string;
  /** What is amiss with it now, a sentence each; nothing when all is well. Must not throw. */
  concerns(): readonly string[];
  /** The connection to publish on stands again: whoever waits for it need not wait longer. Must not throw. */
  publishable?(): void;
}

/** What a part gets of the application that it was attached to. */
export interface PartHost {
  readonly logger: Logger;
  emit(event: PartEvent): void;
  /** It has ended, and is no longer part of the application's health. */
  detach(): void;
}

/** What happens to a part, for whoever watches the application. */
export type PartEvent = { readonly part: string } & (
  | { readonly type: 'part-degraded'; readonly concern: string }
  /** Nothing is amiss with it any more. */
  | { readonly type: 'part-recovered' }
  /** A message of an outbox was given up, for this reason: it waits for a person, under this id of its row. */
  | { readonly type: 'message-parked'; readonly id: number; readonly error: string }
);

import type { Publication } from '../message/message.js';
import type { PublishError } from './publish-error.js';
import type { PublishReceipt } from './publish-options.js';

/** What every event of a publish carries. */
interface PublishFacts {
  readonly publication: Publication;
}

/** What happened to a publish on its way; each ends with `publish-confirmed` or `publish-failed`. */
export type PublishEvent = PublishFacts &
  (
    | PublishConfirmed
    /** One attempt failed; another follows after a wait. */
    | { readonly type: 'publish-retried'; readonly error: Error; readonly attempt: number; readonly delayMs: number }
    /** Its promise was rejected with this error. */
    | { readonly type: 'publish-failed'; readonly error: PublishError }
  );

/** The broker has it; with `confirms: 'none'`, it was written. */
interface PublishConfirmed {
  readonly type: 'publish-confirmed';
  readonly receipt: PublishReceipt;
}

import type { ListenerOptions as ConsumingOptions } from '@leveret/core';
import type { PayloadValidation } from '../payload/payload-validation.js';

/** Everything that `@Listener` can say: the queue, what is declared for it, and how its deliveries are handled. */
export interface ListenerOptions extends ConsumingOptions {
  /** How payload classes are validated; `false` = not at all. Default: the application's `validation`. */
  readonly validation?: PayloadValidation | false;
}

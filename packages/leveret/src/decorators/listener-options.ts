import type { ListenerOptions as ConsumingOptions, PayloadType } from '@leveret/core';
import type { PayloadValidation } from '../payload/payload-validation.js';

/** Everything that `@Listener` can say: the queue, what is declared for it, and how its deliveries are handled. */
export interface ListenerOptions extends ConsumingOptions {
  /**
   * What the payload is: a class, a schema (Standard Schema: zod, valibot, arktype), `String`, `Number`, `Boolean`, `Buffer`,
   * `Object` for whatever is sent, or one of them in an array. Of methods only. Default: what `@Payload` says, else the
   * reflected type of the parameter.
   */
  readonly payload?: PayloadType;
  /** How payload classes are validated; `false` = not at all. Default: the application's `validation`. */
  readonly validation?: PayloadValidation | false;
}

import {
  customOption,
  LISTENER_POLICY_OPTIONS,
  LISTENER_TOPOLOGY_OPTIONS,
  type ListenerPolicyOptions,
  type ListenerTopologyOptions,
  type OptionsOf,
  type PayloadType,
  textOption,
} from '@leveret/core';
import { readValidation, VALIDATION_SCHEMA } from '../payload/check-validation.js';
import type { PayloadValidation } from '../payload/payload-validation.js';
import type { HeaderDeclarations } from './header-declarations.js';

/**
 * Everything that `@Listener` can say: the queue, what is declared for it, and how its deliveries are handled. Every option
 * may be left out but the queue.
 */
export interface ListenerOptions<
  Payload extends PayloadType = PayloadType,
  Headers extends HeaderDeclarations = HeaderDeclarations,
> extends ListenerTopologyOptions,
    ListenerPolicyOptions {
  /** Name of the listener: for look-up, logs and headers. Unique. Default `Class.method`, with `#2` and so on for further listeners of the same method. */
  readonly id?: string;
  /**
   * What the payload is: a class, a schema (Standard Schema: zod, valibot, arktype), `String`, `Number`, `Boolean`, `Buffer`,
   * `Object` for whatever is sent, or one of them in an array. Of methods only. Default: what `@Payload` says, else the
   * reflected type of the parameter.
   */
  readonly payload?: Payload;
  /**
   * Headers that the method takes, by the names that `context.headers` has them under: `{ tenant: 'x-tenant' }`. Of methods that
   * are called with payload and context, which is every method under standard decorators, and under legacy ones every method
   * without parameter decorators that has `headers`, or `payload` and two parameters. A message without a required one is rejected.
   */
  readonly headers?: Headers;
  /** How payload classes are validated; `false` = not at all. Default: the application's `validation`. */
  readonly validation?: PayloadValidation | false;
}

/** The table of what a listener can say that neither its queue nor the defaults of all listeners have. */
export const LISTENER_OWN_OPTIONS = {
  id: textOption({
    byDefault: '`Class.method`',
    mustBe: 'a name',
    text: 'name for look-up, logs and headers; unique within the service. Give one where a minifier renames classes: what was handled is remembered under it. Further listeners of the method get `#2`, `#3`',
  }),
  payload: customOption<PayloadType>({
    byDefault: 'what `@Payload` says, else the type of the parameter',
    text: 'what the payload is: a class, a schema (zod, valibot, arktype), `String`, `Buffer`, `Object` for whatever is sent, or one of them in an array',
  }),
  headers: customOption<HeaderDeclarations>({
    byDefault: 'none',
    text: "headers for `context.headers`, as in `{ tenant: 'x-tenant' }`: of methods that are [called with payload and context](standard-decorators.md)",
  }),
  validation: customOption<PayloadValidation | false>({
    byDefault: "the application's",
    schema: VALIDATION_SCHEMA,
    text: 'options of class-validator, or `false` for no validation',
    read: readValidation,
  }),
} satisfies OptionsOf<Omit<ListenerOptions, keyof ListenerTopologyOptions | keyof ListenerPolicyOptions>>;

/** The table of {@link ListenerOptions}, in the order of the documentation. */
export const LISTENER_OPTIONS: OptionsOf<ListenerOptions> = {
  ...LISTENER_TOPOLOGY_OPTIONS,
  ...LISTENER_OWN_OPTIONS,
  ...LISTENER_POLICY_OPTIONS,
};

import { LISTENER_POLICY_OPTION_NAMES, type ListenerPolicyOptions } from '@leveret/core';
import type { ListenerOptions } from '../decorators/listener-options.js';

const BEYOND_POLICIES = {
  id: true,
  queue: true,
  bindings: true,
  lazy: true,
  deadLetter: true,
  declare: true,
  payload: true,
  validation: true,
} satisfies Record<Exclude<keyof ListenerOptions, keyof ListenerPolicyOptions>, true>;

/** Every option of `@Listener`. */
export const LISTENER_OPTION_NAMES: readonly string[] = [
  ...Object.keys(BEYOND_POLICIES),
  ...LISTENER_POLICY_OPTION_NAMES,
];

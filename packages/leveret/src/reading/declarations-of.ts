import type { AnyClass } from './class-kind.js';
import { mergedRecord } from './merged-record.js';

/** What the decorators on a class and its base classes make of it. */
export interface ClassDeclarations {
  /** It has `@Listener`, on itself or on a method. */
  readonly isListener: boolean;
  /** It has `@Scheduled`. */
  readonly isSchedule: boolean;
  /** Methods that leveret may call for a message or a schedule. */
  readonly methods: readonly (string | symbol)[];
}

/**
 * What a class is declared to be, for containers that look for listeners among what they have. Nothing is checked: the start does
 * that.
 * @returns `undefined` when no decorator of leveret is on it or on a base class
 */
export function declarationsOf(given: AnyClass): ClassDeclarations | undefined {
  const merged = mergedRecord(given);
  if (merged === undefined) return undefined;
  const { listeners, methods } = merged;
  return {
    isListener: listeners.length > 0 || methods.some((method) => method.listeners.length > 0),
    isSchedule: methods.some((method) => method.schedules.length > 0),
    methods: methods
      .filter((method) => method.listeners.length > 0 || method.handlers.length > 0 || method.schedules.length > 0)
      .map(({ key }) => key),
  };
}

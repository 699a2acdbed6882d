/** Makes of a payload what is written as JSON: of instances whose classes have rules, what the rules say. */
export type PlainForm = (payload: unknown) => unknown;

// Not a variable of this module: an outbox and an application may each have a copy of the package.
const KEY = Symbol.for('leveret.plain-form');
const shared = globalThis as { [KEY]?: PlainForm };

/**
 * Says how payloads become what {@link contentTypeConverter} writes as JSON, in the whole process: publishers, replies and
 * outboxes alike. `leveret` calls this when it is imported; without it, payloads are written as they are.
 * @see docs/decisions/0007-classes-are-written-by-their-rules.md
 */
export function usePlainForm(form: PlainForm): void {
  shared[KEY] = form;
}

/** A payload as it is written. */
export function plainForm(payload: unknown): unknown {
  return shared[KEY] === undefined ? payload : shared[KEY](payload);
}

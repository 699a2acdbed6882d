/** What `listener`, `handler` and `schedule` make functions of. Nothing in it has been checked. */
export interface FunctionRecord {
  readonly kind: 'listener' | 'handler' | 'schedule';
  readonly options: unknown;
  /** The user's own function; `undefined` for a listener that has handlers by type. */
  readonly call: unknown;
}

/** Copies of leveret in one process know each other's functions. */
const RECORD = Symbol.for('leveret.function-record');

declare const KIND: unique symbol;

/** A function that leveret calls, as it was declared. It can be called as ever, as by a test. */
export interface Declared<Kind extends FunctionRecord['kind']> {
  readonly [KIND]: Kind;
}

/** The function itself, in a new one that bears the record: one function may be several listeners. */
export function declare<Call>(record: FunctionRecord): Call {
  const { call } = record;
  const declared = typeof call === 'function' ? call.bind(undefined) : () => undefined;
  if (typeof call === 'function') Object.defineProperty(declared, 'name', { value: call.name });
  Object.defineProperty(declared, RECORD, { value: record });
  return declared as Call;
}

/** The record of a declared function; `undefined` for everything else. */
export function functionRecordOf(value: unknown): FunctionRecord | undefined {
  return typeof value === 'function' && Object.hasOwn(value, RECORD)
    ? (value as unknown as { readonly [RECORD]: FunctionRecord })[RECORD]
    : undefined;
}

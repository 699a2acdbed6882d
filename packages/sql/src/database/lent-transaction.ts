import { types } from 'node:util';
import { LeveretError } from '@leveret/core';

/** How a transaction is lent. */
export interface LendOptions {
  /**
   * - `connection`: a connection of a driver whose statements take time: what it hands out (prepared statements, other faces
   *   of itself) is lent too, and a statement without a promise counts as running for ever.
   * - `synchronous`: the same, of a driver whose statements end before they return.
   * - `mapper`: a transaction of somebody else, whose queries are built by calling it: only it is lent.
   */
  readonly of: 'connection' | 'synchronous' | 'mapper';
}

/**
 * Lends a transaction to a handler, and takes it back: behind {@link end}, whatever the handler still asks of it throws
 * LEV_ATTEMPT_OVER. A handler may run on behind the result of its attempt, when it has run past its timeout, or one branch of
 * a `Promise.all` has failed. On the connection itself its next statement would take effect by itself, or in the transaction
 * of whoever has the connection then.
 */
export class LentTransaction<Tx> {
  /** What the handler gets: it looks and works like the transaction. */
  readonly lent: Tx;
  /** What is behind it. */
  readonly transaction: Tx;
  readonly #of: LendOptions['of'];
  /** Made when something is handed out besides the transaction: most handlers ask for a few statements, and that is all. */
  #faces: WeakMap<object, object> | undefined;
  #iterators: Set<Iterator<unknown>> | undefined;
  #over = false;
  #running = 0;

  constructor(transaction: Tx, options: LendOptions) {
    this.#of = options.of;
    this.transaction = transaction;
    this.lent = isObject(transaction) ? (faceOf(transaction, this) as Tx) : transaction;
  }

  /** A statement has been sent whose answer is not there. */
  get busy(): boolean {
    return this.#running > 0;
  }

  /** Takes the transaction back. Rows that are still being read are closed: they would keep SQLite from rolling back. */
  end(): void {
    this.#over = true;
    for (const rows of this.#iterators ?? []) {
      try {
        rows.return?.();
      } catch {
        // It is closed then, or was never begun.
      }
    }
    this.#iterators = undefined;
  }

  /** @throws {LeveretError} LEV_ATTEMPT_OVER when it was taken back */
  check(): void {
    if (this.#over) throw over();
  }

  /** As the driver tells an error: thrown, or by the promise or the callback, for a timer has nobody who would catch it. */
  #refuse(args: readonly unknown[]): unknown {
    const error = over();
    const last = args.at(-1);
    if (this.#of !== 'connection' || args.some(isCursor)) throw error;
    if (typeof last !== 'function') return Promise.reject(error);
    queueMicrotask(() => last(error));
    return undefined;
  }

  #face(target: object): object {
    if (target === this.transaction) return this.lent as object;
    const known = this.#faces?.get(target);
    if (known !== undefined) return known;
    const face = faceOf(target, this);
    this.#faces ??= new WeakMap();
    this.#faces.set(target, face);
    return face;
  }

  /** For {@link Face}: what is called with these arguments. */
  call(target: Callable, self: unknown, args: readonly unknown[]): unknown {
    if (this.#over) return this.#refuse(args);
    return this.handedOut(Reflect.apply(target, self, args as unknown[]));
  }

  /** For {@link Face}: a method of what is lent. */
  method(target: object, name: string, method: Callable): Callable {
    const of = this.#of === 'connection' ? MEANINGS.get(name) : undefined;
    // The connection goes back when the transaction has ended, whoever thinks that it is his.
    if (of === 'give-back') return () => {};
    return (...args) => {
      if (this.#over && of === 'close') return undefined;
      if (this.#over && !UNGUARDED.has(name)) return this.#refuse(args);
      const answer: unknown = Reflect.apply(method, target, args);
      if (answer === target) return this.#face(target);
      if (types.isPromise(answer)) return this.#followed(answer);
      // A statement with a callback, or a cursor: nobody here hears of its end.
      if (of === 'statement') this.#running++;
      return this.handedOut(answer);
    };
  }

  async #followed(answer: Promise<unknown>): Promise<unknown> {
    this.#running++;
    try {
      return this.handedOut(await answer);
    } finally {
      this.#running--;
    }
  }

  /** Lends what is itself a way to the database. */
  handedOut(value: unknown): unknown {
    if (this.#of === 'mapper' || !isObject(value)) return value;
    if (typeof value === 'function') return this.#face(value);
    if (isIterator(value)) {
      this.#iterators ??= new Set();
      this.#iterators.add(value);
    } else if (WAYS.some((name) => typeof (value as Record<string, unknown>)[name] === 'function'))
      return this.#face(value);
    return value;
  }
}

function faceOf(target: object, lender: LentTransaction<unknown>): object {
  // Not the target itself: what is frozen there could not be answered differently.
  const shadow = typeof target === 'function' ? function lent() {} : Object.create(Object.getPrototypeOf(target));
  return new Proxy(shadow, new Face(target, lender));
}

/** What a handler sees of something that is lent. */
class Face implements ProxyHandler<object> {
  readonly #target: object;
  readonly #lender: LentTransaction<unknown>;
  #methods: Map<PropertyKey, { readonly value: unknown; readonly method: unknown }> | undefined;

  constructor(target: object, lender: LentTransaction<unknown>) {
    this.#target = target;
    this.#lender = lender;
  }

  get(_shadow: object, name: PropertyKey): unknown {
    if (name === LENDER) return this.#lender;
    const value: unknown = Reflect.get(this.#target, name, this.#target);
    if (typeof value !== 'function') return this.#lender.handedOut(value);
    if (name === 'constructor') return value;
    if (typeof name === 'symbol') return value.bind(this.#target);
    const before = this.#methods?.get(name);
    if (before?.value === value) return before.method;
    const method = this.#lender.method(this.#target, String(name), value as Callable);
    this.#methods ??= new Map();
    this.#methods.set(name, { value, method });
    return method;
  }

  set(_shadow: object, name: PropertyKey, value: unknown): boolean {
    return Reflect.set(this.#target, name, value, this.#target);
  }

  has(_shadow: object, name: PropertyKey): boolean {
    return Reflect.has(this.#target, name);
  }

  apply(_shadow: object, self: unknown, args: unknown[]): unknown {
    return this.#lender.call(this.#target as Callable, self, args);
  }
}

type Callable = (...args: unknown[]) => unknown;

/** By this a lent transaction tells who lent it, and nobody else can ask: a map of them all would cost the collector more. */
const LENDER = Symbol('leveret.lender');

/** Who lent a transaction, and what is behind it; `undefined` for one that was not lent. */
export function lenderOf(transaction: unknown): LentTransaction<unknown> | undefined {
  if (!isObject(transaction)) return undefined;
  const lender = (transaction as { readonly [LENDER]?: unknown })[LENDER];
  return lender instanceof LentTransaction && lender.lent === transaction ? lender : undefined;
}

/** What methods of drivers with promises do that is not to be passed on as it is. */
const MEANINGS: ReadonlyMap<string, 'statement' | 'give-back' | 'close'> = new Map([
  ['query', 'statement'],
  ['execute', 'statement'],
  ['release', 'give-back'],
  ['end', 'close'],
  ['destroy', 'close'],
]);
/** By these an object is known as a way to the database. */
const WAYS = ['query', 'execute', 'prepare', 'exec', 'run', 'all'] as const;
/** What clears up behind a handler, and what never reaches the database. */
const UNGUARDED: ReadonlySet<string> = new Set([
  'on',
  'once',
  'off',
  'addListener',
  'removeListener',
  'removeAllListeners',
  'listenerCount',
  'escape',
  'escapeId',
  'escapeIdentifier',
  'escapeLiteral',
  'format',
  'toString',
  'valueOf',
  'hasOwnProperty',
]);

function over(): LeveretError {
  return new LeveretError(
    'LEV_ATTEMPT_OVER',
    'This attempt is over, and its transaction with it: the statement was not sent. Wait for all that a handler starts (Promise.allSettled instead of Promise.all), and stop at context.signal.',
  );
}

/** What `query` of pg answers as it is: there is no promise that could tell an error. */
function isCursor(value: unknown): boolean {
  return isObject(value) && typeof (value as { submit?: unknown }).submit === 'function';
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function isIterator(value: object): value is Iterator<unknown> {
  const { next, return: close } = value as { next?: unknown; return?: unknown };
  return typeof next === 'function' && typeof close === 'function' && Symbol.iterator in value;
}

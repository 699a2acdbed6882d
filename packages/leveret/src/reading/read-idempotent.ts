import { checkOptions, describeValue, type Problems } from '@leveret/core';
import type { IdempotencyOptions, IdempotentOptions } from '../decorators/idempotent.js';

const COMMON = { store: true, guard: true, ttl: true, lease: true } satisfies Record<keyof IdempotencyOptions, true>;
const OWN = { ...COMMON, key: true, onMissingKey: true } satisfies Record<keyof IdempotentOptions, true>;

/**
 * Reads what `@Idempotent` says on a class and on a method: the method's own options over those of its class.
 * `undefined` when the handler is not guarded.
 */
export function readIdempotent(
  ofClass: readonly unknown[],
  ofMethod: readonly unknown[],
  problems: Problems,
): IdempotentOptions | undefined {
  const common = readOne(ofClass, problems);
  const own = readOne(ofMethod, problems);
  if (own === false || (own ?? common) === undefined) return undefined;
  if (own === undefined) return common === false ? undefined : common;
  return overriding(common === false ? undefined : common, own);
}

/** The nearer options over the farther ones. Store and guard are one choice, and a guard has times of its own. */
export function overriding<T extends IdempotencyOptions>(farther: IdempotencyOptions | undefined, nearer: T): T {
  const { store, guard, ttl, lease, ...rest } = farther ?? {};
  const chosen = nearer.guard !== undefined || nearer.store !== undefined;
  const inherited = chosen ? {} : withoutUndefined({ store, guard });
  const times = (nearer.guard ?? guard) !== undefined && nearer.store === undefined ? {} : { ttl, lease };
  return { ...rest, ...inherited, ...withoutUndefined(times), ...withoutUndefined(nearer) } as T;
}

/** Checks the application's `idempotency`; what is no object at all is read as nothing. */
export function readIdempotencyOptions(given: unknown, problems: Problems): IdempotencyOptions {
  if (given === undefined) return {};
  if (!checkOptions(given, Object.keys(COMMON), 'idempotency', problems)) return {};
  checkChoice(given, 'idempotency', problems);
  return given;
}

function readOne(given: readonly unknown[], problems: Problems): IdempotentOptions | false | undefined {
  if (given.length > 1) problems.add(`@Idempotent stands ${given.length} times; once says it all`);
  const [first] = given;
  if (first === undefined || first === false) return first;
  if (typeof first === 'function') return { key: first as NonNullable<IdempotentOptions['key']> };
  if (!checkOptions(first, Object.keys(OWN), '@Idempotent', problems)) return {};
  checkChoice(first, '@Idempotent', problems);
  const { key, onMissingKey } = first as IdempotentOptions;
  if (key !== undefined && typeof key !== 'function') {
    problems.add(
      `key of @Idempotent must be a function, as in (message, payload) => payload.orderId; got ${describeValue(key)}`,
    );
  }
  const missing: unknown = onMissingKey;
  if (missing !== undefined && missing !== 'reject' && missing !== 'process' && typeof missing !== 'function') {
    problems.add(
      `onMissingKey of @Idempotent must be 'reject', 'process', or a function that gives another key; got ${describeValue(missing)}`,
    );
  }
  return first as IdempotentOptions;
}

function checkChoice(options: IdempotencyOptions, what: string, problems: Problems): void {
  const { store, guard, ttl, lease } = options;
  if (guard === undefined) return;
  if (store !== undefined)
    problems.add(`${what} has a store and a guard. Leave one of them out: a guard needs no store`);
  if (ttl !== undefined || lease !== undefined) {
    problems.add(
      `${what} has a guard, which keeps times of its own. Leave ttl and lease out, or give them to the guard`,
    );
  }
}

function withoutUndefined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}

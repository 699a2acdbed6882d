import { usePlainForm } from '@leveret/core';
import type { TransformationType } from 'class-transformer';
import { classTransformer, isTransformerInUse } from './class-libraries.js';
import { hasAnyRules, hasRules, type Insides, insides } from './transformer-rules.js';

/**
 * A payload as it is written: instances by class-transformer's rules when their class has any, wherever they stand in it;
 * all else as `JSON.stringify` writes it. What is written that way is what reading makes an instance of again, and what is
 * excluded does not leave the process.
 *
 * Groups and versions are not given, as in reading: what is exposed to a group only is left out. The rules of a class come
 * before its `toJSON`.
 */
export function writeByRules(payload: unknown): unknown {
  if (typeof payload !== 'object' || payload === null) return payload;
  if (!isTransformerInUse()) return payload;
  const within = insides();
  if (within === undefined) return classTransformer().instanceToPlain(payload);
  return hasAnyRules(within) ? plain(payload, within) : payload;
}

usePlainForm(writeByRules);

function plain(value: unknown, within: Insides): unknown {
  if (typeof value !== 'object' || value === null || isWrittenAsItIs(value)) return value;
  if (isRuled(value, within)) return byRules(value, within);
  const json = asJson(value);
  if (json !== value) return plain(json, within);
  if (Array.isArray(value)) {
    const items = value.map((item) => plain(item, within));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  return withPlainProperties(value, within);
}

/** The same object when nothing in it is written otherwise. */
function withPlainProperties(value: object, within: Insides): object {
  let changed: Record<string, unknown> | undefined;
  for (const [name, own] of Object.entries(value)) {
    if (typeof own !== 'object' || own === null) continue;
    const written = plain(own, within);
    if (written === own) continue;
    // Unlike assignment, this makes an own property of __proto__ too.
    changed ??= Object.fromEntries(Object.entries(value));
    Object.defineProperty(changed, name, { value: written, enumerable: true, configurable: true, writable: true });
  }
  return changed ?? value;
}

function isRuled(value: object, within: Insides): boolean {
  const type: unknown = value.constructor;
  return typeof type === 'function' && type !== Object && type !== Array && hasRules(type as never, within);
}

/** JSON.stringify has forms of its own for these. */
function isWrittenAsItIs(value: object): boolean {
  return value instanceof Date || ArrayBuffer.isView(value);
}

function asJson(value: object): unknown {
  const { toJSON } = value as { toJSON?: unknown };
  return typeof toJSON === 'function' ? toJSON.call(value, '') : value;
}

let executor: InstanceType<Insides['Executor']> | undefined;

function byRules(value: object, within: Insides): unknown {
  executor ??= makeExecutor(within);
  return executor.transform(undefined as never, value as never, undefined as never, undefined as never, false);
}

/** class-transformer's walk, but that values with a `toJSON` and no rules are written by it: decimals, moments, ids. */
function makeExecutor(within: Insides): InstanceType<Insides['Executor']> {
  class Writer extends within.Executor {
    override transform(...walk: Parameters<InstanceType<Insides['Executor']>['transform']>): unknown {
      const value: unknown = walk[1];
      if (typeof value === 'object' && value !== null && !isWrittenAsItIs(value) && !isRuled(value, within)) {
        const json = asJson(value);
        if (json !== value) return plain(json, within);
      }
      return super.transform(...walk);
    }
  }
  return new Writer(TO_PLAIN, { exposeUnsetFields: true, enableCircularCheck: false });
}

const TO_PLAIN = 1 satisfies TransformationType.CLASS_TO_PLAIN;

import type { InterceptorLike } from '../interceptor/interceptor-like.js';
import type { PublishAddress } from './publish-address.js';
import { metadataOf } from './symbol-metadata.js';

/** What `@Listener` was given: the name of a queue, or options. */
export type ListenerDeclaration = unknown;

/** What `@Handler` was given. */
export interface HandlerDeclaration {
  /** `type` is only looked at when this is `true`: an `undefined` that was given is a circular import. */
  readonly typeGiven: boolean;
  readonly type: unknown;
  readonly options: unknown;
}

/** What a parameter decorator was given. */
export type ParameterDeclaration =
  | { readonly kind: 'payload'; readonly typeGiven: boolean; readonly type: unknown }
  | { readonly kind: 'header'; readonly name: unknown; readonly options: unknown }
  | { readonly kind: 'headers' }
  | { readonly kind: 'message' }
  | { readonly kind: 'context' }
  | { readonly kind: 'transaction' };

/** What `@Scheduled` was given. */
export interface ScheduleDeclaration {
  readonly times: unknown;
  readonly options: unknown;
}

/** What the decorators said about one method. */
export interface MethodRecord {
  /** By standard decorators, which know nothing of parameters: the method is called with payload and context. */
  readonly standard: boolean;
  readonly listeners: ListenerDeclaration[];
  readonly handlers: HandlerDeclaration[];
  readonly parameters: Map<number, ParameterDeclaration[]>;
  readonly interceptors: InterceptorLike[];
  readonly sendTo: unknown[];
  readonly idempotent: unknown[];
  readonly schedules: ScheduleDeclaration[];
}

/** What the decorators said about one class itself, without its base classes. Nothing in it has been checked. */
export interface ClassRecord {
  readonly listeners: ListenerDeclaration[];
  readonly interceptors: InterceptorLike[];
  readonly sendTo: unknown[];
  readonly idempotent: unknown[];
  readonly publishTo: PublishAddress[];
  readonly methods: Map<string | symbol, MethodRecord>;
  /** Decorators on places where they can do nothing, told when the class is read. */
  readonly misplaced: string[];
}

/** Where records are kept: on the prototype by legacy decorators, in the metadata of the class by standard ones. */
const RECORD = Symbol.for('leveret.class-record');

type Holder = { [RECORD]?: ClassRecord };

/** The record of the class with this prototype, if a decorator of leveret is on it. Not its base classes'. */
export function findClassRecord(prototype: object): ClassRecord | undefined {
  return recordIn(prototype) ?? recordIn(metadataOf(prototype));
}

function recordIn(holder: object | undefined): ClassRecord | undefined {
  return holder !== undefined && Object.hasOwn(holder, RECORD) ? (holder as Holder)[RECORD] : undefined;
}

/** The record that a prototype, or the metadata of a class, holds: made when there is none. */
export function classRecordIn(holder: object): ClassRecord {
  const found = recordIn(holder);
  if (found !== undefined) return found;
  const made: ClassRecord = {
    listeners: [],
    interceptors: [],
    sendTo: [],
    idempotent: [],
    publishTo: [],
    methods: new Map(),
    misplaced: [],
  };
  Object.defineProperty(holder, RECORD, { value: made });
  return made;
}

/** The record of a method: made when there is none. */
export function methodRecordIn(owner: ClassRecord, key: string | symbol, standard: boolean): MethodRecord {
  const found = owner.methods.get(key);
  if (found !== undefined) return found;
  const made: MethodRecord = {
    standard,
    listeners: [],
    handlers: [],
    parameters: new Map(),
    interceptors: [],
    sendTo: [],
    idempotent: [],
    schedules: [],
  };
  owner.methods.set(key, made);
  return made;
}

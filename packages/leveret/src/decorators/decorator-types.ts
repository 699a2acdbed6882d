import type { PayloadClass, PayloadOf, PayloadType } from '@leveret/core';
import type { HeadersOf, ListenerContext } from './header-declarations.js';

// What the compiler knows of decorators. Each of them is called in two ways: standard decorators with the method (or the class)
// and a context, legacy ones (`experimentalDecorators`) with the prototype, the name of the method and its descriptor.

// biome-ignore lint/suspicious/noExplicitAny: nothing is declared of it
type Anything = any;
type Method = (...args: Anything[]) => unknown;
type AnyClass = abstract new (...args: Anything[]) => object;

/** What a compiler error names where a declaration and a method say different things: what is declared, and what is taken. */
export interface Contradiction<Declared, Taken> {
  readonly declared: Declared;
  readonly taken: Taken;
}

/** The headers of what was declared; anything, where nothing was. */
type DeclaredHeaders<Declared> = string extends keyof Declared ? Anything : HeadersOf<Declared>;

/** Whether something can take the payload that was declared. Anything can, where nothing was, or nothing is known of it. */
type IsTaken<Declared, Taken> = [Declared] extends [never]
  ? true
  : [PayloadType] extends [Declared]
    ? true
    : [PayloadOf<Declared>] extends [Taken]
      ? true
      : // Of a generic class, whose instance is known by its own type arguments.
        [Declared] extends [PayloadClass<Taken> | readonly [PayloadClass<ElementOf<Taken>>]]
        ? true
        : false;

type ElementOf<Taken> = Taken extends readonly (infer Element)[] ? Element : never;

/** What a method takes first; anything, when it takes nothing. */
type FirstOf<Handling extends Method> = Parameters<Handling> extends [] ? Anything : Parameters<Handling>[0];

/**
 * A decorator of a method that takes a payload. Under standard decorators the method is called with payload and context; under
 * legacy ones one of its parameters takes the payload.
 */
export interface MethodOnlyDecorator<Declared = never, Headers = never> {
  <
    Handling extends (
      payload: Anything,
      context: ListenerContext<DeclaredHeaders<Headers>, Anything, Anything>,
    ) => unknown,
  >(
    method: IsTaken<Declared, FirstOf<Handling>> extends true
      ? Handling
      : Contradiction<PayloadOf<Declared>, FirstOf<Handling>>,
    context: ClassMethodDecoratorContext<never, Handling>,
  ): void;
  // Which parameter takes the payload is not known here: one of them must be able to.
  <Handling extends Method>(
    target: object,
    key: Parameters<Handling> extends []
      ? string | symbol
      : IsTaken<Declared, Parameters<Handling>[number]> extends true
        ? string | symbol
        : Contradiction<PayloadOf<Declared>, Parameters<Handling>[number]>,
    descriptor: TypedPropertyDescriptor<Handling>,
  ): void;
}

/** A {@link MethodOnlyDecorator} that may also stand on a class. */
export interface ClassOrMethodDecorator<Declared = never, Headers = never>
  extends MethodOnlyDecorator<Declared, Headers> {
  (target: AnyClass, context?: ClassDecoratorContext): void;
}

/** A decorator of a class or a method, whose payload is looked at by a function. */
export interface KeyedDecorator<Looked = Anything> {
  (target: AnyClass, context?: ClassDecoratorContext): void;
  <Handling extends Method>(
    method: Handling,
    context: ClassMethodDecoratorContext<never, Handling> & LookedAt<FirstOf<Handling>, Looked, unknown>,
  ): void;
  <Handling extends Method>(
    target: object,
    key: LookedAt<Parameters<Handling>[number], Looked, string | symbol>,
    descriptor: TypedPropertyDescriptor<Handling>,
  ): void;
}

/** A function that looks at a payload, and a method that takes it, know it by types of which one is the other's. */
type LookedAt<Taken, Looked, Fitting> = [Taken] extends [never]
  ? Fitting
  : true extends (Taken extends Looked ? true : Looked extends Taken ? true : false)
    ? Fitting
    : Contradiction<Looked, Taken>;

/** A decorator of a method that is called with a signal and nothing else. */
export interface ScheduleDecorator {
  <Run extends (signal: AbortSignal) => unknown>(method: Run, context: ClassMethodDecoratorContext<never, Run>): void;
  <Run extends (signal: AbortSignal) => unknown>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Run>,
  ): void;
}

/** A decorator of a parameter that gets a value of this type. */
export type ParameterTaking<Value> = <Class extends object, Key extends string | symbol, Index extends number>(
  target: Class,
  key: Key,
  index: [Value] extends [ParameterOf<Class, Key, Index>]
    ? Index
    : Contradiction<Value, ParameterOf<Class, Key, Index>>,
) => void;

/** A decorator of a parameter that gets the payload. */
export type ParameterTakingPayload<Declared> = <
  Class extends object,
  Key extends string | symbol,
  Index extends number,
>(
  target: Class,
  key: Key,
  index: IsTaken<Declared, ParameterOf<Class, Key, Index>> extends true
    ? Index
    : Contradiction<PayloadOf<Declared>, ParameterOf<Class, Key, Index>>,
) => void;

/** A decorator of a parameter that gets a header. */
export type ParameterTakingHeader<Fallback> = <Class extends object, Key extends string | symbol, Index extends number>(
  target: Class,
  key: Key,
  index: HeaderFits<ParameterOf<Class, Key, Index>, Fallback> extends true
    ? Index
    : Contradiction<HeaderValue | Fallback, ParameterOf<Class, Key, Index>>,
) => void;

/** The type of a parameter. Of private methods nothing is known: the start looks at them. */
type ParameterOf<Class, Key, Index> = Key extends keyof Class
  ? Class[Key] extends (...args: infer Taken) => unknown
    ? Index extends number
      ? Taken[Index]
      : Anything
    : Anything
  : Anything;

/** What a header can hold, in the words of its parameter. */
type HeaderValue = string | number | boolean | bigint | Uint8Array | readonly unknown[] | object;

/** Whether a parameter can hold a header: an instance of a class with methods never comes, and what may be missing must be let in. */
type HeaderFits<Taken, Fallback> = [Fallback] extends [Taken]
  ? true extends (
      Taken extends string | number | boolean | bigint | Uint8Array | readonly unknown[] | null | undefined
        ? true
        : HasNoMethods<Taken>
    )
    ? true
    : false
  : false;

type HasNoMethods<Taken> = unknown extends Taken
  ? true
  : Taken extends object
    ? true extends { [Key in keyof Taken]: Taken[Key] extends Method ? true : never }[keyof Taken]
      ? false
      : true
    : false;

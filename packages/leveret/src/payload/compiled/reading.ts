import type { ClassTransformOptions, TransformationType } from 'class-transformer';
import type { TransformOperationExecutor } from 'class-transformer/types/TransformOperationExecutor.js';
import type { Insides } from '../transformer-rules.js';

/** One call of `plainToInstance`: class-transformer's walk is made when something is left to it, and never shared by calls. */
export class Reading {
  static #count = 0;

  /** Which call this is: what was found to be current in it stays so. */
  readonly serial = ++Reading.#count;
  #library: { readonly options: ClassTransformOptions; readonly executor: TransformOperationExecutor } | undefined;

  constructor(readonly insides: Insides) {}

  /** What functions of `@Transform` are given as their options. */
  get options(): ClassTransformOptions {
    return this.#walk().options;
  }

  /** As class-transformer makes it of a value, from there on. */
  byLibrary(value: unknown, type: unknown, arrayType?: unknown, isMap = value instanceof Map): unknown {
    return this.#walk().executor.transform(undefined, value, type as never, arrayType as never, isMap);
  }

  #walk() {
    if (this.#library !== undefined) return this.#library;
    const options = { ...this.insides.defaultOptions };
    this.#library = { options, executor: new this.insides.Executor(TO_CLASS, options) };
    return this.#library;
  }
}

const TO_CLASS = 0 satisfies TransformationType.PLAIN_TO_CLASS;

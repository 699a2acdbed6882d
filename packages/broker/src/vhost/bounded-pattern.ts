import { createContext, Script } from 'node:vm';

/** Long enough for any search on a busy machine. */
const BOUND_MS = 1_000;
const SEARCH = new Script('pattern.test(name)');

interface Search {
  pattern: RegExp;
  name: string;
}

let context: (Search & ReturnType<typeof createContext>) | undefined;

/**
 * A regular expression of a stranger, looked for in names of strangers. Some of them take longer than the universe has; one
 * that does not end within a second matches nothing any more, as RabbitMQ's give up after so many steps.
 */
export class BoundedPattern {
  readonly #pattern: RegExp;
  readonly #needsBound: boolean;
  #gaveUp = false;

  /** @throws {SyntaxError} when it is no regular expression */
  constructor(source: string) {
    this.#pattern = new RegExp(source);
    this.#needsBound = !isCheap(source);
  }

  /** Whether a search has taken too long. */
  get gaveUp(): boolean {
    return this.#gaveUp;
  }

  test(name: string): boolean {
    if (this.#gaveUp) return false;
    if (!this.#needsBound) return this.#pattern.test(name);
    context ??= createContext({}) as typeof context & object;
    context.pattern = this.#pattern;
    context.name = name;
    try {
      return SEARCH.runInContext(context, { timeout: BOUND_MS }) === true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
      this.#gaveUp = true;
      return false;
    }
  }
}

/** Whether a search cannot take long on a name of 255 bytes: nothing is repeated, or one plain thing once. */
function isCheap(source: string): boolean {
  const repeats = source.match(/[*+?{]/g)?.length ?? 0;
  return repeats === 0 || (repeats === 1 && !/[(|\\]/.test(source)) || /^\^?[\w.:-]*(\.\*)?\$?$/.test(source);
}

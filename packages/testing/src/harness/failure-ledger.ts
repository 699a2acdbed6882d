import { HandlerFailuresError } from '../errors/handler-failures-error.js';
import type { Failure } from '../watch/failure.js';
import { checkedMatcherOf, type ExpectedFailure } from './expected-failures.js';

/** Which failures a test expects, and which it has been told of. */
export class FailureLedger {
  readonly #failures: readonly Failure[];
  readonly #expected: ((error: unknown) => boolean)[] = [];

  /** @param failures grows while the application runs */
  constructor(failures: readonly Failure[], expected: ((error: unknown) => boolean) | undefined) {
    this.#failures = failures;
    if (expected !== undefined) this.#expected.push(expected);
  }

  expect(expected: ExpectedFailure | undefined): void {
    this.#expected.push(checkedMatcherOf(expected));
  }

  /** The failures that the test neither expected nor has been told of; from now on it has. */
  takeUnexpected(): HandlerFailuresError | undefined {
    const unexpected = this.#failures.filter((failure) => !failure.told && !this.#isExpected(failure));
    for (const failure of unexpected) failure.told = true;
    return unexpected.length === 0 ? undefined : new HandlerFailuresError(unexpected);
  }

  #isExpected({ error }: Failure): boolean {
    return this.#expected.some((matches) => matches(error));
  }
}

/**
 * The parts of an attempt that outlive each other: the handler, and what interceptors started of it. The attempt has its
 * *result* when the outermost of them has settled, and its *end* when all have.
 */
export interface AttemptParts {
  /**
   * A part begins.
   * @throws {LeveretError} LEV_ATTEMPT_OVER when the attempt has its result: nothing of it may begin any more
   */
  began(): void;
  /** A part that began has settled, either way. Never throws. */
  ended(): void;
}

/** The harness was asked for something that it cannot do. The text says what it expected, and what to do. */
export class HarnessError extends Error {
  override readonly name = 'HarnessError';
}

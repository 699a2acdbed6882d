/** What was waited for did not come to rest in time. The text says what was still going on, one line each. */
export class NotSettledError extends Error {
  override readonly name = 'NotSettledError';
  /** What was still going on. */
  readonly pending: readonly string[];

  constructor(what: string, pending: readonly string[], options?: ErrorOptions) {
    super(`${what}\n${pending.map((line) => `  - ${line}`).join('\n')}`, options);
    this.pending = pending;
  }
}

import { errorText, escapeText } from '@leveret/core';
import type { Failure } from '../watch/failure.js';

const MOST_SHOWN = 10;

/**
 * Something failed in the application under test, and the test did not say that it would. `errors` holds what was thrown,
 * `cause` the first of it. Failures that are meant: `harness.expectFailures()`.
 */
export class HandlerFailuresError extends AggregateError {
  override readonly name = 'HandlerFailuresError';

  constructor(failures: readonly Failure[]) {
    const lines = failures.slice(0, MOST_SHOWN).map(({ what, error }) => `  - ${what}: ${shown(error)}`);
    if (failures.length > MOST_SHOWN) lines.push(`  - and ${failures.length - MOST_SHOWN} more`);
    const head = failures.length === 1 ? '1 failure' : `${failures.length} failures`;
    super(
      failures.map(({ error }) => error),
      `${head} that the test did not expect. If that is meant, say harness.expectFailures() before it happens.\n${lines.join('\n')}`,
      { cause: failures[0]?.error },
    );
  }
}

/** Line by line: assertions have several. */
function shown(error: unknown): string {
  return errorText(error).split('\n').map(escapeText).join('\n');
}

import type { Selection } from '@leveret/operations';
import type { Command } from 'commander';

/** What was chosen on the command line: nothing by accident. */
export function selectionOf(ids: readonly string[], all: boolean | undefined, command: Command): Selection {
  if (all === true && ids.length > 0) command.error('error: --all and ids: which of them counts? Leave one out.');
  if (all !== true && ids.length === 0) command.error('error: say which: keys, message ids or groups; or --all.');
  return all === true ? 'all' : ids;
}

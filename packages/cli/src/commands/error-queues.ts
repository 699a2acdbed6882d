import { findErrorQueues, type HoldLimits, type OperationsSession } from '@leveret/operations';
import type { Command } from 'commander';
import type { GlobalOptions } from '../io/connection.js';
import { collect, readCount } from '../text/read-values.js';

/** Options of every command that works on error queues. */
export interface ErrorOptions extends GlobalOptions {
  readonly queue?: readonly string[];
  readonly maxMessages?: number;
}

/** Adds them to a command. */
export function withErrorQueues(command: Command): Command {
  return command
    .option(
      '-q, --queue <names>',
      'error queues, repeated or with commas; default: all that the management API finds',
      collect,
    )
    .option('--max-messages <n>', 'most messages of one queue that are taken in hand (default: 50000)', readCount(1));
}

/** The queues that were named, else those that the management API finds. */
export async function queuesOf(session: OperationsSession, { queue }: ErrorOptions): Promise<readonly string[]> {
  if (queue !== undefined && queue.length > 0) return queue;
  return (await findErrorQueues(session)).map(({ name }) => name);
}

export function limitsOf({ maxMessages }: ErrorOptions): HoldLimits {
  return { maxMessages };
}

import type { Command } from 'commander';
import type { Context } from '../io/context.js';
import { discardCommands } from './errors-discard.js';
import { editCommand } from './errors-edit.js';
import { lookCommands } from './errors-look.js';
import { retryCommands } from './errors-retry.js';
import { transferCommands } from './errors-transfer.js';

/** `leveret errors …` */
export function errorCommands(program: Command, context: Context): void {
  const errors = program
    .command('errors')
    .description('Failed messages that wait for a person: see them, send them back, throw them away')
    .addHelpText(
      'after',
      `
Looking never changes the order of a queue, nor its delivery counts.

Examples:
  leveret errors                                  groups, the largest first
  leveret errors show 3f9a0c1b                    one message, by key, message id or group
  leveret errors retry 3f9a0c1b --canary 5        five first, the others when those were handled
  leveret errors retry --all --rate 50/s --queue error.queue
  leveret errors edit 0c1b2d4e5f60 --set order.amount=12`,
    );
  lookCommands(errors, context);
  retryCommands(errors, context);
  editCommand(errors, context);
  discardCommands(errors, context);
  transferCommands(errors, context);
}

import { discard, undoDiscard } from '@leveret/operations';
import type { Command } from 'commander';
import type { Context } from '../io/context.js';
import { readDuration } from '../text/read-values.js';
import { type ErrorOptions, limitsOf, queuesOf, withErrorQueues } from './error-queues.js';
import { selectionOf } from './selection.js';

interface DiscardFlags extends ErrorOptions {
  readonly all?: boolean;
  readonly undoFor: number;
  readonly dryRun?: boolean;
}

const UNDO_MS = 3_600_000;

/** `errors discard`, `errors undo` */
export function discardCommands(errors: Command, context: Context): void {
  withErrorQueues(errors.command('discard'))
    .description('Throw messages away; for an hour they can be had back')
    .argument('[ids...]', 'keys, message ids, or groups')
    .option('--all', 'every message of the queues')
    .option('--undo-for <duration>', 'how long they can be had back; 0 for not at all (default: 1h)', readUndo, UNDO_MS)
    .option('--dry-run', 'say how many, and do nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  leveret errors discard 3f9a0c1b\n  leveret errors discard --all -q test.dlq --undo-for 0',
    )
    .action(async (ids: readonly string[], _options: unknown, command: Command) => {
      const options: DiscardFlags = command.optsWithGlobals();
      const selection = selectionOf(ids, options.all, command);
      await context.connected(options, async (session) => {
        const queues = await queuesOf(session, options);
        const { undoFor: undoForMs, dryRun } = options;
        const report = await discard(session, { queues, selection, undoForMs, dryRun, limits: limitsOf(options) });
        const { messages, discarded, undo } = report;
        const keys = messages.map(({ key }) => key);
        context.result(options, { keys, discarded, undo }, () => {
          if (dryRun === true) return `${keys.length} would be discarded; nothing was done.\n`;
          const back = undo === undefined ? '' : ` To have them back: leveret errors undo ${undo}`;
          return `${discarded} discarded.${back}\n`;
        });
      });
    });

  errors
    .command('undo')
    .description('Have back what was discarded')
    .argument('<id>', 'as discard said')
    .action(async (id: string, _options: unknown, command: Command) => {
      const options: ErrorOptions = command.optsWithGlobals();
      await context.connected(options, async (session) => {
        const back = await undoDiscard(session, id);
        context.result(options, { back }, () => `${back} are parked again, at the end of their queues.\n`);
      });
    });
}

function readUndo(text: string): number {
  return text === '0' ? 0 : readDuration(text);
}

import { readFileSync, writeFileSync } from 'node:fs';
import { exportLine, importErrors, look, selectErrors } from '@leveret/operations';
import type { Command } from 'commander';
import type { Context } from '../io/context.js';
import { EXIT } from '../io/exit-codes.js';
import { type ErrorOptions, limitsOf, queuesOf, withErrorQueues } from './error-queues.js';

/** `errors export`, `errors import` */
export function transferCommands(errors: Command, context: Context): void {
  withErrorQueues(errors.command('export'))
    .description('Messages as lines of JSON, byte for byte; they stay parked')
    .argument('[ids...]', 'keys, message ids, or groups; default: all')
    .option('-o, --output <file>', 'into this file instead of standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  leveret errors export -q error.queue -o errors.jsonl\n  leveret errors export | jq -r .key',
    )
    .action(async (ids: readonly string[], { output }: { output?: string }, command: Command) => {
      const options: ErrorOptions = command.optsWithGlobals();
      await context.connected(options, async (session) => {
        const looked = await look(session, await queuesOf(session, options), limitsOf(options));
        const { messages, unknown } = selectErrors(looked.messages, ids.length === 0 ? 'all' : ids);
        if (unknown.length > 0) {
          context.io.err(`There is nothing called ${unknown.map((word) => JSON.stringify(word)).join(', ')}.\n`);
          context.exitCode = EXIT.notFound;
          return;
        }
        const lines = messages.map((message) => `${exportLine(message)}\n`).join('');
        if (output === undefined) context.io.out(lines);
        else {
          writeFileSync(output, lines, { mode: 0o600 });
          context.result(
            options,
            { exported: messages.length, file: output },
            () => `${messages.length} written to ${output}.\n`,
          );
        }
      });
    });

  errors
    .command('import')
    .description('Park messages again that were exported; those that are there already are left out')
    .argument('<file>', 'as export wrote it; - reads standard input')
    .option('--to <queue>', 'into this queue; default: for each the one it was exported from')
    .option('--max-messages <n>', 'most messages of one queue that are taken in hand (default: 50000)', Number)
    .option('--dry-run', 'check every line, and do nothing')
    .action(async (file: string, { to, dryRun }: { to?: string; dryRun?: boolean }, command: Command) => {
      const options: ErrorOptions = command.optsWithGlobals();
      const text = file === '-' ? await context.io.input() : readFileSync(file, 'utf8');
      await context.connected(options, async (session) => {
        const report = await importErrors(session, text.split('\n'), { to, dryRun, limits: limitsOf(options) });
        context.result(options, report, () => `${report.imported} imported, ${report.present} were there already.\n`);
      });
    });
}

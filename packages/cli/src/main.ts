import { escapeText, LeveretError } from '@leveret/core';
import { Command, CommanderError } from 'commander';
import { completionCommand } from './commands/completion.js';
import { consoleCommand } from './commands/console.js';
import { errorCommands } from './commands/errors.js';
import { liveCommands } from './commands/live.js';
import { migrateCommand } from './commands/migrate.js';
import { topCommand } from './commands/top.js';
import { topologyCommands } from './commands/topology.js';
import { Context } from './io/context.js';
import { EXIT } from './io/exit-codes.js';
import { type Io, processIo } from './io/io.js';
import { collectWhole } from './text/read-values.js';
import { VERSION } from './version.js';

/**
 * Runs the command `leveret`. Never rejects; answers the exit code.
 * @param args without node and the script
 */
export async function main(args: readonly string[], io: Io = processIo()): Promise<number> {
  const context = new Context(io);
  const program = programOf(context);
  try {
    await program.parseAsync(args, { from: 'user' });
    return context.exitCode === EXIT.done && io.signal.aborted ? EXIT.stopped : context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    return failed(error, io, args.includes('--json'));
  }
}

/** All commands. */
export function programOf(context: Context): Command {
  const { io } = context;
  const program = new Command('leveret')
    .description('RabbitMQ error queues looked at, retried and edited; topology planned and checked')
    .version(VERSION)
    .option(
      '--amqp <url>',
      'the broker; repeated for several hosts (default: $AMQP_URL, else amqp://localhost)',
      collectWhole,
    )
    .option('--management <url>', 'the management API (default: $MANAGEMENT_URL, else port 15672 of the broker)')
    .option('--no-management', 'never ask the management API')
    .option('--cacert <file>', 'authority of the certificate of the broker')
    .option('--json', 'the result as JSON on standard output')
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError(true)
    .addHelpText('after', EXIT_CODES);
  errorCommands(program, context);
  liveCommands(program, context);
  topCommand(program, context);
  topologyCommands(program, context);
  migrateCommand(program, context);
  consoleCommand(program, context);
  completionCommand(program, context);
  forEach(program, (command) => {
    command.exitOverride().configureHelp({ showGlobalOptions: true });
    command.configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) });
  });
  return program;
}

function forEach(command: Command, work: (command: Command) => void): void {
  work(command);
  for (const each of command.commands) forEach(each, work);
}

const EXIT_CODES = `
Exit codes:
  0    done, or nothing to report
  1    it could not be done
  2    there is something to look at: drift, findings, a retry that stopped before the end
  3    what was asked for is not there
  64   the command line is wrong
  130  stopped by Ctrl-C`;

function failed(error: unknown, io: Io, asJson: boolean): number {
  const code = LeveretError.is(error) ? error.code : undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (asJson) io.err(`${JSON.stringify({ error: { code, message } })}\n`);
  else
    io.err(
      `leveret: ${code === undefined ? '' : `${code}: `}${LeveretError.is(error) ? message : escapeText(message)}\n`,
    );
  return code === 'LEV_NOTHING_FOUND' || code === 'LEV_QUEUE_MISSING' ? EXIT.notFound : EXIT.failed;
}

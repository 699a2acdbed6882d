import { type ConsoleTokens, makeToken, type Role, type RunningConsole, startConsole } from '@leveret/console';
import { consoleLogger, LeveretError } from '@leveret/core';
import { type Command, Option } from 'commander';
import { connectionOf } from '../io/connection.js';
import type { Context } from '../io/context.js';
import type { Io } from '../io/io.js';
import { readTokenFile } from '../io/token-file.js';
import { collect, readCount } from '../text/read-values.js';
import { type ErrorOptions, limitsOf, withErrorQueues } from './error-queues.js';

interface ConsoleFlags extends ErrorOptions {
  readonly port?: number;
  readonly host?: string;
  readonly reachableByOthers?: boolean;
  readonly allowHost?: readonly string[];
  readonly role?: Role;
  readonly tokenFile?: string;
  readonly mask?: readonly string[];
  readonly showUnreadable?: boolean;
  readonly auditQueue?: string;
  readonly auditFile?: string;
}

/** `leveret console` */
export function consoleCommand(program: Command, context: Context): void {
  withErrorQueues(program.command('console'))
    .description(
      'A web page on error queues: see what failed, send it back, edit it; for this machine alone unless you say otherwise',
    )
    .option('--port <n>', 'port of the page; 0 takes a free one (default: 15673)', readCount(0))
    .option('--host <address>', 'address to listen at (default: 127.0.0.1)')
    .option('--reachable-by-others', 'with --host: yes, others than this machine shall reach it')
    .option('--allow-host <names>', 'names under which it is reached, besides addresses and localhost', collect)
    .addOption(
      new Option('--role <role>', 'what the token may: look and act, or only look (default: operate)').choices([
        'operate',
        'read',
      ]),
    )
    .option(
      '--token-file <file>',
      'tokens to log in with: lines "operate <token>", "read <token>"; made when it is not there',
    )
    .option('--mask <paths>', 'values that nobody may see, such as card.number,items.*.secret,**.cvv', collect)
    .option('--show-unreadable', 'with --mask: show also bodies that are no JSON')
    .option('--audit-queue <name>', 'keep who did what in this durable queue')
    .option('--audit-file <file>', 'keep who did what in this file, a line of JSON each')
    .addHelpText(
      'after',
      `
The token is made at each start and printed once; whoever has the printed address is in. Ctrl-C stops the console: what a retry has not
sent goes back into its queue.

Examples:
  leveret console
  leveret console --amqp amqp://rabbit.internal --mask card.number,**.cvv --audit-file audit.jsonl
  leveret console --role read -q orders.dlq --no-management`,
    )
    .action(async (_options: unknown, command: Command) => {
      const options: ConsoleFlags = command.optsWithGlobals();
      const { io } = context;
      if (options.auditQueue !== undefined && options.auditFile !== undefined) {
        command.error('error: --audit-queue and --audit-file: leave one out.');
      }
      const running = await startConsole({
        ...connectionOf(options, io.env),
        ...placeOf(options),
        ...{ tokens: tokensOf(options), mask: options.mask ?? [], showUnreadable: options.showUnreadable === true },
        ...(options.queue === undefined ? {} : { queues: options.queue }),
        ...auditOf(options),
        limits: limitsOf(options),
        logger: consoleLogger('info', {
          log: (line: string) => io.err(`${line}\n`),
          error: (line: string) => io.err(`${line}\n`),
        }),
      });
      try {
        // Asks the broker: what is wrong with the connection is said here, not on the page.
        const staged = await running.staged();
        context.result(options, readyJson(running, staged, options), () => readyText(running, staged, options));
        await stopped(io);
      } finally {
        await running.close();
      }
    });
}

function placeOf({ port, host, reachableByOthers, allowHost }: ConsoleFlags) {
  return {
    ...(port === undefined ? {} : { port }),
    ...(host === undefined ? {} : { host }),
    reachableByOthers: reachableByOthers === true,
    ...(allowHost === undefined ? {} : { allowedHosts: allowHost }),
  };
}

function auditOf({ auditQueue: queue, auditFile: file }: ConsoleFlags) {
  if (queue !== undefined) return { audit: { queue } };
  return file === undefined ? {} : { audit: { file } };
}

function tokensOf({ tokenFile, role = 'operate' }: ConsoleFlags): ConsoleTokens {
  if (tokenFile === undefined) return { [role]: makeToken() };
  const { operate, read } = readTokenFile(tokenFile);
  if (role === 'operate') return { operate, read };
  if (read !== undefined) return { read };
  throw new LeveretError('LEV_OPERATION_REFUSED', `${tokenFile} has no token of the role read.`);
}

function readyJson(
  { url, tokens }: RunningConsole,
  staged: ReadonlyMap<string, number>,
  { tokenFile }: ConsoleFlags,
): unknown {
  const address = tokenFile === undefined ? addressOf(url, tokens) : url;
  return { url: address, tokenFile, staged: Object.fromEntries(staged) };
}

function readyText(
  { url, tokens }: RunningConsole,
  staged: ReadonlyMap<string, number>,
  { tokenFile }: ConsoleFlags,
): string {
  const role = tokens.operate === undefined ? ', to look only' : '';
  const lines = [
    tokenFile === undefined
      ? `The console is at ${addressOf(url, tokens)}${role}`
      : `The console is at ${url}; its tokens are in ${tokenFile}`,
    ...[...staged].map(
      ([queue, count]) =>
        `${count} messages of ${queue} are on their way back since a retry that ended in the middle: the page offers to go on.`,
    ),
    'Ctrl-C stops it.',
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function stopped({ signal }: Io): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** What stands behind # is not sent: the page takes the token from there. */
function addressOf(url: string, { operate, read }: ConsoleTokens): string {
  return `${url}#token=${operate ?? read}`;
}

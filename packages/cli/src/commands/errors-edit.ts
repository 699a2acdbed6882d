import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { edit, look, type MessageEdit, type ParkedMessage, selectErrors, setValue } from '@leveret/operations';
import { type Command, Option } from 'commander';
import type { Context } from '../io/context.js';
import { EXIT } from '../io/exit-codes.js';
import type { Io } from '../io/io.js';
import { collectWhole } from '../text/read-values.js';
import { type ErrorOptions, limitsOf, queuesOf, withErrorQueues } from './error-queues.js';

interface EditFlags extends ErrorOptions {
  readonly set?: readonly string[];
  readonly header?: readonly string[];
  readonly bodyFile?: string;
  readonly to?: string;
  readonly via?: 'queue' | 'exchange';
  readonly dryRun?: boolean;
}

/** `errors edit` */
export function editCommand(errors: Command, context: Context): void {
  withErrorQueues(errors.command('edit'))
    .description('Change a message and send it back, as a message of its own')
    .argument('<id>', 'key or message id of one message')
    .option('--set <path=value>', 'a value of a JSON body, such as order.lines[0].price=12.5; repeated', collectWhole)
    .option('--header <name=value>', 'a header; without = it is taken away; repeated', collectWhole)
    .option('--body-file <file>', 'this body; - reads it from standard input')
    .option('--to <queue>', 'to this queue instead')
    .addOption(
      new Option('--via <way>', 'to the queue that failed, or to the exchange and all its queues').choices([
        'queue',
        'exchange',
      ]),
    )
    .option('--dry-run', 'say what would go where, and do nothing')
    .addHelpText(
      'after',
      `
The edited message has a new message id, so that whoever remembers ids handles it, and x-leveret-edit-of names the old one.
Without --set, --header and --body-file the body is opened in $VISUAL or $EDITOR.

Examples:
  leveret errors edit 0c1b2d4e5f60 --set order.amount=12 --set 'note="by hand"'
  jq .fixed < new.json | leveret errors edit 0c1b2d4e5f60 --body-file -`,
    )
    .action(async (id: string, _options: unknown, command: Command) => {
      const options: EditFlags = command.optsWithGlobals();
      await context.connected(options, async (session) => {
        const queues = await queuesOf(session, options);
        const limits = limitsOf(options);
        const [message] = selectErrors((await look(session, queues, limits)).messages, [id]).messages;
        // Without one, edit() says so.
        const change = message === undefined ? {} : await changeOf(message, options, context.io);
        if (change === undefined) {
          context.io.err('Nothing was changed, and nothing sent.\n');
          context.exitCode = EXIT.attention;
          return;
        }
        const { to, via, dryRun } = options;
        const report = await edit(session, { queues, id, change, to, via, dryRun, limits });
        const { target, messageId, sent } = report;
        const json = { key: report.message.key, messageId, editOf: report.message.message.messageId, ...target, sent };
        context.result(options, json, () => {
          const where = target.exchange === '' ? target.routingKey : `${target.exchange}, ${target.routingKey}`;
          return `${sent ? 'Sent' : 'Would be sent'} to ${where} as ${messageId}.\n`;
        });
      });
    });
}

/** What is changed; `undefined` when nothing is. */
async function changeOf({ message }: ParkedMessage, flags: EditFlags, io: Io): Promise<MessageEdit | undefined> {
  const { set = [], header = [], bodyFile } = flags;
  if (set.length === 0 && header.length === 0 && bodyFile === undefined) return editedByHand(message.body, io);
  let body = message.body;
  if (bodyFile !== undefined) body = bodyFile === '-' ? Buffer.from(await io.input()) : readFileSync(bodyFile);
  for (const assignment of set) body = Buffer.from(setValue(body.toString('utf8'), assignment));
  if (header.length === 0) return { body };
  const headers: Record<string, unknown> = { ...message.headers };
  for (const each of header) {
    const at = each.indexOf('=');
    if (at < 0) delete headers[each];
    else headers[each.slice(0, at)] = each.slice(at + 1);
  }
  return { body, headers };
}

function editedByHand(body: Buffer, { env }: Io): MessageEdit | undefined {
  const editor = env['VISUAL'] || env['EDITOR'] || 'vi';
  const folder = mkdtempSync(join(tmpdir(), 'leveret-edit-'));
  try {
    const file = join(folder, 'body.json');
    writeFileSync(file, body, { mode: 0o600 });
    const [command = editor, ...args] = editor.split(' ');
    const { status, error } = spawnSync(command, [...args, file], { stdio: 'inherit' });
    if (error !== undefined)
      throw new TypeError(`the editor ${JSON.stringify(editor)} could not be started: ${error.message}`);
    const edited = readFileSync(file);
    return status !== 0 || edited.equals(body) ? undefined : { body: edited };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

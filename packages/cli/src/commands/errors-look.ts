import { type ErrorGroup, groupErrors, type Looked, look, selectErrors } from '@leveret/operations';
import type { Command } from 'commander';
import type { Context } from '../io/context.js';
import { EXIT } from '../io/exit-codes.js';
import { messageJson, showMessage } from '../text/show-message.js';
import { table } from '../text/table.js';
import { timeText } from '../text/time-text.js';
import { type ErrorOptions, limitsOf, queuesOf, withErrorQueues } from './error-queues.js';

/** `errors list`, `errors show` */
export function lookCommands(errors: Command, context: Context): void {
  withErrorQueues(errors.command('list', { isDefault: true }))
    .description('Groups of failures: how many, since when, where')
    .action(async (_options: unknown, command: Command) => {
      const options: ErrorOptions = command.optsWithGlobals();
      await context.connected(options, async (session) => {
        const looked = await look(session, await queuesOf(session, options), limitsOf(options));
        const groups = groupErrors(looked.messages);
        context.result(options, { queues: looked.queues, groups: groups.map(groupJson) }, () =>
          listText(looked, groups),
        );
      });
    });

  withErrorQueues(errors.command('show'))
    .description('A message with its headers, stack and body; of a group, its newest')
    .argument('<id>', 'key, message id, or group; six digits of a key or a group do')
    .option('--all', 'every message of a group, one behind the other')
    .addHelpText(
      'after',
      '\nExamples:\n  leveret errors show 0c1b2d4e5f60\n  leveret errors show 3f9a0c1b --all --json',
    )
    .action(async (id: string, { all }: { all?: boolean }, command: Command) => {
      const options: ErrorOptions = command.optsWithGlobals();
      await context.connected(options, async (session) => {
        const queues = await queuesOf(session, options);
        const { messages } = selectErrors((await look(session, queues, limitsOf(options))).messages, [id]);
        if (messages.length === 0) {
          context.io.err(
            `There is nothing called ${JSON.stringify(id)} in ${queues.join(', ') || 'any error queue'}.\n`,
          );
          context.exitCode = EXIT.notFound;
          return;
        }
        const [group] = groupErrors(messages);
        const shown = all === true || group === undefined ? messages : [group.sample];
        context.result(options, shown.map(messageJson), () => {
          const more = messages.length - shown.length;
          const rest = more > 0 ? `\n${more} more like it: leveret errors show ${id} --all\n` : '';
          return shown.map(showMessage).join(`\n${'-'.repeat(40)}\n`) + rest;
        });
      });
    });
}

/** A group as JSON: its sample by its key. */
function groupJson({ sample, ...group }: ErrorGroup): unknown {
  return { ...group, sample: sample.key, sampleMessageId: sample.message.messageId };
}

function listText({ queues, messages }: Looked, groups: readonly ErrorGroup[]): string {
  const notes = queues.flatMap(({ name, isComplete, otherConsumers, staged }) => [
    ...(isComplete ? [] : [`${name}: only its first messages; more with --max-messages`]),
    ...(otherConsumers > 0 ? [`${name}: ${otherConsumers} consumers of others, whose messages are not seen`] : []),
    ...(staged > 0 ? [`${name}: ${staged} on their way back; leveret errors retry --resume -q ${name} goes on`] : []),
  ]);
  const rows = groups.map((group) => [
    group.id.slice(0, 8),
    String(group.count),
    timeText(group.lastSeen) ?? '',
    timeText(group.firstSeen) ?? '',
    group.services.join(' '),
    group.listeners.join(' ') || group.failedQueues.join(' '),
    [group.errorName, group.errorMessage].filter(Boolean).join(': ') || (group.reason ?? ''),
    group.sample.key,
  ]);
  const head = ['GROUP', 'COUNT', 'LAST', 'FIRST', 'SERVICE', 'LISTENER', 'ERROR', 'SAMPLE'];
  const empty =
    messages.length === 0
      ? `Nothing is parked in ${queues.map(({ name }) => name).join(', ') || 'any error queue'}.\n`
      : '';
  return `${empty}${rows.length > 0 ? table(head, rows) : ''}${notes.map((note) => `${note}\n`).join('')}`;
}

import { escapeText } from '@leveret/core';
import {
  commitMigration,
  type MigrationPlan,
  type MigrationReport,
  type MigrationStep,
  migrateQueue,
  type OperationsSession,
  planOfMigration,
  rollBackMigration,
} from '@leveret/operations';
import { type Command, Option } from 'commander';
import type { GlobalOptions } from '../io/connection.js';
import type { Context } from '../io/context.js';
import { EXIT } from '../io/exit-codes.js';
import { ProgressLine } from '../io/progress.js';
import { collect, collectArgument } from '../text/read-values.js';

interface MigrateFlags extends GlobalOptions {
  readonly as?: string;
  readonly argument?: Readonly<Record<string, unknown>>;
  readonly without?: readonly string[];
  readonly dryRun?: boolean;
  readonly commit?: boolean;
  readonly rollback?: boolean;
}

/** `leveret migrate queue` */
export function migrateCommand(program: Command, context: Context): void {
  const migrate = program.command('migrate').description('Move what cannot be changed where it is');
  migrate
    .command('queue')
    .description('Move messages and bindings of a queue to a quorum queue of another name, with a way back')
    .argument('<name>', 'the queue')
    .addOption(new Option('--to <type>', 'type of the new queue').choices(['quorum']).makeOptionMandatory())
    .option('--as <name>', 'name of the new queue (default: the old one and .v2)')
    .option('--argument <name=value>', 'an argument of the new queue; repeated', collectArgument)
    .option('--without <names>', 'what the new queue may be without, repeated or with commas', collect)
    .option('--dry-run', 'say what the new queue is like and what is lost, and do nothing')
    .addOption(new Option('--commit', 'move what has come since, and delete the old queue').conflicts('rollback'))
    .addOption(new Option('--rollback', 'move everything back, and delete the new queue'))
    .addHelpText(
      'after',
      `
A queue can be neither changed nor renamed: the new one has another name, and the old one stays until --commit, so that nothing
that is sent straight to it is lost. Do it again to move that. Whoever is killed is followed by the next call.
Ends with 0 when it is done, 2 when it waits for consumers or messages.

Examples:
  leveret migrate queue orders --to quorum --dry-run
  leveret migrate queue orders --to quorum --as orders.v2 --argument x-delivery-limit=50
  leveret migrate queue orders --to quorum --commit
  leveret migrate queue orders --to quorum --rollback`,
    )
    .action(async (queue: string, _options: unknown, command: Command) => {
      const options: MigrateFlags = command.optsWithGlobals();
      const { as, without } = options;
      const choice = { as, without, arguments: options.argument };
      await context.connected(options, async (session) => {
        if (options.dryRun === true) return showPlan(context, options, await planOfMigration(session, queue, choice));
        const report = await run(session, queue, choice, options, context);
        context.exitCode = report.state === 'waiting' ? EXIT.attention : EXIT.done;
        context.result(options, report, () => reportText(report));
      });
    });
}

async function run(
  session: OperationsSession,
  queue: string,
  choice: Parameters<typeof planOfMigration>[2],
  { commit, rollback }: MigrateFlags,
  { io }: Context,
): Promise<MigrationReport> {
  const progress = new ProgressLine(io);
  let last: MigrationStep | undefined;
  const onStep = (step: MigrationStep, moved: number) => {
    if (step !== last) progress.end();
    if (step !== last && !io.isTerminal) io.err(`${step}\n`);
    last = step;
    progress.say(`${step}: ${moved} moved`);
  };
  const options = { queue, onStep, signal: io.signal };
  try {
    if (commit === true) return await commitMigration(session, options);
    if (rollback === true) return await rollBackMigration(session, options);
    return await migrateQueue(session, { ...options, ...choice });
  } finally {
    progress.end();
  }
}

function showPlan(
  context: Context,
  options: MigrateFlags,
  plan: MigrationPlan & { readonly isUnderWay: boolean },
): void {
  context.exitCode = plan.faults.length > 0 || plan.losses.length > 0 ? EXIT.attention : EXIT.done;
  context.result(options, plan, () => planText(plan));
}

function planText({ from, to, arguments: args, bindings, losses, notes, faults, isUnderWay }: PlanShown): string {
  const lines = [
    `${isUnderWay ? 'under way: ' : ''}${from} -> ${to}, durable, ${JSON.stringify(args)}`,
    ...bindings.map(({ source, routingKey }) => `binding  ${source} (${routingKey})`),
    ...faults.map((fault) => `fault    ${fault}`),
    ...losses.map(
      ({ name, value, means }) => `loses    ${name} (${JSON.stringify(value)}): ${means}; agree by --without ${name}`,
    ),
    ...notes.map((note) => `note     ${note}`),
    'Nothing was done.',
  ];
  return lines.map((line) => `${escapeText(line)}\n`).join('');
}

type PlanShown = Parameters<typeof showPlan>[2];

function reportText({ from, to, state, why, moved, consumers }: MigrationReport): string {
  const [old, other] = [escapeText(from), escapeText(to)];
  switch (state) {
    case 'moved':
      return `${moved} messages moved to ${other}, and all bindings.\nNow let listeners consume ${other}. Do it again to move what comes straight to ${old}${consumers > 0 ? `, which has ${consumers} consumers` : ''}; --commit deletes it, --rollback moves everything back.\n`;
    case 'committed':
      return `${moved} messages moved, ${old} deleted: ${other} is the queue now.\n`;
    case 'rolled-back':
      return `${moved} messages moved back, ${old} deleted: everything is as it was.\n`;
    case 'waiting':
      return `${moved} messages moved. ${old} is not deleted: ${escapeText(why ?? '')}.\n`;
    case 'stopped':
      return `${moved} messages moved. Stopped, as you asked: do it again to go on.\n`;
  }
}

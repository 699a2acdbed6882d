import { type ApplicationPlan, escapeText } from '@leveret/core';
import {
  apply,
  askForDefinitions,
  type Definitions,
  type Drift,
  diagnose,
  examine,
  type Finding,
  mergePlans,
  type OperationsSession,
  planTopology,
  readDefinitions,
} from '@leveret/operations';
import type { Command } from 'commander';
import { askForPlan, readJson } from '../io/ask-for-plan.js';
import type { GlobalOptions } from '../io/connection.js';
import type { Context } from '../io/context.js';
import { EXIT } from '../io/exit-codes.js';

interface PlanFlags extends GlobalOptions {
  readonly against?: string;
  readonly vhost: string;
}

const APPLICATIONS =
  'files that start applications (dist/main.js), or their plans in JSON; those of one broker together';

/** `leveret plan`, `leveret apply`, `leveret doctor` */
export function topologyCommands(program: Command, context: Context): void {
  program
    .command('plan')
    .description('What applications would declare, beside what is there')
    .argument('<applications...>', APPLICATIONS)
    .option(
      '--against <where>',
      'amqp:// of a broker, or a file of exported definitions (default: the broker of --amqp)',
    )
    .option('--vhost <name>', 'virtual host in exported definitions', '/')
    .addHelpText(
      'after',
      `
A program is started in a process of its own that ends where it would connect. Ends with 0 when nothing differs, 2 on drift.

Examples:
  leveret plan dist/main.js
  leveret plan dist/main.js --against definitions.json --json`,
    )
    .action(async (files: readonly string[], _options: unknown, command: Command) => {
      const options: PlanFlags = command.optsWithGlobals();
      const plan = await planOf(files);
      const { against } = options;
      const isFile = against !== undefined && !/^amqps?:/.test(against);
      const at = against === undefined || isFile ? options : { ...options, amqp: [against] };
      const drift = isFile
        ? planTopology(plan, readDefinitions(readJson(against), options.vhost))
        : await context.connected(at, async (session) => planTopology(plan, await definitionsOf(session)));
      context.exitCode = drift.length > 0 ? EXIT.attention : EXIT.done;
      context.result(options, { drift }, () => driftText(drift));
    });

  program
    .command('apply')
    .description('Declare what applications would declare, and consume nothing')
    .argument('<applications...>', APPLICATIONS)
    .option('--policies', 'apply policies, too, by the management API: they also change queues that are there')
    .addHelpText(
      'after',
      '\nWithout --policies those are applied at the start of the application. Ends with 2 when something was refused.\n\nExamples:\n  leveret apply dist/main.js\n  leveret apply dist/main.js --policies --management http://admin:secret@rabbit:15672',
    )
    .action(async (files: readonly string[], _options: unknown, command: Command) => {
      const options: GlobalOptions & { readonly policies?: boolean } = command.optsWithGlobals();
      const plan = await planOf(files);
      await context.connected(options, async (session) => {
        const applied = await apply(session, plan, { policies: options.policies });
        context.exitCode = applied.refused.length > 0 ? EXIT.attention : EXIT.done;
        context.result(options, applied, () => {
          const { exchanges, queues, bindings, policies, notices, refused } = applied;
          const more = options.policies === true ? `, ${policies} policies applied` : '';
          const done = `${exchanges} exchanges, ${queues} queues and ${bindings} bindings declared${more}.\n`;
          const lines = [...notices.map((line) => `note: ${line}`), ...refused.map((line) => `refused: ${line}`)];
          return done + lines.map((line) => `${escapeText(line)}\n`).join('');
        });
      });
    });

  program
    .command('doctor')
    .description('Check a broker, and applications beside it, for what goes wrong in practice')
    .argument('[applications...]', APPLICATIONS)
    .addHelpText(
      'after',
      '\nEnds with 0 when nothing was found, 2 when something was.\n\nExamples:\n  leveret doctor\n  leveret doctor dist/main.js --json',
    )
    .action(async (files: readonly string[], _options: unknown, command: Command) => {
      const options: GlobalOptions = command.optsWithGlobals();
      const plan = files.length === 0 ? undefined : await planOf(files);
      await context.connected(options, async (session) => {
        const facts = await examine(session, plan);
        const findings = diagnose(facts);
        const { notLookedAt } = facts;
        for (const what of notLookedAt) context.io.err(`not looked at: ${escapeText(what)}\n`);
        const isWhole = notLookedAt.length === 0;
        context.exitCode = findings.length > 0 ? EXIT.attention : EXIT.done;
        context.result(options, { version: facts.version, isWhole, notLookedAt, findings }, () =>
          findingsText(findings, facts.version),
        );
      });
    });
}

async function planOf(files: readonly string[]): Promise<ApplicationPlan> {
  return mergePlans(await Promise.all(files.map(askForPlan)));
}

async function definitionsOf(session: OperationsSession): Promise<Definitions> {
  const reader = await session.needManagement(
    'Comparing a plan',
    'Compare it with exported definitions: --against definitions.json.',
  );
  return askForDefinitions(reader, session.broker.broker.version);
}

function driftText(drift: readonly Drift[]): string {
  if (drift.length === 0) return 'Nothing differs.\n';
  const lines = drift.map(({ kind, object, name, argument, wanted, actual, wayOut }) => {
    const what = argument === undefined ? '' : `: ${argument} is ${valueText(actual)}, wanted ${valueText(wanted)}`;
    return `${SIGN[kind]} ${kind.padEnd(7)} ${object} ${name}${what}\n            ${wayOut}\n`;
  });
  return `${lines.join('')}${drift.length} differences.\n`;
}

const SIGN = { create: '+', differs: '~', unused: '-' } as const;

function valueText(value: unknown): string {
  return value === undefined ? 'not set' : JSON.stringify(value);
}

function findingsText(findings: readonly Finding[], version: string): string {
  if (findings.length === 0) return `RabbitMQ ${version}: nothing found.\n`;
  const texts = findings.map(
    ({ severity, check, about, what, why, fix }) =>
      `${severity.padEnd(7)} ${about}: ${what} [${check}]\n        why: ${why}\n        do:  ${fix}\n`,
  );
  return `${texts.join('')}${findings.length} findings.\n`;
}

import { type RetryProgress, type RetryReport, resume, retry } from '@leveret/operations';
import { type Command, Option } from 'commander';
import type { Context } from '../io/context.js';
import { EXIT } from '../io/exit-codes.js';
import { ProgressLine } from '../io/progress.js';
import { readCount, readDuration, readRate } from '../text/read-values.js';
import { table } from '../text/table.js';
import { type ErrorOptions, limitsOf, queuesOf, withErrorQueues } from './error-queues.js';
import { selectionOf } from './selection.js';

interface RetryFlags extends ErrorOptions {
  readonly all?: boolean;
  readonly to?: string;
  readonly via?: 'queue' | 'exchange';
  readonly rate?: number;
  readonly canary?: number;
  readonly canaryTimeout?: number;
  readonly dryRun?: boolean;
  readonly resume?: boolean;
}

/** `errors retry` */
export function retryCommands(errors: Command, context: Context): void {
  withErrorQueues(errors.command('retry'))
    .description('Send messages back to the queue that failed, with their ids')
    .argument('[ids...]', 'keys, message ids, or groups')
    .option('--all', 'every message of the queues')
    .option('--to <queue>', 'to this queue instead')
    .addOption(
      new Option('--via <way>', 'to the queue that failed, or to the exchange and all its queues').choices([
        'queue',
        'exchange',
      ]),
    )
    .option('--rate <n/s>', 'messages in a second, such as 50/s', readRate)
    .option(
      '--canary <n>',
      'so many first; the others only when listeners have said that they handled these',
      readCount(1),
    )
    .option('--canary-timeout <duration>', 'how long to wait for them (default: 60s)', readDuration)
    .option('--dry-run', 'say what would go where, and do nothing')
    .option('--resume', 'only go on with what a process had begun that ended in the middle')
    .addHelpText(
      'after',
      `
Ends with 0 when all were sent, 2 when it stopped before: the canary failed or was not heard of, a message was refused.
Whoever is killed in the middle is followed by the next retry of the same queue.

Examples:
  leveret errors retry 0c1b2d4e5f60
  leveret errors retry 3f9a0c1b --canary 5 --rate 50/s
  leveret errors retry --all -q orders.dlq --to orders --dry-run`,
    )
    .action(async (ids: readonly string[], _options: unknown, command: Command) => {
      const options: RetryFlags = command.optsWithGlobals();
      const selection = options.resume === true ? [] : selectionOf(ids, options.all, command);
      await context.connected(options, async (session) => {
        const queues = await queuesOf(session, options);
        const progress = new ProgressLine(context.io);
        const onProgress = (at: RetryProgress) => progress.say(progressText(at));
        const { signal } = context.io;
        try {
          if (options.resume === true) {
            const sent = await resume(session, queues, { rate: options.rate, signal, onProgress });
            progress.end();
            context.result(options, { resumed: sent }, () => `${sent} sent that were on their way.\n`);
            return;
          }
          const { to, via, rate, canary, dryRun } = options;
          const report = await retry(session, {
            ...{ queues, selection, to, via, rate, canary, dryRun, signal, onProgress },
            canaryTimeoutMs: options.canaryTimeout,
            limits: limitsOf(options),
          });
          progress.end();
          context.exitCode = report.stopped === undefined ? EXIT.done : EXIT.attention;
          context.result(options, reportJson(report), () => reportText(report, dryRun === true));
        } finally {
          progress.end();
        }
      });
    });
}

function progressText({ phase, sent, total }: RetryProgress): string {
  if (phase === 'waiting') return `waiting for the outcome of ${total}`;
  return phase === 'resuming' ? `going on: ${sent}` : `${phase}: ${sent} of ${total}`;
}

function reportJson({ planned, failure, ...report }: RetryReport): unknown {
  return {
    ...report,
    failure: failure?.message,
    planned: planned.map(({ message, target }) => ({
      key: message.key,
      messageId: message.message.messageId,
      queue: message.queue,
      ...target,
    })),
  };
}

function reportText({ planned, sent, left, resumed, canary, stopped, failure }: RetryReport, isDry: boolean): string {
  if (isDry) {
    const rows = planned.map(({ message, target }) => [
      message.key,
      message.message.messageId ?? '',
      message.queue,
      target.exchange === '' ? target.routingKey : `exchange ${target.exchange}, ${target.routingKey}`,
    ]);
    return `${table(['KEY', 'MESSAGE', 'PARKED IN', 'WOULD GO TO'], rows)}${planned.length} would be sent; nothing was done.\n`;
  }
  const lines = [
    ...(resumed > 0 ? [`${resumed} sent that were on their way since an earlier retry.`] : []),
    ...(canary === undefined
      ? []
      : [
          `Canary: ${canary.handled} of ${canary.sent} handled, ${canary.failed} failed, ${canary.silent} not heard of.`,
        ]),
    ...(canary?.outcomes ?? [])
      .filter(({ error }) => error !== undefined)
      .slice(0, 5)
      .map(({ key, outcome, error }) => `  ${key}: ${outcome}: ${error ?? ''}`),
    `${sent} sent${left > 0 ? `, ${left} parked as before` : ''}.`,
    ...(stopped === undefined ? [] : [STOPPED[stopped]]),
    ...(failure === undefined ? [] : [failure.message]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

const STOPPED: Readonly<Record<NonNullable<RetryReport['stopped']>, string>> = {
  'canary-failed': 'Stopped: the first of them failed again. The others were not touched.',
  'canary-silent':
    'Stopped: nothing was heard of the first. Does a service of leveret consume the queue? Older ones, and services of others, do not say what became of a message: look at their logs, and retry without --canary.',
  aborted: 'Stopped, as you asked.',
  refused: 'Stopped: a message was refused where it was to go.',
};

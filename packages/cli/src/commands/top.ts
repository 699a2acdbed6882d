import { pause } from '@leveret/core';
import { type OperationsSession, sampleQueues, type TopSample } from '@leveret/operations';
import type { Command } from 'commander';
import type { GlobalOptions } from '../io/connection.js';
import type { Context } from '../io/context.js';
import { EXIT } from '../io/exit-codes.js';
import { FullScreen } from '../io/terminal.js';
import { readCount, readDuration } from '../text/read-values.js';
import { topLines } from '../text/top-lines.js';

interface TopFlags extends GlobalOptions {
  readonly interval?: number;
  readonly count?: number;
}

const EVERY_MS = 2000;

/** `leveret top` */
export function topCommand(program: Command, context: Context): void {
  program
    .command('top')
    .description('A live table of queues and the listeners that consume them')
    .argument('[queues...]', 'only these (default: all of the virtual host, which needs the management API)')
    .option('--interval <duration>', 'between two samples (default: 2s)', readDuration)
    .option('-n, --count <n>', 'end after so many samples', readCount(1))
    .addHelpText(
      'after',
      `
In a terminal q ends it; elsewhere each sample is printed. --json prints a line for each. Rates and unacked messages are those of the
management API, which is up to 5 s late; without it the queues have to be named, and only ready messages, consumers and growth are known.

Examples:
  leveret top
  leveret top orders orders.dlq --interval 500ms
  leveret top --json -n 1 | jq '.queues[] | select(.isErrorQueue)'`,
    )
    .action(async (queues: readonly string[], _options: unknown, command: Command) => {
      const options: TopFlags = command.optsWithGlobals();
      await context.connected(options, (session) => watch(session, queues, options, context));
    });
}

async function watch(
  session: OperationsSession,
  queues: readonly string[],
  { interval = EVERY_MS, count = Number.POSITIVE_INFINITY, json }: TopFlags,
  context: Context,
): Promise<void> {
  const { io } = context;
  // Asked before the screen is taken: what is wrong is to be read.
  let sample: TopSample = await sampleQueues(session, queues);
  const quit = new AbortController();
  const signal = AbortSignal.any([io.signal, quit.signal]);
  const screen = json === true ? undefined : io.screen?.();
  const show = () => {
    if (page !== undefined) page.show(topLines(sample));
    else if (json === true) io.out(`${JSON.stringify(sample)}\n`);
    else io.out(`${topLines(sample).join('\n')}\n`);
  };
  const onQuit = (isCtrlC: boolean) => {
    if (isCtrlC) context.exitCode = EXIT.stopped;
    quit.abort();
  };
  const page = screen === undefined ? undefined : new FullScreen(screen, { onQuit, onResize: () => show() });
  try {
    for (let shown = 1; ; shown++) {
      show();
      if (shown >= count || (await pause(session.clock, interval, signal)) === 'aborted') return;
      sample = await sampleQueues(session, queues, sample);
    }
  } finally {
    page?.leave();
  }
}

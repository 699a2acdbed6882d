import { ConfirmedWriter } from '../moving/confirmed-writer.js';
import { parkedCopy } from '../moving/copies.js';
import type { HoldLimits } from '../moving/held-queue.js';
import { inWindow } from '../moving/held-queue.js';
import { importLine } from '../parked/export-line.js';
import { parkedMessages } from '../parked/parked-message.js';
import type { OperationsSession } from '../session/operations-session.js';
import { look } from './look.js';
import { refused } from './retry.js';

/** Options of {@link importErrors}. */
export interface ImportOptions {
  /** Queue that they are parked in. Default: for each the one it was exported from. */
  readonly to?: string | undefined;
  readonly dryRun?: boolean | undefined;
  readonly limits?: HoldLimits | undefined;
}

/** What an import came to. */
export interface ImportReport {
  readonly imported: number;
  /** Were parked there already, as after an import that was killed. */
  readonly present: number;
}

const WINDOW = 256;

/**
 * Parks messages again that were exported. All lines are read before the first is published; what is there already is left out,
 * so that an import that ended in the middle can be done again.
 * @param lines as `exportLine` wrote them; empty ones are passed over
 * @throws {LeveretError} LEV_OPERATION_REFUSED with every line that cannot be read, and every queue that is not there
 */
export async function importErrors(
  session: OperationsSession,
  lines: readonly string[],
  { to, dryRun = false, limits }: ImportOptions = {},
): Promise<ImportReport> {
  const faults: string[] = [];
  const read = lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      const { queue, message } = importLine(line);
      return [{ queue: to ?? queue, message }];
    } catch (error) {
      faults.push(`line ${index + 1}: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  });
  const queues = [...new Set(read.map(({ queue }) => queue))];
  for (const queue of queues) {
    if ((await session.broker.queue(queue)) === undefined) faults.push(`queue ${JSON.stringify(queue)} is not there`);
  }
  if (faults.length > 0) throw refused(faults);
  const present = new Set((await look(session, queues, limits)).messages.map(({ queue, key }) => `${queue}\n${key}`));
  const missing = queues.flatMap((queue) => {
    const messages = read.filter((each) => each.queue === queue).map(({ message }) => message);
    const parked = parkedMessages(queue, messages);
    return parked.filter(({ key }) => !present.has(`${queue}\n${key}`));
  });
  const report = { imported: missing.length, present: read.length - missing.length };
  if (dryRun) return { ...report, imported: 0 };
  const writer = new ConfirmedWriter(await session.broker.openPublishChannel(), session.clock);
  try {
    await inWindow(missing, WINDOW, ({ queue, message }) => writer.send(parkedCopy(message, queue, undefined)));
  } finally {
    await writer.close();
  }
  return report;
}

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readLedger } from '../ledger/read-ledger.js';

/** Events whose first word is a message. */
const OF_MESSAGES = new Set(
  'attempt again confirm rolled-back publish copy copied refuse return deliver redeliver ack drop requeue start effect fail corrupt row parked dead left spoilt headerless'.split(
    ' ',
  ),
);

/** All that any ledger says of some messages, in order of time, each line with the name of its ledger. */
export async function historiesOf(folder: string, numbers: ReadonlySet<number>): Promise<Map<number, string[]>> {
  const found: { readonly n: number; readonly at: number; readonly text: string }[] = [];
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.log'))) {
    for await (const lines of readLedger(join(folder, name))) {
      for (const { at, wallAt, event, words } of lines) {
        const n = Number(words[0]);
        if (!OF_MESSAGES.has(event) || !numbers.has(n)) continue;
        const text = `${new Date(wallAt).toISOString()} ${name.replace('.log', '')}: ${event} ${words.join(' ')}`;
        found.push({ n, at, text });
      }
    }
  }
  found.sort((left, right) => left.at - right.at);
  const histories = new Map<number, string[]>();
  for (const { n, text } of found) histories.set(n, [...(histories.get(n) ?? []), text]);
  return histories;
}

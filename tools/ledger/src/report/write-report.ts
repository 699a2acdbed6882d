import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { historiesOf } from '../checker/history.js';
import type { RunReport } from '../run/run-ledger.js';
import { pageOf } from './page.js';

/** Whole histories that are printed; all of them are in the page and in a file. */
const PRINTED = 3;

/**
 * Writes the report of a run as JSON and as a page, and where invariants are broken the histories of all messages that show it.
 */
export async function writeReport(
  report: RunReport,
  ledgers: string,
  { out, keepLedgers }: { readonly out: string; readonly keepLedgers: boolean },
): Promise<void> {
  mkdirSync(out, { recursive: true });
  const { subject, row, version, nodes, seed, rate, verdict } = report;
  const name = `${report.group ? `group-${rate}-` : ''}${subject}-${row}-${version}${nodes > 1 ? `-x${nodes}` : ''}-${seed}`;
  const numbers = new Set(verdict.violations.flatMap(({ n }) => (n === undefined ? [] : [n])));
  const histories = numbers.size === 0 ? new Map<number, string[]>() : await historiesOf(ledgers, numbers);
  const texts = [...histories].map(([n, lines]) => `m${n}\n  ${lines.join('\n  ')}\n`);
  for (const text of texts.slice(0, PRINTED)) console.log(text);
  const files = [join(out, `${name}.json`), join(out, `${name}.html`)];
  if (keepLedgers) {
    report.ledgers = join(out, name);
    mkdirSync(report.ledgers, { recursive: true });
    for (const file of readdirSync(ledgers)) copyFileSync(join(ledgers, file), join(report.ledgers, file));
    if (texts.length > 0) writeFileSync(join(report.ledgers, 'histories.txt'), texts.join('\n'));
    files.push(report.ledgers);
  }
  writeFileSync(files[0] as string, `${JSON.stringify(report)}\n`);
  writeFileSync(files[1] as string, pageOf(report, histories));
  for (const file of files) console.log(file);
}

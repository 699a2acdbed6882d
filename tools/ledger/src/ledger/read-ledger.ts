import { createReadStream } from 'node:fs';
import { type LedgerLine, parseLine } from './ledger-line.js';

/** Reads a ledger line by line; however long it is, only a piece of it is in memory. */
export async function* readLedger(path: string): AsyncGenerator<readonly LedgerLine[]> {
  let rest = '';
  for await (const chunk of createReadStream(path, { encoding: 'latin1', highWaterMark: 1 << 18 })) {
    const texts = (rest + chunk).split('\n');
    rest = texts.pop() ?? '';
    const lines: LedgerLine[] = [];
    for (const text of texts) {
      const line = parseLine(text);
      if (line !== undefined) lines.push(line);
    }
    yield lines;
  }
}

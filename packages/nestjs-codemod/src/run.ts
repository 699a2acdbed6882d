import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transform } from './transform.js';

/** Where lines go. */
export interface Output {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
}

const USAGE = `Usage: leveret-nestjs-codemod [--write] [--alias] <files and folders>

Turns handlers of @golevelup/nestjs-rabbitmq into those of leveret. Without --write it only says what it would do.

  --write   change the files
  --alias   only the import, to @leveret/nestjs/golevelup: everything else stays as it is

What has no counterpart stays as it is, on @leveret/nestjs/golevelup, and is told. A second run changes nothing.`;

/** The command. Answers its exit code: 0, or 2 when it was called wrongly or a file could not be read. */
export function run(args: readonly string[], { out, err }: Output): number {
  const flags = args.filter((each) => each.startsWith('-'));
  const paths = args.filter((each) => !each.startsWith('-'));
  if (flags.includes('--help') || flags.includes('-h')) {
    out(USAGE);
    return 0;
  }
  const unknown = flags.filter((each) => each !== '--write' && each !== '--alias');
  if (unknown.length > 0 || paths.length === 0) {
    err(unknown.length > 0 ? `unknown: ${unknown.join(', ')}\n\n${USAGE}` : USAGE);
    return 2;
  }
  const write = flags.includes('--write');
  const totals = { changed: 0, notes: 0, failed: 0 };
  for (const file of filesIn(paths, err)) {
    try {
      const result = changeFile(file, { write, alias: flags.includes('--alias') }, out);
      if (result === undefined) continue;
      totals.changed += 1;
      totals.notes += result;
    } catch (error) {
      totals.failed += 1;
      err(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const { changed, notes, failed } = totals;
  const files = `${changed} ${changed === 1 ? 'file' : 'files'} ${write ? 'changed' : 'would be changed'}`;
  out(`${files}, ${notes} to look at${write || changed === 0 ? '' : '. Do it with --write'}`);
  return failed > 0 ? 2 : 0;
}

/** Answers how many notes there are; `undefined` when there is nothing to change. */
function changeFile(
  file: string,
  { write, alias }: { readonly write: boolean; readonly alias: boolean },
  out: Output['out'],
): number | undefined {
  const source = readFileSync(file, 'utf8');
  const result = transform(source, { alias });
  if (!result.changed) return undefined;
  out(`${write ? 'changed' : 'would change'} ${file}`);
  for (const line of changedLines(source, result.code)) out(`  ${line}`);
  for (const { line, text } of result.notes) out(`  ${file}:${line} ${text}`);
  if (write) writeFileSync(file, result.code);
  return result.notes.length;
}

function filesIn(paths: readonly string[], err: (line: string) => void): readonly string[] {
  return paths.flatMap((path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) {
      err(`${path}: there is no such file or folder`);
      return [];
    }
    if (!found.isDirectory()) return [path];
    return readdirSync(path, { recursive: true, encoding: 'utf8' })
      .map((name) => join(path, name))
      .filter((name) => /\.[cm]?tsx?$/.test(name) && !/\.d\.[cm]?ts$/.test(name) && !name.includes('node_modules'))
      .sort();
  });
}

/** The lines that are only in one of two texts, in the order of the text: `- old`, `+ new`. */
export function changedLines(before: string, after: string): readonly string[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  // Longest common subsequence, by rows from the end: files of handlers are short.
  const width = now.length + 1;
  const common = new Uint32Array((old.length + 1) * width);
  const at = (row: number, column: number): number => common[row * width + column] ?? 0;
  for (let row = old.length - 1; row >= 0; row--) {
    for (let column = now.length - 1; column >= 0; column--) {
      common[row * width + column] =
        old[row] === now[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const lines: string[] = [];
  for (let [row, column] = [0, 0]; row < old.length || column < now.length; ) {
    if (row < old.length && column < now.length && old[row] === now[column]) {
      row += 1;
      column += 1;
    } else if (column === now.length || (row < old.length && at(row + 1, column) >= at(row, column + 1))) {
      lines.push(`- ${old[row++]}`);
    } else {
      lines.push(`+ ${now[column++]}`);
    }
  }
  return lines;
}

import { parse } from '@babel/parser';
import MagicString from 'magic-string';
import { convertConnections } from './convert-connection.js';
import { convertHandlers } from './convert-handler.js';
import { readImport, writeImports } from './imports.js';
import { type Node, walk } from './syntax.js';
import type { Range, Work } from './work.js';

/** Where handlers come from. */
export const GOLEVELUP = '@golevelup/nestjs-rabbitmq';

/** What is to be done. */
export interface CodemodOptions {
  /**
   * Only the import: everything else stays as it is, and comes from `@leveret/nestjs/golevelup`. Default `false`: what can be is
   * turned into the names of leveret.
   */
  readonly alias?: boolean;
}

/** Something that a person should look at. */
export interface CodemodNote {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** What became of a source. */
export interface CodemodResult {
  readonly code: string;
  readonly changed: boolean;
  readonly notes: readonly CodemodNote[];
}

/**
 * Turns the source of a TypeScript file that uses golevelup into one that uses leveret. A source that does not is left as it is: a
 * second run changes nothing.
 * @throws {SyntaxError} when the source cannot be read
 */
export function transform(source: string, options: CodemodOptions = {}): CodemodResult {
  if (!source.includes(GOLEVELUP)) return { code: source, changed: false, notes: [] };
  const program = parse(source, {
    sourceType: 'module',
    plugins: ['typescript', 'decorators-legacy', 'explicitResourceManagement'],
  }).program as unknown as Node;
  const imported = readImport(program, GOLEVELUP);
  if (imported === undefined) return { code: source, changed: false, notes: [] };
  const notes: CodemodNote[] = [];
  const replaced: Range[] = [];
  const edit = new MagicString(source);
  const work: Work = {
    source,
    edit,
    replace(range, text) {
      replaced.push(range);
      edit.overwrite(range.start, range.end, text);
    },
    imported,
    needs: { leveret: new Set(), nest: new Set(), alias: new Set() },
    note: ({ loc }, text) => notes.push({ line: loc.start.line, text }),
  };
  if (options.alias !== true) {
    convertHandlers(program, work);
    convertConnections(program, work);
  }
  keepRest(program, work, replaced);
  writeImports(program, work);
  return { code: work.edit.toString(), changed: true, notes: notes.sort((one, other) => one.line - other.line) };
}

/** What is still used comes from the alias. */
function keepRest(program: Node, { imported, needs }: Work, replaced: readonly Range[]): void {
  walk(program, (node) => {
    if (node.type === 'ImportDeclaration') return false;
    if (node.type !== 'Identifier') return true;
    const name = imported.names.get(node['name'] as string);
    // What was replaced is not there any more.
    const isGone = replaced.some(({ start, end }) => start <= node.start && node.end <= end);
    if (name !== undefined && !isGone) needs.alias.add(name);
    return true;
  });
}

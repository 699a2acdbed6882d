import type { Imported } from './imported.js';
import { isNode, type Node, nameOf } from './syntax.js';
import type { Work } from './work.js';

/** What a program imports from a package; `undefined` when nothing. */
export function readImport(program: Node, from: string): Imported | undefined {
  const declarations = (program['body'] as Node[]).filter(
    (node) => node.type === 'ImportDeclaration' && (node['source'] as Node)['value'] === from,
  );
  if (declarations.length === 0) return undefined;
  const names = new Map<string, string>();
  for (const declaration of declarations) {
    for (const specifier of declaration['specifiers'] as Node[]) {
      const [local, exported] = [nameOf(specifier['local']), nameOf(specifier['imported'])];
      if (local !== undefined && exported !== undefined) names.set(local, exported);
    }
  }
  return { declarations, names };
}

const LEVERET = 'leveret';
const NEST = '@leveret/nestjs';
const ALIAS = '@leveret/nestjs/golevelup';

/** Puts imports of what is needed in the place of those from golevelup. */
export function writeImports(program: Node, { source, edit, imported, needs }: Work): void {
  const [first, ...others] = imported.declarations;
  if (first === undefined) return;
  const quote = source.charAt((first['source'] as Node).start);
  const isWhole = imported.declarations.every((each) => (each['specifiers'] as Node[]).every(isNamed));
  const stays = needs.leveret.size === 0 && needs.nest.size === 0;
  // Formatting, comments and types stay where nothing is taken away.
  if (stays || !isWhole) {
    for (const each of imported.declarations) {
      const { start, end } = each['source'] as Node;
      edit.overwrite(start, end, quote + ALIAS + quote);
    }
  }
  const added = [
    [LEVERET, without(needs.leveret, program, LEVERET)],
    [NEST, without(needs.nest, program, NEST)],
    ...(stays || !isWhole ? [] : [[ALIAS, aliased(imported, needs.alias)] as const]),
  ] as const;
  const lines = added
    .filter(([, names]) => names.length > 0)
    .map(([from, names]) => `import { ${names.join(', ')} } from ${quote}${from}${quote};`);
  if (stays || !isWhole) {
    if (lines.length > 0) edit.appendLeft(first.start, `${lines.join('\n')}\n`);
    return;
  }
  for (const each of others) edit.remove(each.start, each.end + (source.charAt(each.end) === '\n' ? 1 : 0));
  if (lines.length > 0) edit.overwrite(first.start, first.end, lines.join('\n'));
  else edit.remove(first.start, first.end + (source.charAt(first.end) === '\n' ? 1 : 0));
}

function isNamed(specifier: Node): boolean {
  return specifier.type === 'ImportSpecifier';
}

/** With the names that they have in the file. */
function aliased({ names }: Imported, wanted: ReadonlySet<string>): readonly string[] {
  return [...names]
    .filter(([, exported]) => wanted.has(exported))
    .map(([local, exported]) => (local === exported ? local : `${exported} as ${local}`));
}

/** Those that are not imported yet. */
function without(wanted: ReadonlySet<string>, program: Node, from: string): readonly string[] {
  const known = readImport(program, from)?.names ?? new Map<string, string>();
  return [...wanted].filter((name) => known.get(name) !== name).sort();
}

/** Whether another thing of that name is in the file already. */
export function isTaken(program: Node, name: string, from: string): boolean {
  const imported = (program['body'] as Node[]).filter((node) => node.type === 'ImportDeclaration');
  return imported.some(
    (node) =>
      (node['source'] as Node)['value'] !== from &&
      (node['specifiers'] as Node[]).some((each) => isNode(each) && nameOf(each['local']) === name),
  );
}

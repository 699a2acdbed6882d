/**
 * The public names of each package against its committed api.md: a name that appears, goes or changes between value and
 * type is then a visible line of the change, not an accident. `node tools/scripts/check-exports.mjs --write` renews the lists.
 * They are read from src/index.ts, and from the file of each further door such as src/adapters.ts, which only re-export by name:
 * TypeScript 7 has no compiler API in JavaScript.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { code, conclude, exists, read, root, workspaces } from './sources.mjs';

const write = process.argv.includes('--write');
const STATEMENT = /export\s+(type\s+)?\{([^}]*)\}\s*from\s*['"][^'"]+['"]\s*;/g;
const faults = [];
let count = 0;

/** The names of an index.ts, sorted: `Map { 'Leveret' => 'value', 'LeveretOptions' => 'type' }`. */
function publicNames(index, text) {
  const names = new Map();
  // What is left once every re-export by name is taken away must be nothing: no `export *`, no code.
  const rest = code(text).replace(STATEMENT, (_, type, list) => {
    for (const item of list.split(',').map((part) => part.trim())) {
      if (item === '') continue;
      const kind = type !== undefined || item.startsWith('type ') ? 'type' : 'value';
      const name = item
        .replace(/^type\s+/, '')
        .split(/\s+as\s+/)
        .at(-1);
      if (names.has(name)) faults.push(`${index} exports ${name} twice`);
      names.set(name, kind);
    }
    return '';
  });
  for (const statement of rest.split(';').map((part) => part.trim().replace(/\s+/g, ' '))) {
    // An index that has nothing to export yet, and an import for its effect, are no public names.
    if (['', 'export {}'].includes(statement) || /^import ['"][^'"]+['"]$/.test(statement)) continue;
    faults.push(`${index}: expected only 'export { … } from', received '${statement.slice(0, 80)}'`);
  }
  return new Map([...names].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function page(name, names) {
  const list = (kind) => [...names].filter(([, of]) => of === kind).map(([each]) => `- \`${each}\``);
  const section = (title, lines) => (lines.length === 0 ? [] : ['', `## ${title}`, '', ...lines]);
  const intro = [
    `# Public names of ${name}`,
    '',
    'Written by `node tools/scripts/check-exports.mjs --write`; the test command compares.',
  ];
  return `${[...intro, ...section('Values', list('value')), ...section('Types', list('type'))].join('\n')}\n`;
}

function listed(text) {
  const names = new Map();
  let kind = 'value';
  for (const line of text.split('\n')) {
    if (line.startsWith('## ')) kind = line === '## Types' ? 'type' : 'value';
    const name = /^- `(.+)`$/.exec(line)?.[1];
    if (name !== undefined) names.set(name, kind);
  }
  return names;
}

for (const home of workspaces('packages')) {
  const { name, exports = {} } = JSON.parse(read(`${home}/package.json`));
  // Its doors: `.` is src/index.ts, and `./adapters` is src/adapters.ts. What is no module, such as a schema, or is read by a
  // tool, such as the preset of Jest in CommonJS, has no names.
  const doors = Object.keys(exports).filter(
    (door) => door !== '.' && !door.endsWith('.json') && !exports[door].default?.endsWith('.cjs'),
  );
  for (const door of ['.', ...doors]) checkDoor(home, name, door);
}

function checkDoor(home, packageName, door) {
  const title = door === '.' ? 'index' : door.slice('./'.length);
  const index = `${home}/src/${title}.ts`;
  if (!exists(index)) {
    faults.push(`${index} is missing`);
    return;
  }
  const names = publicNames(index, read(index));
  count += names.size;
  const list = door === '.' ? `${home}/api.md` : `${home}/api-${title}.md`;
  if (write) {
    writeFileSync(join(root, list), page(door === '.' ? packageName : `${packageName}/${title}`, names));
    return;
  }
  const known = exists(list) ? listed(read(list)) : new Map();
  for (const [name, kind] of names) {
    if (known.get(name) !== kind) faults.push(`${list} does not list ${name} as a ${kind}`);
  }
  for (const name of known.keys())
    if (!names.has(name)) faults.push(`${list} lists ${name}, which ${index} does not export`);
}

if (faults.length > 0) faults.push("if the change is meant: 'node tools/scripts/check-exports.mjs --write'");
conclude(`public names (${count})`, faults);

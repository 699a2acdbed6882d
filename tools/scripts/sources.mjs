/** What the checks share: the packages of the project, their files, what a file imports, and how a check ends. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the clone, or of `LEVERET_ROOT`, by which a check is tried on a broken copy. */
export const root = resolve(process.env.LEVERET_ROOT ?? fileURLToPath(new URL('../..', import.meta.url)));

const OUTPUT = new Set([
  'node_modules',
  'dist',
  'dist-test',
  'dist-page',
  'dist-package',
  'coverage',
  '.brokers',
  '.nx',
  '.git',
]);

/** Text of a file named from the root. */
export function read(path) {
  return readFileSync(join(root, path), 'utf8');
}

export function exists(path) {
  return existsSync(join(root, path));
}

/** Folders right under `folder` that have a package.json, sorted: `['packages/core', …]`. */
export function workspaces(folder) {
  if (!exists(folder)) return [];
  return readdirSync(join(root, folder))
    .map((name) => `${folder}/${name}`)
    .filter((path) => exists(`${path}/package.json`))
    .sort();
}

/** Files under `folder` whose path matches, as paths from the root with slashes; build output is left out. */
export function files(folder, pattern, leaveOut = OUTPUT) {
  const found = [];
  const walk = (path) => {
    if (!existsSync(path)) return;
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const child = join(path, entry.name);
      if (entry.isDirectory() && !leaveOut.has(entry.name)) walk(child);
      else if (entry.isFile() && pattern.test(entry.name)) found.push(relative(root, child).split(sep).join('/'));
    }
  };
  walk(join(root, folder));
  return found.sort();
}

/** Whether a file only serves tests: `x.test.ts` beside its source, or anything in `test/` or `src/test-support/`. */
export function isTest(file) {
  return /\.test\.[cm]?[jt]sx?$/.test(file) || /^packages\/[^/]+\/(test|src\/test-support)\//.test(file);
}

const TOKENS = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;

/** The text without comments and without the inside of templates, where an `import` is only an example. */
export function code(text) {
  return text.replace(TOKENS, (token) => {
    if (token.startsWith('/*') || token.startsWith('//')) return ' ';
    return token.startsWith('`') ? '``' : token;
  });
}

const IMPORTS =
  /\b(?:import|export)\b[^;'"`]*?\bfrom\s*['"]([^'"]+)['"]|(?<![-'"])\b(?:import|require)\s*\(?\s*['"]([^'"]+)['"]/g;

/** What a file imports, in order: static, for side effects, by `import()`, by `require()` and in types. */
export function importsOf(text) {
  return [...code(text).matchAll(IMPORTS)].map((match) => match[1] ?? match[2]);
}

/** `@leveret/core/internal` → `@leveret/core`; `inversify/lib` → `inversify`. */
export function packageOf(specifier) {
  const parts = specifier.split('/');
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}

/** Prints each fault, or one line on what was checked, and sets the exit code. */
export function conclude(checked, faults) {
  for (const fault of faults) console.error(`  ${fault}`);
  if (faults.length === 0) console.log(`ok: ${checked}`);
  else {
    console.error(`${faults.length} fault${faults.length === 1 ? '' : 's'} in ${checked}`);
    process.exitCode = 1;
  }
}

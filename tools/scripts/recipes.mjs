/**
 * The recipes for drivers and mappers (docs/recipes.md): a project of its own, so that nobody else installs what it needs.
 *
 *   node tools/scripts/recipes.mjs          installs and builds it where that is stale, and runs its tests
 *   node tools/scripts/recipes.mjs --write  copies the recipes into their page
 *
 * Also a step of the test command: `npm test -- recipes`.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whyStale } from './prepare.mjs';
import { runMocha } from './run-mocha.mjs';
import { probeServices } from './services.mjs';
import { files, root } from './sources.mjs';

const PAGE = 'docs/recipes.md';
/** A code block, and the file that it shows. */
const BLOCK = /<!-- (tools\/recipes\/src\/[\w-]+\.ts) -->\n```ts\n[\s\S]*?```\n/g;

/** Runs the tests of the recipes; skips them where what they need cannot be installed, and fails there with CI=true. */
export async function runRecipes(env) {
  const stale = pageWithSources() !== read(PAGE);
  if (stale) console.error(`${PAGE} differs from the recipes: run node tools/scripts/recipes.mjs --write`);
  const failed = stale ? 1 : 0;
  const problem = install();
  if (problem !== undefined) {
    console.log(`missing: ${problem}`);
    return { passed: 0, failed: failed + (process.env.CI === 'true' ? 1 : 0), skipped: 1 };
  }
  const built = run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tools/recipes']);
  if (!built) return { passed: 0, failed: failed + 1, skipped: 0 };
  const result = await runMocha({ specs: files('tools/recipes/dist', /\.test\.js$/, new Set()), env });
  return { ...result, failed: result.failed + failed };
}

/** Installs what differs from the lock file; returns why it could not be. */
function install() {
  const why = whyStale('tools/recipes');
  if (why === undefined) return undefined;
  console.log(`> npm ci in tools/recipes (${why})`);
  const done = run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: join(root, 'tools/recipes'), timeout: 300_000 });
  return done ? undefined : 'what the recipes need could not be installed';
}

function run(command, args, options = {}) {
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell: command === 'npm' && process.platform === 'win32',
    ...options,
  });
  return status === 0;
}

/** The page with every code block as its file is now. */
function pageWithSources() {
  return read(PAGE).replace(BLOCK, (_block, file) => `<!-- ${file} -->\n\`\`\`ts\n${read(file)}\`\`\`\n`);
}

function read(file) {
  return readFileSync(join(root, file), 'utf8');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--write')) {
    writeFileSync(join(root, PAGE), pageWithSources());
  } else {
    const { passed, failed, skipped } = await runRecipes((await probeServices()).env);
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
    process.exitCode = failed > 0 ? 1 : 0;
  }
}

/**
 * Runs the situations of src/situations.ts under compilers, decorator modes and runtimes, each in a process of its own, and
 * the small service of projects/ as the projects of people build, run and test it, from what is published (projects.mjs).
 *
 *   node tools/runtimes/run.mjs            all of them; installs compilers and runtimes where that is needed (about 700 MB)
 *   node tools/runtimes/run.mjs --quick    what needs nothing but what leveret is built with
 *   node tools/runtimes/run.mjs bun deno   those whose name holds one of these words
 */
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whyStale } from '../scripts/prepare.mjs';
import { assemblePackages, PROJECTS, projectFault } from './projects.mjs';

const home = fileURLToPath(new URL('./', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const here = createRequire(join(home, 'package.json'));
const src = join(home, 'src');
const dist = join(home, 'dist');
/** Fewer would mean that situations got lost. */
const LEAST_SITUATIONS = 40;
const LIMIT_MS = 180_000;

/** What can be declared with each kind of decorators. */
const WAYS = { legacy: ['legacy'], standard: ['standard', 'functions'], plain: ['functions'] };

/** Each makes a folder with programs, and says how to run one of them. `undefined`: it cannot be had on this machine. */
const TOOLCHAINS = [
  { name: 'tsc', decorators: 'legacy', quick: true, make: () => compiledByTsc('legacy') },
  { name: 'tsc', decorators: 'standard', quick: true, make: () => compiledByTsc('standard') },
  { name: 'esbuild', decorators: 'legacy', quick: true, make: () => compiledByEsbuild('legacy') },
  { name: 'esbuild', decorators: 'standard', quick: true, make: () => compiledByEsbuild('standard') },
  { name: 'swc', decorators: 'legacy', make: () => compiledBySwc('legacy') },
  { name: 'swc', decorators: 'standard', make: () => compiledBySwc('standard') },
  { name: 'Node 22, type stripping', decorators: 'plain', make: () => typesStripped('node22') },
  { name: 'Node 24, type stripping', decorators: 'plain', make: () => typesStripped('node24') },
  { name: 'Bun', decorators: 'legacy', make: () => runByBun('legacy') },
  { name: 'Bun', decorators: 'standard', make: () => runByBun('standard') },
  { name: 'Deno', decorators: 'legacy', make: () => runByDeno('legacy') },
  { name: 'Deno', decorators: 'standard', make: () => runByDeno('standard') },
];

/** Runs what is asked for. Answers how many programs passed and failed, and prints a line for each. */
export async function runRuntimes(words = [], quick = false) {
  const isWanted = (each) => {
    const name = nameOf(each).toLowerCase();
    return (!quick || each.quick) && (words.length === 0 || words.some((word) => name.includes(word.toLowerCase())));
  };
  const wanted = TOOLCHAINS.filter(isWanted);
  const projects = PROJECTS.filter(isWanted);
  const totals = { passed: 0, failed: 0, skipped: 0 };
  if (!quick) install();
  const programs = [];
  for (const toolchain of wanted) {
    const program = toolchain.make();
    if (program === undefined) {
      console.log(
        `skipped: ${nameOf(toolchain)}, for there is no binary of it for ${process.platform} ${process.arch}`,
      );
      totals.skipped += 1;
      continue;
    }
    for (const way of WAYS[toolchain.decorators]) programs.push({ name: nameOf(toolchain), way, program });
  }
  if (projects.length > 0) await assemblePackages();
  const tasks = [
    ...programs.map((each) => () => passes(each.name, each.way, each.program)),
    ...projects.map((each) => () => projectPasses(each)),
  ];
  const next = async () => {
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
      if (await task()) totals.passed += 1;
      else totals.failed += 1;
    }
  };
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, next));
  return totals;
}

function nameOf({ name, decorators }) {
  return decorators === undefined || decorators === 'plain' ? name : `${name}, ${decorators} decorators`;
}

async function projectPasses(project) {
  const began = performance.now();
  const fault = await projectFault(project, nodeOf);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  if (fault === undefined) console.log(`ok: project: ${project.name} in ${seconds} s`);
  else console.error(`failed: project: ${project.name}: ${fault}`);
  return fault === undefined;
}

/** The binary of a Node, if it can be had on this machine. */
function nodeOf(version) {
  return version === 'own' ? process.execPath : binary(`${version}-${process.platform}-${process.arch}/bin/node`);
}

async function passes(name, way, { command, args = [], folder, extension, env = {} }) {
  const began = performance.now();
  const file = join(folder, `${way}.main${extension}`);
  const options = { cwd: folder, timeout: LIMIT_MS, env: { ...process.env, ...env }, maxBuffer: 10_000_000 };
  const { status, stdout, stderr } = await new Promise((resolve) => {
    execFile(command, [...args, file], options, (error, out, err) =>
      resolve({ status: error === null ? 0 : (error.code ?? error.signal), stdout: out, stderr: err }),
    );
  });
  const result = resultIn(stdout);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const fault = faultOf(status, result, way);
  if (fault === undefined) {
    console.log(`ok: ${name}: ${way}: ${result.passed} situations in ${seconds} s`);
    return true;
  }
  console.error(`failed: ${name}: ${way}: ${fault}\n${stdout}${stderr}`);
  return false;
}

function resultIn(stdout) {
  try {
    return JSON.parse((stdout ?? '').trim().split('\n').at(-1));
  } catch {
    return undefined;
  }
}

function faultOf(status, result, way) {
  if (result === undefined) return `it ended with ${status}, and said nothing`;
  if (result.failed.length > 0) return `${result.failed.length} situations failed`;
  if (result.passed < LEAST_SITUATIONS) return `only ${result.passed} situations of ${LEAST_SITUATIONS}`;
  if (result.metadata !== (way === 'legacy')) return `reflect-metadata was ${result.metadata ? '' : 'not '}loaded`;
  return status === 0 ? undefined : `it ended with ${status}`;
}

/** Compilers and runtimes, by the lock file. */
function install() {
  const why = whyStale('tools/runtimes');
  if (why === undefined) return;
  console.log(`> npm ci in tools/runtimes (${why})`);
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: home,
    stdio: 'inherit',
    timeout: 600_000,
  });
  if (status !== 0) throw new Error('the compilers and runtimes could not be installed');
}

function fresh(name) {
  const folder = join(dist, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The sources that a kind of decorators can compile. */
function sourcesFor(decorators) {
  const others = { legacy: ['standard'], standard: ['legacy'], plain: ['legacy', 'standard'] }[decorators];
  return readdirSync(src).filter((file) => !others.some((other) => file.startsWith(`${other}.`)));
}

function compiledByTsc(decorators) {
  const folder = fresh(`tsc-${decorators}`);
  const project = join(home, decorators === 'legacy' ? 'tsconfig.json' : 'tsconfig.standard.json');
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  run(process.execPath, [tsc, '-p', project]);
  return { command: process.execPath, folder, extension: '.js' };
}

function compiledByEsbuild(decorators) {
  const { transformSync } = createRequire(join(root, 'package.json'))('esbuild');
  return compiled(`esbuild-${decorators}`, decorators, (code) => {
    const tsconfigRaw = { compilerOptions: { experimentalDecorators: decorators === 'legacy' } };
    return transformSync(code, { loader: 'ts', format: 'esm', target: 'es2022', tsconfigRaw }).code;
  });
}

function compiledBySwc(decorators) {
  const { transformSync } = here('@swc/core');
  const isLegacy = decorators === 'legacy';
  return compiled(`swc-${decorators}`, decorators, (code, filename) => {
    const transform = isLegacy ? { legacyDecorator: true, decoratorMetadata: true } : { decoratorVersion: '2023-11' };
    const parser = { syntax: 'typescript', decorators: true };
    const jsc = { parser, transform, target: 'es2022', keepClassNames: true };
    return transformSync(code, { filename, jsc, module: { type: 'es6' }, swcrc: false }).code;
  });
}

/** Compiles file by file; what imports a .ts file is to import the compiled one. */
function compiled(name, decorators, transform) {
  const folder = fresh(name);
  for (const file of sourcesFor(decorators)) {
    const code = transform(readFileSync(join(src, file), 'utf8'), file);
    writeFileSync(
      join(folder, file.replace(/\.ts$/, '.js')),
      code.replaceAll(/(from\s*["']\.\/[\w.-]+)\.ts(["'])/g, '$1.js$2'),
    );
  }
  return { command: process.execPath, folder, extension: '.js' };
}

function typesStripped(version) {
  const command = nodeOf(version);
  return command && { command, args: ['--disable-warning=ExperimentalWarning'], folder: src, extension: '.ts' };
}

/** The sources in a folder with the settings of a runtime, which reads TypeScript itself. */
function sourcesIn(name, decorators, settings) {
  const folder = fresh(name);
  for (const file of sourcesFor(decorators)) cpSync(join(src, file), join(folder, file));
  for (const [file, content] of Object.entries(settings)) writeFileSync(join(folder, file), JSON.stringify(content));
  return folder;
}

function runByBun(decorators) {
  const arch = process.arch === 'arm64' ? 'aarch64' : process.arch;
  const command = binary(`@oven/bun-${process.platform}-${arch}/bin/bun`);
  if (command === undefined) return undefined;
  const compilerOptions = decorators === 'legacy' ? { experimentalDecorators: true, emitDecoratorMetadata: true } : {};
  const folder = sourcesIn(`bun-${decorators}`, decorators, { 'tsconfig.json': { compilerOptions } });
  return { command, args: ['run'], folder, extension: '.ts' };
}

function runByDeno(decorators) {
  const libc = process.platform === 'linux' ? '-glibc' : '';
  const command = binary(`@deno/${process.platform}-${process.arch}${libc}/deno`);
  if (command === undefined) return undefined;
  const compilerOptions = decorators === 'legacy' ? { experimentalDecorators: true, emitDecoratorMetadata: true } : {};
  const settings = { 'deno.json': { compilerOptions, nodeModulesDir: 'manual' } };
  const folder = sourcesIn(`deno-${decorators}`, decorators, settings);
  const args = ['run', '--allow-all', '--no-lock'];
  return { command, args, folder, extension: '.ts', env: { DENO_NO_UPDATE_CHECK: '1' } };
}

function binary(path) {
  const file = join(home, 'node_modules', path);
  return existsSync(file) ? file : undefined;
}

function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', timeout: LIMIT_MS });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const words = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
  const { passed, failed, skipped } = await runRuntimes(words, process.argv.includes('--quick'));
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exitCode = failed > 0 ? 1 : 0;
}

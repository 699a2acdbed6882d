/**
 * One small service, as the projects of people build, run and test it: each from the packages as they are published, with a
 * manifest, settings and a compiler of its own. `run.mjs` calls it.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const home = fileURLToPath(new URL('./', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const sources = join(home, 'projects');
/** Above it: the published packages in `node_modules`; above them: what tools/runtimes installs, and what leveret depends on. */
const yard = join(home, 'dist/projects');
const LIMIT_MS = 120_000;
const PACKAGES = ['@leveret/core', '@leveret/amqplib', 'leveret', '@leveret/broker', '@leveret/testing'];

const TSC7 = join(root, 'node_modules/typescript/bin/tsc');
const TSC5 = join(home, 'node_modules/typescript/bin/tsc');
const ESBUILD = join(root, 'node_modules/esbuild/bin/esbuild');
const bin = (path) => join(home, 'node_modules', path);

/** The settings of the README, and what a project says besides. */
const SETTINGS = {
  target: 'ES2022',
  module: 'NodeNext',
  types: ['node'],
  strict: true,
  skipLibCheck: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
};
const tsconfig = (compilerOptions = {}) => ({
  compilerOptions: { ...SETTINGS, rootDir: '.', outDir: 'out', ...compilerOptions },
  include: ['*.ts'],
});
const SWC = {
  parser: { syntax: 'typescript', decorators: true },
  transform: { legacyDecorator: true, decoratorMetadata: true },
  target: 'es2022',
  keepClassNames: true,
};
/** What amqplib's `require('net')` asks for in a bundle of ES modules. */
const BANNER = `import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);`;

/**
 * `files`: what the project has besides the sources. `steps`: commands, the last of which runs the service or its tests.
 * `reflected`: whether the build leaves types of parameters. `compiled`: whether payload classes are read by compiled rules.
 */
export const PROJECTS = [
  {
    name: 'TypeScript 7, ESM',
    quick: true,
    type: 'module',
    reflected: true,
    files: { 'tsconfig.json': tsconfig({ skipLibCheck: false }) },
    steps: [[TSC7], ['out/main.js']],
  },
  {
    name: 'TypeScript 7, CommonJS',
    quick: true,
    type: 'commonjs',
    reflected: true,
    files: { 'tsconfig.json': tsconfig() },
    steps: [[TSC7], ['out/main.js']],
    nodes: ['node22', 'node24'],
  },
  {
    name: 'TypeScript 5.9, ESM',
    type: 'module',
    reflected: true,
    files: { 'tsconfig.json': tsconfig() },
    steps: [[TSC5], ['out/main.js']],
    nodes: ['node22', 'node24'],
  },
  {
    name: 'TypeScript 5.9, CommonJS, NodeNext',
    type: 'commonjs',
    reflected: true,
    files: { 'tsconfig.json': tsconfig() },
    steps: [[TSC5], ['out/main.js']],
  },
  {
    name: 'TypeScript 5.9, module commonjs, node10',
    type: 'commonjs',
    reflected: true,
    files: { 'tsconfig.json': tsconfig({ module: 'commonjs', moduleResolution: 'node10', esModuleInterop: true }) },
    steps: [[TSC5], ['out/main.js']],
  },
  {
    name: 'tsx',
    type: 'module',
    reflected: false,
    files: { 'tsconfig.json': tsconfig() },
    steps: [[bin('tsx/dist/cli.mjs'), 'main.ts']],
  },
  {
    name: 'tsx, CommonJS',
    type: 'commonjs',
    reflected: false,
    files: { 'tsconfig.json': tsconfig() },
    steps: [[bin('tsx/dist/cli.mjs'), 'main.ts']],
  },
  {
    name: 'esbuild, ESM bundle',
    compiled: false,
    quick: true,
    type: 'module',
    reflected: false,
    files: { 'tsconfig.json': tsconfig() },
    steps: [
      [
        ESBUILD,
        'main.ts',
        '--bundle',
        '--platform=node',
        '--format=esm',
        '--keep-names',
        `--banner:js=${BANNER}`,
        '--outfile=out/main.mjs',
      ],
      ['out/main.mjs'],
    ],
  },
  {
    name: 'esbuild, ESM bundle, minified',
    compiled: false,
    type: 'module',
    reflected: false,
    files: { 'tsconfig.json': tsconfig() },
    steps: [
      [
        ESBUILD,
        'main.ts',
        '--bundle',
        '--minify',
        '--platform=node',
        '--format=esm',
        '--keep-names',
        `--banner:js=${BANNER}`,
        '--outfile=out/main.mjs',
      ],
      ['out/main.mjs'],
    ],
  },
  {
    name: 'esbuild, CommonJS bundle',
    compiled: false,
    type: 'commonjs',
    reflected: false,
    files: { 'tsconfig.json': tsconfig() },
    steps: [
      [ESBUILD, 'main.ts', '--bundle', '--platform=node', '--format=cjs', '--keep-names', '--outfile=out/main.cjs'],
      ['out/main.cjs'],
    ],
  },
  {
    name: 'esbuild, packages external',
    type: 'module',
    reflected: false,
    files: { 'tsconfig.json': tsconfig() },
    steps: [
      [
        ESBUILD,
        'main.ts',
        '--bundle',
        '--packages=external',
        '--platform=node',
        '--format=esm',
        '--outfile=out/main.mjs',
      ],
      ['out/main.mjs'],
    ],
  },
  {
    name: 'Vite 8, SSR build',
    type: 'module',
    reflected: true,
    files: {
      'tsconfig.json': tsconfig(),
      'vite.config.js': viteConfig(),
    },
    steps: [[bin('vite/bin/vite.js'), 'build', '--logLevel', 'warn'], ['out/main.js']],
  },
  {
    name: 'Vite 8, SSR build, everything bundled',
    compiled: false,
    type: 'module',
    reflected: true,
    files: {
      'tsconfig.json': tsconfig(),
      'vite.config.js': viteConfig({}, { noExternal: true }),
    },
    steps: [[bin('vite/bin/vite.js'), 'build', '--logLevel', 'warn'], ['out/main.js']],
  },
  {
    name: 'Vite 8, SSR build, minified',
    compiled: false,
    type: 'module',
    reflected: true,
    files: {
      'tsconfig.json': tsconfig(),
      'vite.config.js': viteConfig(
        { minify: true, rolldownOptions: { output: { keepNames: true } } },
        { noExternal: true },
      ),
    },
    steps: [[bin('vite/bin/vite.js'), 'build', '--logLevel', 'warn'], ['out/main.js']],
  },
  {
    name: 'vitest 5',
    type: 'module',
    reflected: true,
    node: 'node22',
    tests: true,
    files: {
      'tsconfig.json': tsconfig(),
      'vitest.config.js': `export default { test: { globals: true, include: ['service.test.ts'] } };\n`,
    },
    steps: [[bin('vitest/vitest.mjs'), 'run']],
  },
  {
    name: 'mocha, tsc',
    type: 'module',
    reflected: true,
    tests: true,
    files: { 'tsconfig.json': tsconfig() },
    steps: [[TSC7], [join(root, 'node_modules/mocha/bin/mocha.js'), 'out/service.test.js']],
  },
  {
    name: 'mocha, tsx',
    type: 'module',
    reflected: false,
    tests: true,
    env: { NODE_OPTIONS: '--import=tsx' },
    files: { 'tsconfig.json': tsconfig() },
    steps: [[join(root, 'node_modules/mocha/bin/mocha.js'), 'service.test.ts']],
  },
  {
    name: 'Jest 30, @swc/jest, CommonJS',
    type: 'commonjs',
    reflected: true,
    tests: true,
    files: jest({ '^.+\\.ts$': ['@swc/jest', { jsc: SWC, module: { type: 'commonjs' } }] }),
    steps: [[bin('jest/bin/jest.js'), '--ci']],
    nodes: ['node22', 'node24'],
  },
  {
    name: 'Jest 30, ts-jest, CommonJS',
    type: 'commonjs',
    reflected: true,
    tests: true,
    files: jest({ '^.+\\.ts$': ['ts-jest', {}] }),
    steps: [[bin('jest/bin/jest.js'), '--ci']],
  },
  {
    name: 'Jest 30, @swc/jest, ESM',
    type: 'module',
    reflected: true,
    tests: true,
    files: jestEsm({ '^.+\\.ts$': ['@swc/jest', { jsc: SWC, module: { type: 'es6' } }] }),
    steps: [['--experimental-vm-modules', bin('jest/bin/jest.js'), '--ci']],
    nodes: ['node22', 'node24'],
  },
  {
    name: 'Jest 30, ts-jest, ESM',
    type: 'module',
    reflected: true,
    tests: true,
    files: jestEsm({ '^.+\\.ts$': ['ts-jest', { useESM: true }] }),
    steps: [['--experimental-vm-modules', bin('jest/bin/jest.js'), '--ci']],
  },
];

function viteConfig(build = {}, ssr = {}) {
  const config = { ssr, build: { ssr: 'main.ts', outDir: 'out', target: 'node20', ...build } };
  return `export default ${JSON.stringify(config)};\n`;
}

/** Packages that are ES modules, in CommonJS: by the preset of @leveret/testing. */
function jest(transform) {
  return {
    'tsconfig.json': tsconfig({ isolatedModules: true }),
    'jest.config.json': {
      preset: '@leveret/testing',
      testMatch: ['<rootDir>/service.test.ts'],
      moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
      transform,
    },
  };
}

/** Node's own ES modules inside of Jest. */
function jestEsm(transform) {
  return {
    'tsconfig.json': tsconfig({ isolatedModules: true }),
    'jest.config.json': {
      testMatch: ['<rootDir>/service.test.ts'],
      extensionsToTreatAsEsm: ['.ts'],
      moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
      transform,
    },
  };
}

/** Puts the packages into the yard as they are published. */
export async function assemblePackages() {
  // Not above: in a fresh clone this file is read before anything is installed.
  const { assemble, publicPackages } = await import('../scripts/assemble.mjs');
  rmSync(yard, { recursive: true, force: true });
  const wanted = publicPackages().filter(({ manifest }) => PACKAGES.includes(manifest.name));
  const install = async (each) => {
    const folder = await assemble(each);
    cpSync(join(root, folder), join(yard, 'node_modules', each.manifest.name), { recursive: true });
  };
  await Promise.all(wanted.map(install));
}

/** Builds and runs one project. Answers what is wrong, or `undefined`; `nodeOf` gives the binary of `node22` or `node24`. */
export async function projectFault(project, nodeOf) {
  const first = project.node ?? 'own';
  if (nodeOf(first) === undefined) return `there is no ${first} for ${process.platform} ${process.arch}`;
  const folder = makeProject(project);
  for (const command of project.steps.slice(0, -1)) {
    const { fault } = await step(nodeOf(first), command, folder, project);
    if (fault !== undefined) return fault;
  }
  for (const version of [first, ...(project.nodes ?? [])]) {
    const node = nodeOf(version);
    if (node === undefined) continue;
    const { fault, stdout } = await step(node, project.steps.at(-1), folder, project);
    const wrong = fault ?? (project.tests ? undefined : wrongIn(stdout, project));
    if (wrong !== undefined) return `${version}: ${wrong}`;
  }
  return undefined;
}

function makeProject({ name, type, tests, files }) {
  const folder = join(yard, name.toLowerCase().replaceAll(/\W+/g, '-'));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const file of ['service.ts', tests ? 'service.test.ts' : 'main.ts']) {
    cpSync(join(sources, file), join(folder, file));
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'service', private: true, type }));
  for (const [file, content] of Object.entries(files)) {
    writeFileSync(join(folder, file), typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  }
  return folder;
}

async function step(node, args, cwd, project) {
  const env = {
    ...process.env,
    CI: 'true',
    EXPECT_REFLECTED: String(project.reflected),
    NODE_OPTIONS: '',
    FORCE_COLOR: '0',
    ...project.env,
  };
  // esbuild's is a binary.
  const isBinary = args[0] === ESBUILD;
  const [command, rest] = isBinary ? [args[0], args.slice(1)] : [node, args];
  try {
    const { stdout } = await promisify(execFile)(command, rest, { cwd, env, timeout: LIMIT_MS, maxBuffer: 10_000_000 });
    return { stdout };
  } catch (error) {
    return { fault: `${command} ${rest.join(' ')}\n${error.stdout ?? ''}${error.stderr ?? ''}${error.code ?? error}` };
  }
}

function wrongIn(stdout, { reflected, compiled = true }) {
  const expected = JSON.stringify({ id: 'PaidListener.onPaid', orders: [7], parked: 1, reflected, compiled });
  const received = stdout.trim().split('\n').at(-1);
  return received === expected ? undefined : `expected ${expected}, received ${stdout}`;
}

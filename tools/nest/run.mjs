/**
 * Builds and runs small applications of NestJS as people have them, on an embedded broker, and the application that comes from
 * golevelup, on RabbitMQ, too, where it is installed. Versions are pinned in nest11 and nest12, which are no workspaces.
 *
 *   node tools/nest/run.mjs              everything; installs NestJS 11 and 12 where that is needed (600 MB)
 *   node tools/nest/run.mjs --quick      two corners of the matrix
 *   node tools/nest/run.mjs golevelup    those whose name holds one of these words
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startNode, whyUnavailable } from '../scripts/brokers.mjs';
import { whyStale } from '../scripts/prepare.mjs';
import { TcpProxy } from '../scripts/tcp-proxy.mjs';

const home = fileURLToPath(new URL('./', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const LIMIT_MS = 120_000;
/** What applications import; other packages of leveret come with these. */
const PACKAGES = [
  '@leveret/core',
  '@leveret/amqplib',
  'leveret',
  '@leveret/nestjs',
  '@leveret/sql',
  '@leveret/broker',
  '@leveret/testing',
];

const MATRIX = ['nest11', 'nest12'].flatMap((nest) =>
  ['cjs', 'esm'].flatMap((module) =>
    ['express', 'fastify'].flatMap((http) =>
      ['tsc', 'swc'].map((compiler) => ({
        name: `${nest} ${module} ${http} ${compiler}`,
        nest,
        quick: ['nest11 cjs express swc', 'nest12 esm fastify tsc'].includes(`${nest} ${module} ${http} ${compiler}`),
        run: ({ url }) => runMatrix({ nest, module, http, compiler }, url),
      })),
    ),
  ),
);
const ON_RABBITMQ = whyUnavailable() === undefined;
const GOLEVELUP = ['before', 'after', 'after the codemod'].flatMap((side) =>
  [
    ['scenario', ({ url }) => expectOutput(side, 'scenario', url, /^passed 12$/m)],
    ['the connection killed under a hundred handlers', (broker) => kill(side, broker)],
    ['closed with three prefetched', ({ url }) => close(side, url)],
  ].flatMap(([what, run]) =>
    [['embedded', startEmbedded], ...(ON_RABBITMQ ? [['RabbitMQ', startRabbitMQ]] : [])].map(([name, start]) => ({
      name: `golevelup ${side} on ${name}: ${what}`,
      nest: 'nest11',
      quick: false,
      start,
      run,
    })),
  ),
);
const SERVICE = ['typeorm', 'prisma'].map((mapper) => ({
  name: `service ${mapper}`,
  nest: 'service',
  quick: false,
  run: () => runService(mapper),
}));
const ALL = [...MATRIX, ...GOLEVELUP, ...SERVICE];

/** Runs what is asked for. Answers how many passed and failed, and prints a line for each. */
export async function runNest(words = [], quick = false) {
  const wanted = ALL.filter(
    (each) => (!quick || each.quick) && (words.length === 0 || words.some((word) => each.name.includes(word))),
  );
  const totals = { passed: 0, failed: 0, skipped: 0 };
  const projects = [...new Set(wanted.map(({ nest }) => nest))];
  const missing = projects.filter((project) => !install(project));
  if (missing.length > 0) {
    console.log(`missing: what tools/nest/${missing.join(' and ')} need could not be installed`);
    return { ...totals, failed: process.env.CI === 'true' ? 1 : 0, skipped: 1 };
  }
  await assembleInto(projects);
  // Built anew at each run.
  for (const project of projects) rmSync(join(home, project, 'work'), { recursive: true, force: true });
  for (const each of wanted) {
    const began = performance.now();
    const fault = await runOne(each);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    if (fault === undefined) console.log(`ok: ${each.name} in ${seconds} s`);
    else console.error(`failed: ${each.name}: ${fault}`);
    totals[fault === undefined ? 'passed' : 'failed'] += 1;
  }
  return totals;
}

/** Each on a broker of its own. */
async function runOne({ run, start = startEmbedded }) {
  const broker = await start();
  try {
    return await run(broker);
  } catch (error) {
    return error.message;
  } finally {
    await broker.close();
  }
}

async function startEmbedded() {
  const { Broker } = await import(join(root, 'packages/broker/dist/index.js'));
  const broker = await Broker.start();
  return {
    url: broker.url,
    left: (queue) => broker.queue(queue)?.messages.length,
    close: () => broker.close(),
  };
}

async function startRabbitMQ() {
  const node = await startNode();
  const left = async (queue) => {
    const lines = (await node.ctl('-q', 'list_queues', 'name', 'messages')).split('\n');
    const line = lines.find((each) => each.startsWith(`${queue}\t`));
    return line === undefined ? undefined : Number(line.split('\t')[1]);
  };
  return { url: node.url, left, close: () => node.remove() };
}

/** Answers whether everything is there. */
function install(project) {
  const reason = whyStale(`tools/nest/${project}`);
  if (reason === undefined) return true;
  console.log(`> npm ci in tools/nest/${project} (${reason})`);
  const { status, stderr } = spawnSync('npm', ['ci', '--ignore-scripts'], {
    cwd: join(home, project),
    encoding: 'utf8',
    shell: process.platform === 'win32',
    timeout: 300_000,
  });
  if (status !== 0) console.error(stderr);
  return status === 0;
}

/** Puts the packages of leveret there as they are published, with their own amqplib: golevelup has an older one. */
async function assembleInto(projects) {
  const { assemble, publicPackages } = await import('../scripts/assemble.mjs');
  for (const each of publicPackages().filter(({ manifest }) => PACKAGES.includes(manifest.name))) {
    const folder = await assemble(each);
    for (const project of projects) {
      const target = join(home, project, 'node_modules', each.manifest.name);
      rmSync(target, { recursive: true, force: true });
      cpSync(join(root, folder), target, { recursive: true });
      if (each.manifest.name !== '@leveret/amqplib') continue;
      cpSync(join(root, 'node_modules/amqplib'), join(target, 'node_modules/amqplib'), { recursive: true });
    }
  }
}

const ADAPTERS = {
  express: 'export const adapter = () => undefined;\n',
  fastify:
    "import { FastifyAdapter } from '@nestjs/platform-fastify';\nexport const adapter = () => new FastifyAdapter();\n",
};

async function runMatrix({ nest, module, http, compiler }, url) {
  const folder = join(home, nest, 'work', `${module}-${http}-${compiler}`);
  fresh(folder);
  cpSync(join(home, 'apps'), join(folder, 'src'), { recursive: true });
  writeFileSync(join(folder, 'src/adapter.ts'), ADAPTERS[http]);
  await compile(folder, { nest, module, compiler });
  const { status, output } = await node(join(folder, 'dist/matrix-main.js'), url);
  return status === 0 && /^ok$/m.test(output) ? undefined : `exit ${status}\n${output}`;
}

function fresh(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}

async function compile(folder, { nest, module, compiler }) {
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: module === 'esm' ? 'module' : 'commonjs' }));
  if (compiler === 'swc') return compileBySwc(folder, nest, module);
  const compilerOptions = {
    rootDir: 'src',
    outDir: 'dist',
    target: 'ES2022',
    lib: ['ES2023', 'ESNext.Disposable'],
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    strict: true,
    skipLibCheck: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    esModuleInterop: true,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
  const { status, output } = await node(join(home, nest, 'node_modules/typescript/bin/tsc'), '', ['-p', folder]);
  if (status !== 0) throw new Error(`tsc:\n${output}`);
}

async function compileBySwc(folder, nest, module) {
  const { createRequire } = await import('node:module');
  const { transformFile } = createRequire(join(home, nest, 'package.json'))('@swc/core');
  const { readdirSync } = await import('node:fs');
  mkdirSync(join(folder, 'dist'));
  for (const file of readdirSync(join(folder, 'src'))) {
    const { code } = await transformFile(join(folder, 'src', file), {
      swcrc: false,
      module: { type: module === 'esm' ? 'nodenext' : 'commonjs' },
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
        keepClassNames: true,
      },
    });
    writeFileSync(join(folder, 'dist', file.replace(/\.ts$/, '.js')), code);
  }
}

/** The application before, after, or as the codemod leaves it, with its end-to-end tests. */
async function golevelup(side) {
  const folder = join(home, 'nest11/work', `golevelup-${side.replaceAll(' ', '-')}`);
  if (existsSync(join(folder, 'dist'))) return folder;
  fresh(folder);
  const example = join(root, 'examples/nest-from-golevelup');
  const source = side === 'after' ? 'after' : 'before';
  cpSync(join(example, source), join(folder, 'src'), { recursive: true });
  if (side === 'after the codemod') {
    const codemod = join(root, 'packages/nestjs-codemod/dist/main.js');
    const { status, output } = await node(codemod, '', ['--write', join(folder, 'src')]);
    if (status !== 0) throw new Error(`codemod:\n${output}`);
  }
  cpSync(join(example, 'e2e'), join(folder, 'src'), { recursive: true });
  const from = side === 'before' ? '@golevelup/nestjs-rabbitmq' : '@leveret/nestjs/golevelup';
  writeFileSync(join(folder, 'src/rabbit.ts'), `export * from '${from}';\n`);
  await compile(folder, { nest: 'nest11', module: 'cjs', compiler: 'tsc' });
  return folder;
}

async function expectOutput(side, program, url, expected) {
  const folder = await golevelup(side);
  const { status, output } = await node(join(folder, `dist/${program}.js`), url);
  return status === 0 && expected.test(output) ? undefined : `exit ${status}\n${output}`;
}

/** golevelup ends the process, and leveret loses nothing. */
async function kill(side, broker) {
  const folder = await golevelup(side);
  const proxy = await TcpProxy.start(broker.url);
  const env = { ...process.env, AMQP_URL: proxy.through(broker.url) };
  const child = spawn(process.execPath, [join(folder, 'dist/hundred.js')], { env });
  let output = '';
  let cut = false;
  const read = (chunk) => {
    output += chunk;
    if (cut || !/^running$/m.test(output)) return;
    cut = true;
    proxy.cut();
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const status = await new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)));
  clearTimeout(timer);
  await proxy.down();
  const left = await broker.left('slow');
  console.log(`  ${side}: exit ${status}, ${left} left in the queue`);
  if (side === 'before')
    return status === 1 ? undefined : `expected golevelup to exit 1, it came to ${status}\n${output}`;
  return status === 0 && /^handled 100$/m.test(output) && left === 0
    ? undefined
    : `exit ${status}, ${left} left\n${output}`;
}

async function close(side, url) {
  const folder = await golevelup(side);
  const { status, output } = await node(join(folder, 'dist/shutdown.js'), url);
  const begun = /begun after close: (\d+)/.exec(output)?.[1];
  console.log(`  ${side}: ${output.trim()}`);
  // What golevelup does is shown, and not asked for: a later version may do better.
  if (side === 'before') return begun === undefined ? `exit ${status}\n${output}` : undefined;
  return status === 0 && begun === '0' ? undefined : `exit ${status}\n${output}`;
}

/** The service of examples/nest-service with one mapper, its tests on PostgreSQL. */
async function runService(mapper) {
  const folder = join(home, 'service/work/service');
  if (!existsSync(join(folder, 'dist'))) {
    fresh(folder);
    const example = join(root, 'examples/nest-service');
    for (const part of ['src', 'test']) cpSync(join(example, part), join(folder, 'src', part), { recursive: true });
    cpSync(join(example, 'prisma'), join(folder, 'src/prisma'), { recursive: true });
    await generatePrisma(join(folder, 'src/prisma/schema.prisma'));
    await compile(folder, { nest: 'service', module: 'esm', compiler: 'tsc' });
  }
  const { status, output } = await node(join(folder, 'dist/test/service.test.js'), '', [mapper]);
  return status === 0 && output.includes(`ok ${mapper}`) ? undefined : `exit ${status}\n${output}`;
}

async function generatePrisma(schema) {
  const prisma = join(home, 'service/node_modules/prisma/build/index.js');
  // What reads databases is not asked for, and would be fetched: any program does in its place.
  const env = { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, DATABASE_URL: 'postgres://localhost' };
  const { status, output } = await node(prisma, '', ['generate', '--schema', schema], env);
  if (status !== 0) throw new Error(`prisma generate:\n${output}`);
}

function node(file, url, args = [], more = {}) {
  const env = { ...process.env, AMQP_URL: url, ...more };
  return new Promise((resolve) => {
    execFile(process.execPath, [file, ...args], { env, timeout: LIMIT_MS, maxBuffer: 10_000_000 }, (error, out, err) =>
      resolve({ status: error === null ? 0 : (error.code ?? error.signal), output: out + err }),
    );
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  const words = args.filter((each) => !each.startsWith('--'));
  const { passed, failed, skipped } = await runNest(words, args.includes('--quick'));
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exitCode = failed > 0 ? 1 : 0;
}

/**
 * What would be published says where it comes from and can be used, without a link that leads nowhere: looks at the metadata of each public package, assembles and packs each, installs the tarballs into an empty project, imports
 * them with ESM, with `require`, and by types. A file missing from `files`, an import of something undeclared or a broken
 * `exports` shows up only here, because inside the workspace everything is linked.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { assemble, publicPackages } from './assemble.mjs';
import { linkFaults } from './package-links.mjs';
import { metadataFaults } from './package-metadata.mjs';
import { conclude, root } from './sources.mjs';

/** What every start reads and compiles of leveret itself, in bytes: each 100,000 more are 2 to 3 ms. 921,000 when this was written. */
const MOST_BYTES = 960_000;
/** The packages that `import 'leveret'` loads. Whatever else there is waits until somebody asks for it. */
const LOADED = ['@leveret/amqplib', '@leveret/core', 'amqplib', 'leveret'];

const faults = [];
const packages = publicPackages();
const project = realpathSync(mkdtempSync(join(tmpdir(), 'leveret-pack-')));

for (const { home, manifest } of packages) faults.push(...metadataFaults(home, manifest));

try {
  const folders = await Promise.all(packages.map(assemble));
  install(packages.map((each, index) => pack(each, folders[index])));
  for (const { home, manifest } of packages) {
    for (const door of doorsOf(manifest)) tryOut(door);
    for (const name of Object.keys(manifest.bin ?? {})) tryCommand(name);
    await checkNames(home, manifest);
  }
  checkTrace();
  checkLoaded();
  checkConsole();
  checkTypes();
} catch (error) {
  faults.push(error.message);
} finally {
  rmSync(project, { recursive: true, force: true });
}
conclude(`packed packages (${packages.map(({ manifest }) => manifest.name).join(', ')})`, faults);

/** Packs one package into the project, looks at what is in it, and returns the tarball's name. */
function pack({ home, manifest }, folder) {
  const [result] = Object.values(
    JSON.parse(run('npm', ['pack', '--json', '--pack-destination', project], join(root, folder))),
  );
  const packed = result.files.map((file) => file.path);
  for (const needed of ['LICENSE', 'dist/index.js', 'dist/index.d.ts']) {
    if (!packed.includes(needed)) faults.push(`${manifest.name} is packed without ${needed}`);
  }
  for (const path of packed.filter((each) =>
    /\.test\.|tsbuildinfo|^(src|test|dist-test)\/|\/test-support\//.test(each),
  )) {
    faults.push(`${manifest.name} is packed with ${path}`);
  }
  faults.push(...linkFaults(home, packed));
  return result.filename;
}

function install(tarballs) {
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true, type: 'module' }));
  const paths = tarballs.map((name) => `./${name}`);
  run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts', ...paths]);
}

/** What may be imported of a package: `leveret`, `leveret/adapters`. */
function doorsOf({ name, exports }) {
  const doors = Object.keys(exports).filter((door) => !door.endsWith('.json'));
  return doors.map((door) => name + door.slice(1));
}

function tryOut(name) {
  writeFileSync(join(project, 'try.mjs'), `import * as all from '${name}';\nconsole.log(Object.keys(all).length);\n`);
  writeFileSync(join(project, 'try.cjs'), `const all = require('${name}');\nconsole.log(Object.keys(all).length);\n`);
  const counts = ['try.mjs', 'try.cjs'].map((file) => attempt(`${name} as ${file}`, () => Number(run('node', [file]))));
  // require() of a module adds nothing of its own but, for some, __esModule.
  if (counts[0] !== undefined && counts[1] < counts[0]) {
    faults.push(`${name}: import gives ${counts[0]} names, require gives ${counts[1]}`);
  }
}

/** Classes are called in the package as they are in the build: their names are in texts, and are tokens of containers. */
async function checkNames(home, { name, exports }) {
  for (const [door, file] of Object.entries(exports)) {
    if (file.default === undefined) continue;
    const built = namesOf(await import(pathToFileURL(join(root, home, file.default))));
    writeFileSync(
      join(project, 'names.mjs'),
      `import * as all from '${name}${door.slice(1)}';\n${namesOf}\nconsole.log(JSON.stringify(namesOf(all)));\n`,
    );
    const packed = attempt(`names of ${name}`, () => JSON.parse(run('node', ['names.mjs']))) ?? {};
    for (const [key, was] of Object.entries(built)) {
      if (packed[key] !== was) faults.push(`${name}: the class ${key} is called ${packed[key]} when it is packed`);
    }
  }
}

function namesOf(all) {
  const classes = Object.entries(all).filter(([, value]) => /^class\b/.test(String(value)));
  return Object.fromEntries(classes.map(([key, value]) => [key, value.name]));
}

/** What is thrown tells where in the sources it was, for those who run Node with source maps. */
function checkTrace() {
  const code = `import { Leveret } from 'leveret';
await Leveret.start({ queue: 'no such option' }).catch((error) => console.log(error.stack));`;
  writeFileSync(join(project, 'trace.mjs'), code);
  const trace = attempt('a trace', () => run('node', ['--enable-source-maps', 'trace.mjs']));
  if (trace !== undefined && !/src\/\S+\.ts:\d+/.test(trace))
    faults.push(`no source in the trace of leveret: ${trace}`);
}

/** A start reads no more than it has to. */
function checkLoaded() {
  const hooks = `import { writeSync } from 'node:fs';
export async function load(url, context, next) {
  if (url.startsWith('file:')) writeSync(1, url + ' ');
  return next(url, context);
}`;
  const code = `import { createRequire, register } from 'node:module';
import { pathToFileURL } from 'node:url';
register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}));
await import('leveret');
for (const path of Object.keys(createRequire(import.meta.url).cache)) console.log(pathToFileURL(path).href);`;
  writeFileSync(join(project, 'loaded.mjs'), code);
  const said = attempt('what is loaded', () => run('node', ['loaded.mjs']).trim());
  if (said === undefined) return;
  const files = [...new Set(said.split(/\s+/))].map((url) => fileURLToPath(url));
  const packageOf = (file) => file.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1];
  const loaded = [...new Set(files.map(packageOf))].toSorted();
  if (loaded.join() !== LOADED.join())
    faults.push(`import 'leveret' loads ${loaded.join(', ')}, not ${LOADED.join(', ')}`);
  const own = files.filter((file) => packageOf(file) !== 'amqplib');
  const bytes = own.reduce((sum, file) => sum + statSync(file).size, 0);
  if (bytes > MOST_BYTES) faults.push(`import 'leveret' reads ${bytes} bytes of its own, more than ${MOST_BYTES}`);
}

/** The page of the console is in its package, with all that it loads. */
function checkConsole() {
  const code = `import { startConsole } from '@leveret/console';
const { url, close } = await startConsole({ port: 0, logger: 'silent' });
const page = await (await fetch(url)).text();
const parts = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, part]) => new URL(part, url));
console.log(parts.length, ...(await Promise.all(parts.map(async (part) => (await fetch(part)).status))));
await close();`;
  writeFileSync(join(project, 'console.mjs'), code);
  const said = attempt('the page of the console', () => run('node', ['console.mjs']).trim());
  if (said !== undefined && !/^[2-9]( 200){2,9}$/.test(said))
    faults.push(`the page of the console is packed incompletely: ${said}`);
}

function tryCommand(name) {
  const help = attempt(`${name} --help`, () => run(join(project, 'node_modules/.bin', name), ['--help']));
  if (help !== undefined && !/usage/i.test(help)) faults.push(`${name} --help does not say how it is used`);
}

function checkTypes() {
  const doors = packages.flatMap(({ manifest }) => doorsOf(manifest));
  const lines = doors.map((door, index) => `import type * as P${index} from '${door}';`);
  const uses = doors.map((_, index) => `keyof typeof P${index}`).join(' | ');
  writeFileSync(join(project, 'try.ts'), `${lines.join('\n')}\nexport type Names = ${uses};\n`);
  const options = { strict: true, noEmit: true, target: 'ES2022', module: 'NodeNext', types: ['node'] };
  const compilerOptions = { ...options, typeRoots: [join(root, 'node_modules/@types')], experimentalDecorators: true };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['try.ts'] }));
  attempt('types', () => run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.']));
}

function attempt(what, action) {
  try {
    return action();
  } catch (error) {
    faults.push(`${what}: ${error.message}`);
    return undefined;
  }
}

function run(command, args, cwd = project) {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000 });
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')}\n${error.stdout ?? ''}${error.stderr ?? error.message}`, {
      cause: error,
    });
  }
}

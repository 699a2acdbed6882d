/**
 * What is published of the packages, each in its folder `dist-package`: as `npm pack` would take it from the package itself, but
 * that the modules of those in {@link BUNDLED} stand in a file for each door. Node takes a third of a millisecond for each module
 * file that it loads, and these have hundreds.
 *
 *   node tools/scripts/assemble.mjs     after the build; then `lerna publish` takes them from there
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { read, root, workspaces } from './sources.mjs';

/** What every application loads. */
const BUNDLED = new Set(['@leveret/core', '@leveret/amqplib', 'leveret']);
const FOLDER = 'dist-package';

/** The packages that are published: the folder of each, and its manifest. */
export function publicPackages() {
  return workspaces('packages')
    .map((home) => ({ home, manifest: JSON.parse(read(`${home}/package.json`)) }))
    .filter(({ manifest }) => !manifest.private);
}

/** Assembles one package from its build, and answers the folder, named from the root. */
export async function assemble({ home, manifest }) {
  const folder = `${home}/${FOLDER}`;
  rmSync(join(root, folder), { recursive: true, force: true });
  const isBundled = BUNDLED.has(manifest.name);
  for (const path of await packedFiles(home)) {
    if (isBundled && /^dist\/.*\.js(\.map)?$/.test(path)) continue;
    mkdirSync(dirname(join(root, folder, path)), { recursive: true });
    cpSync(join(root, home, path), join(root, folder, path));
  }
  writeFileSync(join(root, folder, 'package.json'), `${JSON.stringify(published(manifest, isBundled), null, 2)}\n`);
  if (isBundled) await bundle(join(root, home), join(root, folder), manifest);
  return folder;
}

/** By `files` of the manifest, and what npm adds to them. */
async function packedFiles(home) {
  const options = { cwd: join(root, home), shell: process.platform === 'win32', maxBuffer: 10_000_000 };
  const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], options);
  const [{ files }] = Object.values(JSON.parse(stdout));
  return files.map(({ path }) => path);
}

function published({ devDependencies: _dev, scripts: _scripts, ...manifest }, isBundled) {
  // The files that it names are in others now.
  return isBundled && Array.isArray(manifest.sideEffects) ? { ...manifest, sideEffects: true } : manifest;
}

/**
 * Each door of a package as one file. What doors have in common stands in files of its own, so that a class is the same by
 * whatever door it comes; what is loaded when it is needed stays apart, too.
 */
async function bundle(home, folder, { exports }) {
  const doors = Object.values(exports).flatMap((door) => door.default ?? []);
  const { outputFiles } = await build({
    write: false,
    absWorkingDir: home,
    entryPoints: doors,
    outbase: 'dist',
    outdir: join(folder, 'dist'),
    ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node20', packages: 'external' },
    ...{ sourcemap: 'linked', chunkNames: 'chunks/[name]-[hash]', logLevel: 'warning' },
  });
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, path.endsWith('.js') ? named(text) : text);
  }
}

/** A class that refers to itself is `class _Publisher` in the bundle; its name is seen in texts, and is a token of containers. */
function named(text) {
  const own = (name) => `static { Object.defineProperty(this, 'name', { value: '${name}', configurable: true }); }`;
  return text.replace(/^(var (\w+) = class _\2\b[^{\n]*\{)$/gm, (_, head, name) => `${head} ${own(name)}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const folder of await Promise.all(publicPackages().map(assemble))) console.log(folder);
}

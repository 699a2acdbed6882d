/**
 * Bundles the page of the console: `packages/console/page` into `packages/console/dist-page`, files that a server hands out as they
 * are, and a manifest of them. Names of scripts and styles hold a hash of their content, so that browsers may keep them for ever.
 *
 *   node tools/scripts/build-page.mjs     does nothing where nothing has changed
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { files, root } from './sources.mjs';

const HOME = 'packages/console';
const OUTPUT = `${HOME}/dist-page`;
/** gzipped, all files together. */
export const MAX_BYTES = 120_000;

/** Builds the page if one of its sources is newer than what was built. Answers whether it built. */
export async function buildPage() {
  if (!existsSync(join(root, HOME, 'page')) || isFresh()) return false;
  // Only now: it takes longer to load than all the rest.
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    write: false,
    absWorkingDir: join(root, HOME),
    entryPoints: { page: 'page/main.tsx', style: 'page/style.css' },
    outdir: 'dist-page',
    ...{
      bundle: true,
      format: 'esm',
      platform: 'browser',
      target: ['es2022', 'chrome110', 'firefox115', 'safari16.4'],
    },
    ...{ minify: true, jsx: 'automatic', jsxImportSource: 'preact', legalComments: 'none', logLevel: 'warning' },
    define: { 'process.env.NODE_ENV': '"production"' },
    tsconfigRaw: {},
  });
  const built = new Map();
  const named = new Map();
  for (const { path, contents } of outputFiles) {
    const [, stem, extension] = /([^/\\]+)\.(\w+)$/.exec(path);
    const name = `${stem}-${createHash('sha256').update(contents).digest('hex').slice(0, 10)}.${extension}`;
    named.set(`${stem}.${extension}`, name);
    built.set(name, { bytes: Buffer.from(contents), immutable: true });
  }
  const html = readFileSync(join(root, HOME, 'page/index.html'), 'utf8');
  const linked = html.replace(/(?<=(?:href|src)=")(page\.js|style\.css)(?=")/g, (name) => named.get(name));
  built.set('index.html', { bytes: Buffer.from(linked), immutable: false });
  built.set('icon.svg', { bytes: readFileSync(join(root, HOME, 'page/icon.svg')), immutable: false });
  write(built);
  return true;
}

const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

function write(built) {
  const total = [...built.values()].reduce((sum, { bytes }) => sum + gzipSync(bytes).length, 0);
  if (total > MAX_BYTES) throw new Error(`the page has ${total} bytes gzipped, more than ${MAX_BYTES}`);
  rmSync(join(root, OUTPUT), { recursive: true, force: true });
  mkdirSync(join(root, OUTPUT), { recursive: true });
  for (const [name, { bytes }] of built) writeFileSync(join(root, OUTPUT, name), bytes);
  const entries = [...built].map(([name, { immutable }]) => [name, { type: TYPES[name.split('.').at(-1)], immutable }]);
  // Last: a build that was ended in the middle has none, and is done again.
  writeFileSync(
    join(root, OUTPUT, 'manifest.json'),
    `${JSON.stringify({ files: Object.fromEntries(entries) }, null, 2)}\n`,
  );
}

function isFresh() {
  const manifest = join(root, OUTPUT, 'manifest.json');
  if (!existsSync(manifest)) return false;
  const builtAt = statSync(manifest).mtimeMs;
  const sources = [...files(`${HOME}/page`, /\.(tsx?|css|html|svg)$/), ...files(`${HOME}/src`, /\.ts$/)];
  const preact = 'node_modules/preact/package.json';
  // A folder is newer where a file was taken away.
  const folders = new Set(sources.map((file) => dirname(file)));
  return [...sources, ...folders, preact].every((file) => statSync(join(root, file)).mtimeMs <= builtAt);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPage();

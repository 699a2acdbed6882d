/**
 * The site: docs/ as pages, with a search that works offline, light and dark, and a reference of every public name.
 *
 *   npm run docs                        builds it into tools/site/dist/site, checks every link and anchor
 *   npm run docs -- --version 0.2.0     into a folder of that version, beside those that are there
 *   npm run docs -- --no-reference      without the reference: what changes while one writes
 *   npm run docs -- --serve             serves what was built, on this machine only
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readArguments } from '../scripts/arguments.mjs';
import { whyStale } from '../scripts/prepare.mjs';
import { read } from '../scripts/sources.mjs';
import { linkFaultsIn } from './check-links.mjs';
import { serveSite } from './serve.mjs';
import { stagePages, versionsIn } from './stage.mjs';

const home = fileURLToPath(new URL('./', import.meta.url));
const { repository } = JSON.parse(read('package.json'));
const { version: current } = JSON.parse(read('lerna.json'));
const { values } = readArguments(import.meta.url, {
  version: { type: 'string', default: current },
  'no-reference': { type: 'boolean', default: false },
  serve: { type: 'boolean', default: false },
});
const site = join(home, 'dist/site');

if (values.serve) {
  console.log(`serving at ${await serveSite(site, 4173)}`);
} else {
  const faults = await build(values.version, !values['no-reference']);
  for (const fault of faults) console.error(`  ${fault}`);
  console.log(faults.length === 0 ? `built: ${site}` : `${faults.length} links lead nowhere`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

async function build(version, withReference) {
  if (!/^[\w.-]+$/.test(version)) throw new Error(`expected a version such as 0.2.0, received ${version}`);
  install();
  const source = join(home, 'dist/pages');
  const output = join(site, version);
  for (const folder of [source, output]) rmSync(folder, { recursive: true, force: true });
  mkdirSync(site, { recursive: true });
  const sidebar = stagePages(source);
  let reference = [];
  if (withReference) {
    const { writeReference, referenceSidebar } = await import('./reference.mjs');
    const { packages, names } = await writeReference(join(source, 'api'));
    console.log(`reference: ${names} names in ${packages} packages`);
    reference = referenceSidebar(join(source, 'api'));
  } else {
    mkdirSync(join(source, 'api'), { recursive: true });
    writeFileSync(join(source, 'api/index.md'), '# API reference\n\nIt was left out of this build.\n');
  }
  const web = repository.url.replace(/^git\+|\.git$/g, '');
  const said = {
    source,
    output,
    base: `/${version}/`,
    sidebar,
    reference,
    version,
    versions: versionsIn(site, version),
    web,
  };
  writeFileSync(join(home, 'dist/said.json'), JSON.stringify(said));
  const { build: buildSite } = await import('vitepress');
  await buildSite(home);
  writeFileSync(
    join(site, 'index.html'),
    `<!doctype html><meta http-equiv="refresh" content="0; url=./${said.versions[0]}/">\n`,
  );
  return linkFaultsIn(output, `/${version}/`);
}

function install() {
  const why = whyStale('tools/site');
  if (why === undefined) return;
  console.log(`> npm ci in tools/site (${why})`);
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: home,
    stdio: 'inherit',
    timeout: 300_000,
  });
  if (status !== 0) throw new Error('what the site needs could not be installed');
}

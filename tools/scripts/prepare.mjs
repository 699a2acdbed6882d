/**
 * Makes a clone ready to run, and says what it does: dependencies when they are missing or differ from the lock file, then
 * the build, which only compiles what changed. Node and npm are all it needs, so it uses nothing from node_modules.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { exists, files, root, workspaces } from './sources.mjs';

/** Installs and builds; throws when either fails. */
export function prepare() {
  checkNode();
  const stale = whyStale();
  if (stale !== undefined) {
    console.log(`> npm ci (${stale})`);
    must('npm', ['ci'], { shell: process.platform === 'win32' });
  }
  removeOrphans();
  console.log('> tsc -b');
  must(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b']);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(`expected Node 20.19 or later, received ${process.versions.node}`);
  }
}

// What `npm ci` would change: npm keeps a lock file of what it installed. Comparing the two is safer than a stamp of ours,
// which somebody's own `npm install` would not renew.
export function whyStale(project = '.') {
  const installedFile = join(root, project, 'node_modules/.package-lock.json');
  if (!existsSync(installedFile)) return 'node_modules is missing';
  const wanted = JSON.parse(readFileSync(join(root, project, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    const found = installed[path];
    // Optional packages of other platforms stand in the lock file but are not installed.
    if (path === '' || (found === undefined && entry.optional)) continue;
    if (found?.version !== entry.version || found?.link !== entry.link) return `${path} differs from package-lock.json`;
  }
  const extra = Object.keys(installed).find((path) => wanted[path] === undefined);
  return extra === undefined ? undefined : `${extra} is not in package-lock.json`;
}

// tsc never deletes the output of a source that is gone, and mocha would go on running its tests.
function removeOrphans() {
  const outputs = [
    ['dist', 'src'],
    ['dist-test', 'test'],
  ];
  for (const home of [...workspaces('packages'), ...workspaces('examples'), 'tools/conformance', 'tools/ledger']) {
    for (const [output, source] of outputs) {
      for (const file of files(`${home}/${output}`, /\.(js|d\.ts)(\.map)?$/, new Set())) {
        const stem = file.slice(home.length + output.length + 2).replace(/\.(js|d\.ts)(\.map)?$/, '');
        if (['.ts', '.tsx'].some((extension) => exists(`${home}/${source}/${stem}${extension}`))) continue;
        rmSync(join(root, file));
      }
    }
  }
}

function must(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${result.status ?? result.signal}`);
}

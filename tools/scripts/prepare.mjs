/**
 * Makes a clone ready to run, and says what it does: dependencies when they are missing or differ from the lock file, then
 * the build, which only compiles what changed. Node and npm are all it needs, so it uses nothing from node_modules.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildPage } from './build-page.mjs';
import { exists, files, root, workspaces } from './sources.mjs';

/** Installs and builds; rejects when either fails. */
export async function prepare() {
  checkNode();
  const stale = whyStale();
  if (stale !== undefined) {
    await must(`npm ci (${stale})`, 'npm', ['ci'], { shell: process.platform === 'win32' });
  }
  removeOrphans();
  await must('tsc -b', process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b']);
  await buildPage();
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

/** Runs a command to its end, and says that it goes on: the first time takes a minute or two. */
async function must(title, command, args, options = {}) {
  const began = performance.now();
  const seconds = () => Math.round((performance.now() - began) / 1000);
  console.log(`> ${title}`);
  const isSeen = process.stdout.isTTY === true;
  const ticking = isSeen ? setInterval(() => process.stdout.write(`\r  ${seconds()} s `), 1000) : undefined;
  try {
    const [code, signal] = await new Promise((resolve, reject) => {
      const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options });
      child.once('error', reject);
      child.once('close', (...end) => resolve(end));
    });
    if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code ?? signal}`);
  } finally {
    clearInterval(ticking);
    if (isSeen) process.stdout.write('\r');
  }
  if (isSeen || seconds() >= 2) console.log(`  done in ${seconds()} s`);
}

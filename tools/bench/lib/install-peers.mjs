import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { whyStale } from '../../scripts/prepare.mjs';

/** Installs what leveret is measured beside, when it is missing or differs from its lock file: a project of its own. */
export function installPeers() {
  const why = whyStale('tools/bench/peers');
  if (why === undefined) return;
  console.log(`> npm ci in tools/bench/peers (${why})`);
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: fileURLToPath(new URL('../peers', import.meta.url)),
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0)
    throw new Error('what leveret is measured beside could not be installed; --only leveret needs none of it');
}

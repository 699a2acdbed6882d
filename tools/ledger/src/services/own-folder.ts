import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MEMORY_FOLDER } from '../../../scripts/brokers.mjs';

const PREFIX = 'leveret-ledger-';
/** Files in which servers leave their process ids, and what their command lines have in them. */
const SERVERS = [
  ['data/postmaster.pid', 'postgres'],
  ['redis.pid', 'redis-server'],
] as const;

/** Makes a folder in memory for as long as this process lives. */
export function ownFolder(kind: 'run' | 'pg' | 'redis'): string {
  clearUp();
  const folder = mkdtempSync(join(MEMORY_FOLDER, `${PREFIX}${kind}-`));
  // Who comes after a run that was killed finds out by it that nobody needs the folder.
  writeFileSync(join(folder, 'owner'), `${process.pid}`);
  return folder;
}

/** Ends and deletes what runs left behind that were killed themselves. */
function clearUp(): void {
  for (const name of readdirSync(MEMORY_FOLDER).filter((each) => each.startsWith(PREFIX))) {
    const folder = join(MEMORY_FOLDER, name);
    const owner = Number(readIfThere(join(folder, 'owner')) ?? 0);
    if (owner === 0 || isAlive(owner)) continue;
    for (const [file, command] of SERVERS) {
      const pid = Number(readIfThere(join(folder, file))?.split('\n')[0] ?? 0);
      // The number may be another process's by now.
      if (pid > 0 && (readIfThere(`/proc/${pid}/cmdline`) ?? '').includes(command)) process.kill(pid, 'SIGKILL');
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

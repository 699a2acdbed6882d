/** A database of its own for a bench, on a server or in a file, without tables and without statistics. */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { openDatabase } = await import('../../../packages/sql/dist/test-support/open-database.js');
const { databaseOn, SERVERS } = await import('../../../packages/sql/dist/test-support/server-database.js');

/** @param {string} name `postgres`, `mariadb` or `sqlite` */
export async function privateDatabase(name) {
  const { url, drop: remove } = name === 'sqlite' ? inFile() : await databaseOn(SERVERS[name], 'bench_');
  const { database, close } = openDatabase(url, 'bench');
  const drop = async () => {
    await close();
    await remove();
  };
  return { database, url, drop };
}

function inFile() {
  const file = join(tmpdir(), `leveret-bench-${randomUUID()}.db`);
  const drop = async () => {
    for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
  };
  return { url: `sqlite:${file}`, drop };
}

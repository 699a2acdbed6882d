/** A database of its own for a bench, on a server or in a file, without tables and without statistics. */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { openDatabase } = await import('../../../packages/sql/dist/test-support/open-database.js');

const SERVERS = {
  postgres: process.env.POSTGRES_URL ?? 'postgres://root@127.0.0.1:5432/postgres',
  mariadb: process.env.MARIADB_URL ?? 'mysql://root@127.0.0.1:3306/mysql',
};

/** @param {string} name `postgres`, `mariadb` or `sqlite` */
export async function privateDatabase(name) {
  const { url, remove } = await make(name);
  const { database, close } = openDatabase(url, 'bench');
  const drop = async () => {
    await close();
    await remove();
  };
  return { database, url, drop };
}

async function make(name) {
  if (name === 'sqlite') {
    const file = join(tmpdir(), `leveret-bench-${randomUUID()}.db`);
    const remove = async () => {
      for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
    };
    return { url: `sqlite:${file}`, remove };
  }
  const database = `leveret_bench_${randomUUID().replaceAll('-', '')}`;
  await admin(name, `CREATE DATABASE ${database}`);
  const url = new URL(SERVERS[name]);
  url.pathname = `/${database}`;
  return { url: url.href, remove: () => admin(name, `DROP DATABASE ${database}`) };
}

async function admin(name, statement) {
  const opened = openDatabase(SERVERS[name], 'bench');
  try {
    await opened.database.query(statement);
  } finally {
    await opened.close();
  }
}

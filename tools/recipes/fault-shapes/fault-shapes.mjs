/**
 * What deadlocks and their like look like behind each driver and mapper: they are provoked on real databases, and the errors
 * written down as `packages/sql/src/test-support/fault-shapes.json`, which the tests of `@leveret/sql` read.
 *
 *   node tools/recipes/fault-shapes/fault-shapes.mjs          needs PostgreSQL and MariaDB, and `npm ci` in tools/recipes
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { MARIADB_URL, mysqlLike, POSTGRES_URL, postgres, sqlite } from './sessions.mjs';

const OUT = fileURLToPath(new URL('../../../packages/sql/src/test-support/fault-shapes.json', import.meta.url));
const TABLE = 'lev_account';
const UPDATE = (id) => `UPDATE ${TABLE} SET balance = balance + 1 WHERE id = ${id}`;
const SELECT = `SELECT * FROM ${TABLE} WHERE id = 1`;
const INSERT = `INSERT INTO ${TABLE} (id, balance) VALUES (1, 0)`;

/** What two sessions do, up to the statement that fails; its error is what comes back. */
const SCENARIOS = {
  deadlock: async (a, b) => {
    await a.begin();
    await b.begin();
    await a.run(UPDATE(1));
    await b.run(UPDATE(2));
    const first = a.run(UPDATE(2)).then(() => undefined, identity);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const second = b.run(UPDATE(1)).then(() => undefined, identity);
    const failed = await Promise.race([first.then(orNever), second.then(orNever)]);
    return failed;
  },
  'serialization failure': async (a, _b, server) => {
    await a.begin(server.isolation);
    if (server.settings !== undefined) await a.run(server.settings);
    await a.run(SELECT);
    await server.query(UPDATE(1));
    return failure(a.run(UPDATE(1)));
  },
  'lock not available': async (a, b) => {
    await a.begin();
    await b.begin();
    await a.run(UPDATE(1));
    return failure(b.run(`${SELECT} FOR UPDATE NOWAIT`));
  },
  'unique violation': async (a) => {
    await a.begin();
    return failure(a.run(INSERT));
  },
};
const FAULT_OF = {
  deadlock: 'conflict',
  'serialization failure': 'conflict',
  'lock not available': 'busy',
  'unique violation': 'other',
  busy: 'busy',
  'busy snapshot': 'conflict',
};

const identity = (value) => value;
const orNever = (error) => (error === undefined ? new Promise(() => {}) : error);
const failure = (promise) =>
  Promise.resolve(promise).then(() => {
    throw new Error('expected a failure');
  }, identity);

const shapes = [];

async function onServer(server) {
  for (const [library, open] of Object.entries(server.sessions)) {
    for (const [scenario, act] of Object.entries(SCENARIOS)) {
      await server.query(`DROP TABLE IF EXISTS ${TABLE}`);
      await server.query(`CREATE TABLE ${TABLE} (id int PRIMARY KEY, balance int)`);
      await server.query(`INSERT INTO ${TABLE} (id, balance) VALUES (1, 0), (2, 0)`);
      const [a, b] = [await open(), await open()];
      try {
        keep(server.name, library, scenario, await act(a, b, server));
      } catch (error) {
        // sequelize 6 cannot read what the driver mariadb 3.5 selects.
        console.log(`${server.name}, ${library}, ${scenario}: not provoked: ${error}`);
      } finally {
        await Promise.allSettled([a.end(), b.end()]);
      }
    }
  }
  await server.query(`DROP TABLE ${TABLE}`);
}

async function onSqlite() {
  for (const [library, open] of Object.entries(sqlite)) {
    const file = join(tmpdir(), `leveret-shapes-${process.pid}.db`);
    const fresh = () => {
      for (const end of ['', '-wal', '-shm']) rmSync(file + end, { force: true });
    };
    fresh();
    const a = await open(file);
    if (a === undefined) {
      const known = before.filter((shape) => shape.database === 'SQLite' && shape.library === library);
      shapes.push(...known);
      console.log(`SQLite, ${library}: not here; ${known.length} shapes of an earlier run kept`);
      continue;
    }
    await a.run('PRAGMA journal_mode = WAL').catch(() => {});
    await a.run(`CREATE TABLE ${TABLE} (id INTEGER PRIMARY KEY, balance INTEGER)`);
    await a.run(INSERT);
    const b = await open(file);
    keep('SQLite', library, 'unique violation', await failure(a.run(INSERT)));
    await a.run('BEGIN IMMEDIATE');
    keep('SQLite', library, 'busy', await failure(b.run('BEGIN IMMEDIATE')));
    await a.run('ROLLBACK');
    await b.run('BEGIN');
    await b.run(SELECT);
    await a.run(UPDATE(1));
    keep('SQLite', library, 'busy snapshot', await failure(b.run(UPDATE(1))));
    await b.run('ROLLBACK');
    await Promise.allSettled([a.end(), b.end()]);
    fresh();
  }
}

function keep(database, library, scenario, error) {
  const shape = { database, library, scenario, fault: FAULT_OF[scenario], error: plain(error, 0) };
  shapes.push(shape);
  console.log(`${database}, ${library}, ${scenario}: ${JSON.stringify(shape.error).slice(0, 140)}`);
}

/** Not the connection, the statement or what differs at every run. */
const LEFT_OUT =
  /^(stack|sql|query|queryInput|parameters|bindings|sqlMessage|message|detail|where|hint|file|line|routine|originalMessage|clientVersion|position|length|internalPosition|internalQuery|connection|client|text|fields)$/;

function plain(value, depth) {
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? undefined : value;
  if (depth > 6) return undefined;
  const names = new Set([...(value instanceof Error ? ['name', 'code'] : []), ...Object.getOwnPropertyNames(value)]);
  const out = {};
  for (const name of names) {
    if (LEFT_OUT.test(name)) continue;
    const inner = plain(value[name], depth + 1);
    if (inner !== undefined) out[name] = inner;
  }
  return Array.isArray(value) ? Object.values(out) : out;
}

const before = (() => {
  try {
    return JSON.parse(readFileSync(OUT, 'utf8'));
  } catch {
    return [];
  }
})();
const pool = new pg.Pool({ connectionString: POSTGRES_URL });
await onServer({
  name: 'PostgreSQL',
  sessions: postgres,
  isolation: 'SERIALIZABLE',
  query: (text) => pool.query(text),
});
await pool.end();
const maria = await mysql.createConnection(MARIADB_URL);
await onServer({
  name: 'MariaDB',
  sessions: mysqlLike,
  isolation: 'REPEATABLE READ',
  // Else MariaDB 10.11 lets the later write win.
  settings: 'SET SESSION innodb_snapshot_isolation = ON',
  query: (text) => maria.query(text),
});
await maria.end();
await onSqlite();
writeFileSync(OUT, `${JSON.stringify(shapes, undefined, 2)}\n`);
console.log(`${shapes.length} shapes`);
process.exit();

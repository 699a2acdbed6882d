/** Two sessions of one database through one library: what the faults are provoked with. */
import { PrismaPg } from '@prisma/adapter-pg';
import { sql as drizzleSql } from 'drizzle-orm';
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql2';
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres';
import Knex from 'knex';
import { Kysely, sql as kyselySql, MysqlDialect, PostgresDialect } from 'kysely';
import Libsql from 'libsql';
import mariadb from 'mariadb';
import mysqlCallback from 'mysql2';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { Sequelize } from 'sequelize';
import 'reflect-metadata';
import { DataSource } from 'typeorm';

export const POSTGRES_URL = process.env.POSTGRES_URL ?? 'postgres://root@127.0.0.1:5432/test';
export const MARIADB_URL = process.env.MARIADB_URL ?? 'mysql://root@127.0.0.1:3306/test';
const maria = new URL(MARIADB_URL);
const mariaParts = {
  host: maria.hostname,
  port: Number(maria.port || 3306),
  user: decodeURIComponent(maria.username),
  password: decodeURIComponent(maria.password),
  database: maria.pathname.slice(1),
};

/** A library that offers transactions by callback only, as a session: what is asked for is run inside. */
function byCallback(transaction) {
  let ask;
  let end;
  const asked = new Promise((resolve) => (ask = resolve));
  const ended = new Promise((resolve) => (end = resolve));
  const done = transaction(async (tx) => {
    ask(tx);
    await ended;
    throw new Error('rolled back');
  }).catch(() => {});
  return {
    run: async (text, act) => act(await asked, text),
    end: async () => {
      end();
      await done;
    },
  };
}

const byStatements = (query, close) => ({
  begin: (isolation) => query(isolation === undefined ? 'BEGIN' : `BEGIN ISOLATION LEVEL ${isolation}`),
  run: query,
  end: async () => {
    await query('ROLLBACK').catch(() => {});
    await close();
  },
});

/** MariaDB sets the isolation of the next transaction beforehand. */
const mariaStatements = (query, close) => ({
  ...byStatements(query, close),
  begin: async (isolation) => {
    if (isolation !== undefined) await query(`SET TRANSACTION ISOLATION LEVEL ${isolation}`);
    await query('BEGIN');
  },
});

export const postgres = {
  pg: async () => {
    const client = new pg.Client({ connectionString: POSTGRES_URL });
    await client.connect();
    return byStatements(
      (text) => client.query(text),
      () => client.end(),
    );
  },
  kysely: async () => {
    const db = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: POSTGRES_URL }) }) });
    let tx;
    return {
      begin: async (isolation) => {
        const begun = db.startTransaction();
        tx = await (isolation === undefined ? begun : begun.setIsolationLevel(isolation.toLowerCase())).execute();
      },
      run: (text) => kyselySql.raw(text).execute(tx),
      end: async () => {
        await tx
          ?.rollback()
          .execute()
          .catch(() => {});
        await db.destroy();
      },
    };
  },
  knex: () => knexSession(Knex({ client: 'pg', connection: POSTGRES_URL })),
  sequelize: () => sequelizeSession(new Sequelize(POSTGRES_URL, { dialect: 'postgres', logging: false })),
  typeorm: () => typeormSession(new DataSource({ type: 'postgres', url: POSTGRES_URL })),
  drizzle: async () => {
    const client = new pg.Client({ connectionString: POSTGRES_URL });
    await client.connect();
    const db = drizzlePg(client);
    return byStatements(
      (text) => db.execute(drizzleSql.raw(text)),
      () => client.end(),
    );
  },
  prisma: async () => {
    const { PrismaClient } = await import('../dist/generated/client.js');
    const client = new PrismaClient({ adapter: new PrismaPg({ connectionString: POSTGRES_URL }) });
    let session;
    return {
      begin: async (isolation) => {
        const isolationLevel = { SERIALIZABLE: 'Serializable' }[isolation];
        session = byCallback((act) =>
          client.$transaction(act, { timeout: 20_000, ...(isolationLevel && { isolationLevel }) }),
        );
      },
      run: (text) =>
        session.run(text, (tx, each) => (/^SELECT/.test(each) ? tx.$queryRawUnsafe(each) : tx.$executeRawUnsafe(each))),
      end: async () => {
        await session?.end();
        await client.$disconnect();
      },
    };
  },
  'prisma (model)': async () => {
    const { PrismaClient } = await import('../dist/generated/client.js');
    const client = new PrismaClient({ adapter: new PrismaPg({ connectionString: POSTGRES_URL }) });
    let session;
    const models = (tx, text) => {
      const id = Number(/id = (\d)/.exec(text)?.[1]);
      if (text.startsWith('UPDATE')) return tx.account.update({ where: { id }, data: { balance: { increment: 1 } } });
      if (text.startsWith('INSERT')) return tx.account.create({ data: { id: 1, balance: 0 } });
      return text.includes('NOWAIT') ? tx.$queryRawUnsafe(text) : tx.account.findMany();
    };
    return {
      begin: async (isolation) => {
        const isolationLevel = { SERIALIZABLE: 'Serializable' }[isolation];
        session = byCallback((act) =>
          client.$transaction(act, { timeout: 20_000, ...(isolationLevel && { isolationLevel }) }),
        );
      },
      run: (text) => session.run(text, models),
      end: async () => {
        await session?.end();
        await client.$disconnect();
      },
    };
  },
};

export const mysqlLike = {
  'mysql2/promise': async () => {
    const connection = await mysql.createConnection(MARIADB_URL);
    return mariaStatements(
      (text) => connection.query(text),
      () => connection.end(),
    );
  },
  mysql2: async () => {
    const connection = mysqlCallback.createConnection(MARIADB_URL);
    const query = (text) =>
      new Promise((resolve, reject) =>
        connection.query(text, (error, rows) => (error ? reject(error) : resolve(rows))),
      );
    return mariaStatements(query, () => connection.destroy());
  },
  mariadb: async () => {
    const connection = await mariadb.createConnection(mariaParts);
    return mariaStatements(
      (text) => connection.query(text),
      () => connection.end(),
    );
  },
  kysely: async () => {
    const pool = mysqlCallback.createPool({ uri: MARIADB_URL, connectionLimit: 1 });
    const db = new Kysely({ dialect: new MysqlDialect({ pool }) });
    const query = (text) => kyselySql.raw(text).execute(db);
    return mariaStatements(query, () => db.destroy());
  },
  knex: () => knexSession(Knex({ client: 'mysql2', connection: MARIADB_URL })),
  'sequelize (mysql2)': () => sequelizeSession(new Sequelize(MARIADB_URL, { dialect: 'mysql', logging: false })),
  'sequelize (mariadb)': () =>
    sequelizeSession(new Sequelize(MARIADB_URL.replace(/^mysql/, 'mariadb'), { dialect: 'mariadb', logging: false })),
  typeorm: () => typeormSession(new DataSource({ type: 'mysql', url: MARIADB_URL })),
  drizzle: async () => {
    const connection = await mysql.createConnection(MARIADB_URL);
    const db = drizzleMysql({ client: connection });
    return mariaStatements(
      (text) => db.execute(drizzleSql.raw(text)),
      () => connection.end(),
    );
  },
};

/** Sessions on one file; each library opens it anew. */
export const sqlite = {
  libsql: (file) => syncSession(new Libsql(file, { timeout: 0 })),
  'drizzle (better-sqlite3)': optional('better-sqlite3', (module) => async (file) => {
    const { drizzle } = await import('drizzle-orm/better-sqlite3');
    const connection = new module.default(file, { timeout: 0 });
    const db = drizzle({ client: connection });
    const run = async (text) =>
      /^(SELECT|PRAGMA)/.test(text) ? db.all(drizzleSql.raw(text)) : db.run(drizzleSql.raw(text));
    return { run, end: async () => connection.close() };
  }),
  'kysely (libsql)': async (file) => {
    const { SqliteDialect } = await import('kysely');
    const db = new Kysely({ dialect: new SqliteDialect({ database: new Libsql(file, { timeout: 0 }) }) });
    return { run: (text) => kyselySql.raw(text).execute(db), end: () => db.destroy() };
  },
  'better-sqlite3': optional(
    'better-sqlite3',
    (module) => (file) => syncSession(new module.default(file, { timeout: 0 })),
  ),
  'knex (better-sqlite3)': optional('better-sqlite3', () => (file) => {
    const knex = Knex({
      client: 'better-sqlite3',
      connection: { filename: file, options: {} },
      useNullAsDefault: true,
      pool: { min: 1, max: 1 },
    });
    return { run: (text) => knex.raw(text), end: () => knex.destroy() };
  }),
  'typeorm (better-sqlite3)': optional('better-sqlite3', () => async (file) => {
    const source = await new DataSource({ type: 'better-sqlite3', database: file, timeout: 0 }).initialize();
    return { run: (text) => source.query(text), end: () => source.destroy() };
  }),
  'node:sqlite': optional('node:sqlite', (module) => (file) => syncSession(new module.DatabaseSync(file))),
  sqlite3: optional('sqlite3', (module) => (file) => {
    const db = new module.default.Database(file);
    const run = (text) =>
      new Promise((resolve, reject) => db.all(text, (error, rows) => (error ? reject(error) : resolve(rows))));
    return { run, end: () => new Promise((resolve) => db.close(resolve)) };
  }),
};

/** What is not installed everywhere: native add-ons, and what came to Node after version 20. */
function optional(name, make) {
  return async (file) => {
    const module = await import(name).catch(() => undefined);
    return module === undefined ? undefined : make(module)(file);
  };
}

function syncSession(connection) {
  return {
    run: async (text) => {
      const statement = connection.prepare(text);
      return /^(SELECT|PRAGMA)/.test(text) ? statement.all() : statement.run();
    },
    end: async () => connection.close(),
  };
}

function knexSession(knex) {
  let tx;
  return {
    begin: async (isolation) => {
      tx = await knex.transaction(isolation === undefined ? {} : { isolationLevel: isolation.toLowerCase() });
      tx.executionPromise.catch(() => {});
    },
    run: (text) => tx.raw(text),
    end: async () => {
      await tx?.rollback().catch(() => {});
      await knex.destroy();
    },
  };
}

function sequelizeSession(sequelize) {
  let transaction;
  return {
    begin: async (isolationLevel) => {
      transaction = await sequelize.transaction(isolationLevel === undefined ? {} : { isolationLevel });
    },
    run: (text) => sequelize.query(text, { transaction }),
    end: async () => {
      await transaction?.rollback().catch(() => {});
      await sequelize.close();
    },
  };
}

function typeormSession(source) {
  let runner;
  return {
    begin: async (isolation) => {
      await source.initialize();
      runner = source.createQueryRunner();
      await runner.startTransaction(isolation);
    },
    run: (text) => runner.query(text),
    end: async () => {
      await runner?.rollbackTransaction().catch(() => {});
      await runner?.release();
      await source.destroy();
    },
  };
}

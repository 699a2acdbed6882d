import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Publication } from '@leveret/core';
import { migrate, Outbox, OutboxRelay, type SqliteConnection, TransactionalInbox } from '@leveret/sql';
import { expect } from 'chai';
import Libsql from 'libsql';
import { after, before, describe, it } from 'mocha';
import { databaseOn, type PrivateDatabase, SERVERS } from '../../../packages/sql/dist/test-support/server-database.js';
import { needs } from '../../scripts/needs.mjs';
import { useDrizzle } from './drizzle.js';
import { useKnex } from './knex.js';
import { useKysely } from './kysely.js';
import { useMysql2 } from './mysql2.js';
import { usePg } from './pg.js';
import { usePrisma } from './prisma.js';
import type { Recipe } from './recipe.js';
import { useSequelize } from './sequelize.js';
import { useSqlite } from './sqlite.js';
import { useTypeorm } from './typeorm.js';

const TABLE = 'CREATE TABLE recipe_payment (order_id INTEGER PRIMARY KEY, amount INTEGER)';

/** Inbox and outbox in the transaction of this recipe: everything once, or not at all. */
function works<Tx>(open: () => Promise<Recipe<Tx>>): void {
  let recipe: Recipe<Tx>;
  let inbox: TransactionalInbox<Tx>;
  let outbox: Outbox<Tx>;
  before(async () => {
    recipe = await open();
    await recipe.database.query(TABLE);
    await migrate(recipe.database);
    inbox = new TransactionalInbox(recipe.database);
    outbox = new Outbox(recipe.database);
  });
  after(() => recipe?.close());

  const handle = (orderId: number, messageId: string, fails = false) =>
    inbox.run('Payments.onOrder', messageId, async (tx) => {
      const transaction = tx as Tx;
      await recipe.addPayment(transaction, orderId, 100);
      await outbox.publish(transaction, 'pay.direct', 'pay.success', { orderId });
      if (fails) throw new Error('no money');
    });
  const payments = async () => {
    const { rows } = await recipe.database.query('SELECT order_id FROM recipe_payment ORDER BY order_id');
    return rows.map((row) => Number(row['order_id']));
  };
  const pending = async () => Number((await outbox.counts()).pending);

  it('commits the effect, the memory of the message and the message to publish together', async () => {
    expect(await handle(1, 'one')).to.include({ kind: 'handled' });
    expect([await payments(), await pending()]).to.deep.equal([[1], 1]);
  });

  it('does not call the handler for a message that was handled', async () => {
    expect(await handle(2, 'one')).to.include({ kind: 'duplicate' });
    expect([await payments(), await pending()]).to.deep.equal([[1], 1]);
  });

  it('leaves nothing of a handler that fails, and takes the message again', async () => {
    expect(await handle(3, 'three', true).catch((error: Error) => error.message)).to.equal('no money');
    expect([await payments(), await pending()]).to.deep.equal([[1], 1]);
    expect(await handle(3, 'three')).to.include({ kind: 'handled' });
    expect([await payments(), await pending()]).to.deep.equal([[1, 3], 2]);
  });

  it('remembers nothing when a statement of the handler fails', async () => {
    await handle(1, 'four').catch(() => {});
    expect(await handle(4, 'four')).to.include({ kind: 'handled' });
  });

  it('publishes what was committed', async () => {
    const sent: Publication[] = [];
    const relay = new OutboxRelay(recipe.database, { send: async (each) => void sent.push(each) }).start();
    const deadline = performance.now() + 10_000;
    while ((await pending()) > 0 && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 20));
    await relay.stop();
    expect(sent.map(({ body }) => JSON.parse(Buffer.from(body).toString()).orderId).sort()).to.deep.equal([1, 3, 4]);
  });
}

function onServer<Tx>(what: string, server: keyof typeof SERVERS, open: (url: string) => Promise<Recipe<Tx>>): void {
  describe(`the recipe for ${what}`, () => {
    let made: PrivateDatabase | undefined;
    before(needs(server));
    before(async () => {
      made = await databaseOn(SERVERS[server], 'recipes_');
    });
    works(() => open(made?.url ?? ''));
    after(() => made?.drop());
  });
}

onServer('pg', 'postgres', usePg);
onServer('kysely', 'postgres', useKysely);
onServer('drizzle', 'postgres', useDrizzle);
onServer('knex', 'postgres', useKnex);
onServer('TypeORM', 'postgres', useTypeorm);
onServer('Prisma', 'postgres', usePrisma);
onServer('Sequelize', 'postgres', useSequelize);
onServer('mysql2', 'mariadb', useMysql2);

type Closable = SqliteConnection & { close(): unknown };

const SQLITE: Readonly<Record<string, (file: string) => Promise<Closable>>> = {
  libsql: async (file) => new Libsql(file) as unknown as Closable,
  'better-sqlite3': async (file) => new (await loaded('better-sqlite3')).default(file),
  'node:sqlite': async (file) => new (await loaded('node:sqlite')).DatabaseSync(file),
};

// biome-ignore lint/suspicious/noExplicitAny: not everywhere: a native add-on, and a module of Node 22.5
const loaded = (module: string): Promise<any> => import(module);

for (const [what, connect] of Object.entries(SQLITE)) {
  describe(`the recipe for ${what}`, () => {
    const file = join(tmpdir(), `leveret-recipes-${process.pid}-${what.replace(/\W/g, '')}.sqlite`);
    before(async function () {
      if (what !== 'libsql' && (await loaded(what).catch(() => undefined)) === undefined) {
        console.log(`  left out: ${what} cannot be loaded here`);
        this.skip();
      }
      rmSync(file, { force: true });
    });
    works(async () => useSqlite(await connect(file)));
    after(() => {
      for (const end of ['', '-wal', '-shm']) rmSync(file + end, { force: true });
    });
  });
}

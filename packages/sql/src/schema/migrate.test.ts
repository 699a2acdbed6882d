import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { needs } from '../../../../scripts/needs.mjs';
import { mysql, postgres, sqlite } from '../database/sql-dialect.js';
import { rejection } from '../test-support/rejection.js';
import { DATABASE_KINDS, TestDatabase } from '../test-support/test-database.js';
import { migrate, migrations } from './migrate.js';

for (const kind of DATABASE_KINDS) {
  describe(`migrate on ${kind.name}`, () => {
    let made: TestDatabase;
    if (kind.service !== undefined) before(needs(kind.service));
    before(async () => {
      made = await TestDatabase.create(kind, { migrated: false });
    });
    after(() => made?.dispose());

    it('applies every step once, also when several processes begin at once', async () => {
      const answers = await Promise.all(Array.from({ length: 4 }, () => migrate(made.open())));
      const applied = answers.flat();
      expect(applied).to.deep.equal(migrations(made.open().dialect).map(({ name }) => name));
      expect(await migrate(made.open())).to.deep.equal([]);
    });

    it('creates the tables that are used', async () => {
      for (const table of ['leveret_inbox', 'leveret_outbox', 'leveret_idempotency']) {
        expect((await made.open().query(`SELECT * FROM ${table}`)).rows).to.deep.equal([]);
      }
    });

    it('refuses to go on when a step that was applied differs', async () => {
      await made.open().query(`UPDATE leveret_migrations SET checksum = 'other'`);
      const error = await rejection(migrate(made.open()));
      expect(error).to.include({ code: 'LEV_MIGRATION' });
      expect(error.message).to.contain('0001-inbox-outbox-idempotency was applied in another form');
    });
  });
}

describe('migrations', () => {
  it('have the same steps for every dialect, each with its statements', () => {
    const [first, ...others] = [postgres, mysql, sqlite].map(migrations);
    for (const steps of others) expect(steps.map(({ name }) => name)).to.deep.equal(first?.map(({ name }) => name));
    for (const { statements, checksum } of first ?? []) {
      expect(statements.length).to.be.greaterThan(1);
      for (const statement of statements)
        expect(statement).to.match(/^(CREATE|ALTER|UPDATE|DROP|SET|PREPARE|EXECUTE|DEALLOCATE) [^;]+$/);
      expect(checksum).to.match(/^[0-9a-f]{64}$/);
    }
  });
});

describe('migrate beside a process that holds the lock', () => {
  it('says what it waited for', async () => {
    const held = {
      dialect: mysql,
      service: 'test',
      within: () => ({ query: async () => ({ rows: [{ taken: 0 }], rowCount: 1 }) }),
      query: async () => ({ rows: [], rowCount: 0 }),
      transaction: <T>(work: (tx: unknown) => Promise<T>) => work(undefined),
    };
    const error = await rejection(migrate(held));
    expect(error).to.include({ code: 'LEV_MIGRATION' });
    expect(error.message).to.contain('Another process has been creating the tables for more than 30 s');
    const busy = {
      ...held,
      dialect: postgres,
      transaction: () => Promise.reject(Object.assign(new Error(), { code: '55P03' })),
    };
    expect(await rejection(migrate(busy))).to.include({ code: 'LEV_MIGRATION' });
  });
});

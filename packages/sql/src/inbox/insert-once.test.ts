import { expect } from 'chai';
import { describe, it } from 'mocha';
import { mysql, postgres, type SqlDialect, sqlite } from '../database/sql-dialect.js';
import { recordingDatabase } from '../test-support/recording-database.js';
import { rejection } from '../test-support/rejection.js';
import {
  findRow,
  hasRowsBefore,
  INSERT_ONCE,
  type InboxRow,
  insertedBy,
  openingInsert,
  stillText,
} from './insert-once.js';

const ROW: InboxRow = { listener: 'l', before: undefined, messageId: 'm', lockTimeoutMs: 1_500.5 };
const BEFORE: InboxRow = { ...ROW, before: 'b' };
const coded = (code: string) => Object.assign(new Error(code), { code });

/** Writes the row on a database that answers each statement in turn: with its row count, or a fault. */
async function written(dialect: SqlDialect, row: InboxRow, answers: readonly (number | Error)[]) {
  const left = [...answers];
  const { database, sent, parameters } = recordingDatabase(dialect, () => {
    const answer = left.shift() ?? 0;
    if (answer instanceof Error) throw answer;
    return { rowCount: answer, rows: Array.from({ length: answer }, () => ({})) };
  });
  const result = await INSERT_ONCE[dialect.name](database, dialect, row).catch((error: unknown) => error);
  return { result, sent, parameters };
}

describe('INSERT_ONCE', () => {
  it('says whether the row was written', async () => {
    for (const [dialect, yes, no] of [
      [postgres, [1], [0]],
      [mysql, [0, 1, 0], [0, 0, 0]],
      [sqlite, [1], [0]],
    ] as const) {
      expect((await written(dialect, ROW, yes)).result, dialect.name).to.deep.equal({ written: true });
      expect((await written(dialect, ROW, no)).result, dialect.name).to.deep.equal({ written: false });
    }
  });

  it('gives the row, and with it how the listener was named before services had names', async () => {
    for (const dialect of [postgres, mysql, sqlite]) {
      const alone = await written(dialect, ROW, [1, 1, 1]);
      expect(alone.parameters.find((each) => each.length > 0)).to.deep.equal(['l', 'm']);
      expect(alone.sent.join()).to.not.contain('NOT EXISTS');
      const both = await written(dialect, BEFORE, [1, 1, 1]);
      expect(both.parameters.find((each) => each.length > 0)).to.deep.equal(['l', 'm', 'b', 'm']);
      expect(both.sent.join()).to.contain('WHERE NOT EXISTS (SELECT 1 FROM leveret_inbox WHERE listener =');
    }
  });

  it('selects from nothing on MySQL where there is a condition, and only there', async () => {
    expect((await written(mysql, BEFORE, [0, 1, 0])).sent[1]).to.contain(' FROM DUAL WHERE NOT EXISTS');
    const alone = (await written(mysql, ROW, [0, 1, 0])).sent[1];
    expect(alone).to.contain('VALUES (?, ?,');
    expect(alone).to.not.contain('DUAL');
  });

  it('puts back what the handler’s statements wait on MySQL, also behind a fault', async () => {
    const busy = coded('ER_LOCK_WAIT_TIMEOUT');
    const { result, sent } = await written(mysql, ROW, [0, busy, 0]);
    expect(result).to.equal(busy);
    expect(sent.at(0)).to.match(/SESSION innodb_lock_wait_timeout = 2$/);
    expect(sent.at(-1)).to.equal('SET SESSION innodb_lock_wait_timeout = @leveret_lock_wait');
  });

  it('says that it could not put that back: the handler is not called then', async () => {
    const fault = coded('ECONNRESET');
    expect((await written(mysql, ROW, [0, 1, fault])).result).to.equal(fault);
  });

  it('leaves it to the row whether a fault of MySQL means that the message was handled', async () => {
    const duplicate = coded('ER_DUP_ENTRY');
    expect((await written(mysql, ROW, [0, duplicate, 0])).result).to.deep.equal({ written: false, fault: duplicate });
  });

  it('throws what PostgreSQL and SQLite say', async () => {
    for (const dialect of [postgres, sqlite]) {
      const fault = coded('23505');
      expect((await written(dialect, ROW, [fault])).result).to.equal(fault);
    }
  });

  it('waits as long as it is told for another transaction on PostgreSQL, in whole milliseconds', async () => {
    const { sent } = await written(postgres, ROW, [1]);
    expect(sent).to.have.lengthOf(1);
    expect(sent[0]).to.contain(`set_config('lock_timeout', '1501', true)`);
    expect(sent[0]).to.contain(`RETURNING set_config('lock_timeout', (SELECT before FROM setting), true)`);
  });
});

describe('openingInsert', () => {
  it('has all that the insert needs in one text, and puts the timeout back', () => {
    const text = openingInsert(postgres, BEFORE).text.replace(/\s+/g, ' ');
    expect(text).to.match(/set_config\('lock_timeout', '1501', true\); INSERT INTO leveret_inbox/);
    expect(text).to.contain(`WHERE listener = 'b'::text AND message_id = 'm'::text`);
    expect(text).to.match(/set_config\('lock_timeout', current_setting\('leveret.lock_timeout'\), true\)$/);
    expect(openingInsert(postgres, ROW).text).to.contain(`VALUES ('l'::text, 'm'::text,`).and.not.contain('NOT EXISTS');
    const onMysql = openingInsert(mysql, BEFORE).text;
    expect(onMysql).to.match(/^SET STATEMENT innodb_lock_wait_timeout = 2 FOR INSERT INTO leveret_inbox/);
    expect(onMysql)
      .to.contain('FROM DUAL WHERE NOT EXISTS')
      .and.to.match(/; SELECT ROW_COUNT\(\) AS written$/);
    expect(openingInsert(mysql, ROW).text).to.not.contain('DUAL');
  });
});

describe('insertedBy', () => {
  const result = (...rows: Record<string, unknown>[]) => ({ result: { rows, rowCount: rows.length } });

  it('knows from the answer whether the row was written, and by which transaction', () => {
    expect(insertedBy(postgres, result({ transaction: 77n }))).to.deep.equal({ written: true, transaction: '77' });
    expect(insertedBy(postgres, result())).to.deep.equal({ written: false });
    expect(insertedBy(mysql, result({ written: '1' }))).to.deep.equal({ written: true });
    expect(insertedBy(mysql, result({ written: 0 }))).to.deep.equal({ written: false });
    expect(insertedBy(mysql, result())).to.deep.equal({ written: false });
  });

  it('throws a fault that ends the transaction, and leaves the others of MySQL to the row', () => {
    const duplicate = coded('ER_DUP_ENTRY');
    expect(insertedBy(mysql, { fault: duplicate })).to.deep.equal({ written: false, fault: duplicate });
    for (const [dialect, code] of [
      [mysql, 'ER_LOCK_DEADLOCK'],
      [mysql, 'ER_LOCK_WAIT_TIMEOUT'],
      [postgres, '23505'],
    ] as const) {
      const fault = coded(code);
      expect(() => insertedBy(dialect, { fault })).to.throw(fault);
    }
  });
});

describe('stillText', () => {
  it('asks for the transaction that wrote the row, where it has a number, and else for the row', () => {
    expect(stillText(postgres, ROW, '77')).to.contain(`= 77 THEN '1' ELSE 'its inbox row is gone'`);
    expect(stillText(postgres, ROW, '77; DROP')).to.contain('= -1 THEN');
    expect(stillText(mysql, ROW, undefined)).to.match(
      /^IF NOT EXISTS \(SELECT 1 FROM leveret_inbox WHERE listener = X'6c' AND message_id = X'6d' LOCK IN SHARE MODE\) THEN SIGNAL/,
    );
  });
});

describe('findRow', () => {
  it('looks for the row under each of its names, and sees what was committed meanwhile', async () => {
    for (const [dialect, text] of [
      [postgres, 'WHERE listener = $1 AND message_id = $2 LIMIT 1'],
      [mysql, 'WHERE listener = ? AND message_id = ? LIMIT 1 LOCK IN SHARE MODE'],
    ] as const) {
      const { database, sent, parameters } = recordingDatabase(dialect, () => ({ rows: [{}] }));
      expect(await findRow(database, dialect, ROW)).to.equal(true);
      expect(sent[0]).to.match(new RegExp(`${text.replace(/[$?]/g, '\\$&')}$`));
      expect(parameters).to.deep.equal([['l', 'm']]);
    }
    const { database, sent, parameters } = recordingDatabase(sqlite);
    expect(await findRow(database, sqlite, BEFORE)).to.equal(false);
    expect(sent[0]).to.contain('listener IN (?, ?)');
    expect(parameters).to.deep.equal([['l', 'b', 'm']]);
  });
});

describe('hasRowsBefore', () => {
  it('says whether there are any, and lets a fault out', async () => {
    for (const rows of [[], [{}]]) {
      const { database } = recordingDatabase(sqlite, () => ({ rows }));
      expect(await hasRowsBefore(database, sqlite, 'b')).to.equal(rows.length > 0);
    }
    const { database } = recordingDatabase(sqlite, () => {
      throw new Error('away');
    });
    await rejection(hasRowsBefore(database, sqlite, 'b'));
  });
});

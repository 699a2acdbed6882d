import { ConfigurationError, channel, MessageConversionError, type Publication, PublishError } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import type { SqlDatabase } from '../database/sql-database.js';
import { mysql, postgres, type SqlDialect, sqlite } from '../database/sql-dialect.js';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { recordingDatabase } from '../test-support/recording-database.js';
import { rejection } from '../test-support/rejection.js';
import { Outbox } from './outbox.js';
import { readPublication } from './outbox-row.js';

describeOnEachDatabase('Outbox', (at) => {
  const rows = async () => (await at.database.query('SELECT * FROM leveret_outbox ORDER BY id')).rows;
  const publications = async () => (await rows()).map(readPublication);
  const inTransaction = <T>(work: (tx: unknown) => Promise<T>) => at.database.transaction(work);
  const park = (error: string) =>
    at.database.query(`UPDATE leveret_outbox SET parked_at = created_at, failures = 10, error = '${error}'`);

  afterEach(() => at.database.query('DELETE FROM leveret_outbox'));

  it('writes a message beside the business data, with an id of its own', async () => {
    const outbox = new Outbox(at.database, { publisher: { appId: 'trade' } });
    const messageId = await inTransaction((tx) =>
      outbox.publish(tx, 'pay.direct', 'pay.success', { orderId: 7 }, { type: 'PaySucceeded', headers: { 'x-a': 1 } }),
    );
    expect(messageId).to.match(/^[0-9a-f-]{36}$/);
    const [publication] = (await publications()) as [Publication];
    expect(publication).to.deep.include({
      exchange: 'pay.direct',
      routingKey: 'pay.success',
      mandatory: true,
      headers: { 'x-a': 1 },
    });
    expect(publication.body.toString()).to.equal('{"orderId":7}');
    expect(publication.properties).to.include({
      messageId,
      appId: 'trade',
      type: 'PaySucceeded',
      deliveryMode: 2,
      contentType: 'application/json',
    });
    const [row] = await rows();
    expect(row).to.include({ message_id: messageId, exchange: 'pay.direct', routing_key: 'pay.success', error: null });
  });

  it('writes nothing when the transaction is rolled back', async () => {
    const outbox = new Outbox(at.database);
    await rejection(
      inTransaction(async (tx) => {
        await outbox.publish(tx, 'e', 'k', 'text');
        throw new Error('no stock');
      }),
    );
    expect(await rows()).to.deep.equal([]);
  });

  it('gives back every byte of a message that is complete already', async () => {
    const publication: Publication = {
      exchange: '',
      routingKey: 'a "queue" \\ é 日本 😀',
      body: Buffer.from(Array.from({ length: 256 }, (_, index) => index)),
      properties: { messageId: 'own-1', priority: 0, timestamp: 1_700_000_000, expiration: '60000' },
      headers: {
        when: new Date(5),
        raw: Buffer.from([0, 255]),
        nested: { list: [1, 'two', null, true] },
        big: 2n ** 60n,
      },
      mandatory: false,
    };
    const outbox = new Outbox(at.database);
    expect(await inTransaction((tx) => outbox.send(tx, publication))).to.equal('own-1');
    expect(await publications()).to.deep.equal([publication]);
    await at.database.query('DELETE FROM leveret_outbox');
    const bare = { ...publication, properties: {}, headers: {}, body: Buffer.alloc(0) };
    expect(await inTransaction((tx) => outbox.send(tx, bare))).to.equal(undefined);
    expect(await publications()).to.deep.equal([bare]);
  });

  it('keeps a message of 5 MiB', async () => {
    const body = Buffer.alloc(5 * 1024 * 1024, 'x');
    await inTransaction((tx) => new Outbox(at.database).publish(tx, 'e', 'k', body));
    expect((await publications())[0]?.body.equals(body)).to.equal(true);
  });

  it('counts what waits, what is parked and what that holds up', async () => {
    const outbox = new Outbox(at.database);
    expect(await outbox.counts()).to.deep.equal({ pending: 0, scheduled: 0, parked: 0, heldUp: 0, oldestPendingMs: 0 });
    await inTransaction((tx) => outbox.publish(tx, 'e', 'k', 1, { orderKey: 'o1' }));
    await park('refused');
    await inTransaction(async (tx) => {
      await outbox.publish(tx, 'e', 'k', 2, { orderKey: 'o1' });
      await outbox.publish(tx, 'e', 'k', 3, { orderKey: 'o2' });
      await outbox.publish(tx, 'e', 'k', 4);
    });
    await at.database.query('UPDATE leveret_outbox SET created_at = created_at - 5000');
    const { oldestPendingMs, ...counts } = await outbox.counts();
    expect(counts).to.deep.equal({ pending: 3, scheduled: 0, parked: 1, heldUp: 1 });
    expect(oldestPendingMs).to.be.within(5_000, 60_000);
  });

  it('counts the same by its indexes and by the table: by indexes once PostgreSQL has vacuumed', async () => {
    const asked: string[] = [];
    const recorded: SqlDatabase<unknown> = {
      dialect: at.database.dialect,
      service: at.database.service,
      query: (text, parameters) => at.database.query(text, parameters),
      transaction: (work) => at.database.transaction(work),
      within: (tx) => ({
        query: (text, parameters) => {
          asked.push(text);
          return at.database.within(tx).query(text, parameters);
        },
      }),
    };
    const outbox = new Outbox(recorded);
    await inTransaction((tx) => outbox.publish(tx, 'e', 'k', 1, { orderKey: 'o1' }));
    await park('refused');
    await inTransaction(async (tx) => {
      await outbox.publish(tx, 'e', 'k', 2, { orderKey: 'o1' });
      await outbox.publish(tx, 'e', 'k', 3, { orderKey: 'o2' });
      await outbox.publish(tx, 'e', 'k', 4, { delay: '1h' });
    });
    const expected = { pending: 3, scheduled: 1, parked: 1, heldUp: 1 };
    expect(await outbox.counts()).to.include(expected);
    if (at.database.dialect.name !== 'postgres') return;
    expect(asked.at(-1)).to.not.contain('order_key IS NOT NULL GROUP BY');
    await at.database.query('VACUUM leveret_outbox');
    expect(await outbox.counts()).to.include(expected);
    expect(asked.at(-1)).to.contain('order_key IS NOT NULL GROUP BY');
  });

  it('shows what is parked, page by page, and lets it go again or deletes it', async () => {
    const outbox = new Outbox(at.database);
    for (let n = 1; n <= 3; n++) {
      await inTransaction((tx) => outbox.publish(tx, 'e', `k${n}`, n, { messageId: `m${n}`, orderKey: 'o1' }));
    }
    await park('LEV_PUBLISH_UNROUTABLE: nobody there');
    const page = await outbox.parked({ limit: 2 });
    expect(page.map(({ routingKey }) => routingKey)).to.deep.equal(['k1', 'k2']);
    expect(page[0]).to.deep.include({ messageId: 'm1', orderKey: 'o1', failures: 10, attempts: 0 });
    expect(page[0]?.error).to.equal('LEV_PUBLISH_UNROUTABLE: nobody there');
    expect(page[0]?.publication?.body.toString()).to.equal('1');
    expect(page[0]?.parkedAt).to.be.instanceOf(Date);
    const [third] = await outbox.parked({ afterId: page[1]?.id ?? 0 });
    expect(third?.messageId).to.equal('m3');

    expect(await outbox.requeue([])).to.equal(0);
    expect(await outbox.requeue([page[0]?.id ?? 0, 999_999])).to.equal(1);
    expect(await outbox.counts()).to.include({ pending: 1, parked: 2 });
    expect(Number((await rows())[0]?.['failures'])).to.equal(0);
    expect(await outbox.discard([page[0]?.id ?? 0]), 'pending messages are not discarded').to.equal(0);
    expect(await outbox.discard([page[1]?.id ?? 0])).to.equal(1);
    expect(await outbox.requeue('all')).to.equal(1);
    expect(await outbox.counts()).to.include({ pending: 2, parked: 0 });
    expect(await outbox.discard('all')).to.equal(0);
  });

  it('shows a parked row that holds no message', async () => {
    await inTransaction((tx) => new Outbox(at.database).publish(tx, 'e', 'k', 1));
    await at.database.query(`UPDATE leveret_outbox SET properties = 'torn'`);
    await park('unreadable');
    const [parked] = await new Outbox(at.database).parked();
    expect(parked).to.include({ publication: undefined, error: 'unreadable', orderKey: undefined });
  });
});

describe('Outbox', () => {
  const written: unknown[][] = [];
  const database = {
    dialect: postgres,
    service: 'test',
    within: () => ({
      query: async (_: string, parameters: unknown[]) => {
        written.push(parameters);
        return { rows: [], rowCount: 1 };
      },
    }),
  } as unknown as SqlDatabase<unknown>;
  const outbox = new Outbox(database);
  afterEach(() => {
    written.length = 0;
  });

  const complete = { exchange: 'e', routingKey: 'k', body: Buffer.from(''), properties: {}, mandatory: false };
  const refused: readonly [string, () => Promise<unknown>, RegExp][] = [
    [
      'an exchange that is none',
      () => outbox.publish(0, 5 as unknown as string, 'k', 1),
      /exchange must be text .* got 5/,
    ],
    [
      'a routing key that is too long',
      () => outbox.publish(0, 'e', 'x'.repeat(256), 1),
      /routing key must be text of at most 255 bytes/,
    ],
    [
      'an order key that is empty',
      () => outbox.publish(0, 'e', 'k', 1, { orderKey: '' }),
      /orderKey must be a text that is not empty/,
    ],
    [
      'a wrong option',
      () => outbox.publish(0, 'e', 'k', 1, { priority: 300 }),
      /priority must be a whole number from 0 to 255/,
    ],
    [
      'ids that are none',
      () => outbox.requeue(['1; DROP TABLE x' as unknown as number]),
      /ids and limits must be whole numbers/,
    ],
  ];
  for (const [what, act, text] of refused) {
    it(`refuses ${what}, and writes nothing`, async () => {
      const error = await rejection(act());
      expect(error).to.be.instanceOf(ConfigurationError);
      expect(error.message).to.match(text);
      expect(written).to.deep.equal([]);
    });
  }

  it('refuses a header that AMQP has no value for, and writes nothing', async () => {
    const acts = [
      () => outbox.publish(0, 'e', 'k', 1, { headers: { a: [{ b: new Map() }] } }),
      () => outbox.send(0, { ...complete, headers: { a: [{ b: new Map() }] } }),
    ];
    for (const act of acts) {
      const error = await rejection(act());
      expect(error).to.be.instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISH_UNENCODABLE' });
      expect(error.message).to.contain('headers.a[0].b is an instance of Map');
    }
    expect(written).to.deep.equal([]);
  });

  it('refuses a payload that cannot be written', async () => {
    const ring: Record<string, unknown> = {};
    ring['self'] = ring;
    expect(await rejection(outbox.publish(0, 'e', 'k', ring))).to.be.instanceOf(MessageConversionError);
    expect(written).to.deep.equal([]);
  });

  it('validates and completes messages as a publisher does', async () => {
    const strict = new Outbox(database, {
      publisher: {
        validate: (payload) => {
          if (payload === 'bad') throw new TypeError('bad payload');
        },
        beforePublish: (publication) => ({ ...publication, headers: { traced: true } }),
      },
    });
    expect(await rejection(strict.publish(0, 'e', 'k', 'bad'))).to.be.instanceOf(TypeError);
    await strict.publish(0, 'e', 'k', 'good');
    expect(written[0]?.[4]).to.equal('{"traced":true}');
    expect(() => new Outbox(database, { publisher: { window: 0 } })).to.throw(ConfigurationError, /outbox: window/);
  });

  it('publishes through a channel, and lets validate go by what that declares', async () => {
    const told: unknown[] = [];
    const strict = new Outbox(database, { publisher: { validate: (_payload, type) => void told.push(type) } });
    class Paid {
      orderId = 7;
    }
    const paid = channel('pay.direct', (payload: Paid) => `paid.${payload.orderId}`, { payload: Paid, type: 'paid' });
    await strict.publish(0, paid, new Paid(), { messageId: 'm1' });
    await strict.publish(0, 'e', 'k', 1);
    expect(told).to.deep.equal([Paid, undefined]);
    expect(written[0]?.slice(0, 3)).to.deep.equal(['m1', 'pay.direct', 'paid.7']);
    expect(written[0]?.[3]).to.contain('"type":"paid"');
    const noKey = channel<Paid>('e', () => undefined as unknown as string);
    expect(await rejection(strict.publish(0, noKey, new Paid()))).to.be.instanceOf(ConfigurationError);
  });

  it('writes the id of a message so that every database can show it', async () => {
    await outbox.publish(0, 'e', 'k', 1, { messageId: 'a\0b' });
    expect(written[0]?.[0]).to.match(/^sha256:/);
    expect(written[0]?.[3]).to.contain('a\\u0000b');
  });

  it('wakes relays that listen at the commit, on PostgreSQL, unless it is told not to', async () => {
    const insertOf = async (dialect: SqlDialect, options?: { notify?: boolean }) => {
      const { database: recorded, sent } = recordingDatabase(dialect, () => ({ rowCount: 1 }));
      await new Outbox(recorded, options).publish(0, 'e', 'k', 1);
      return sent[0];
    };
    expect(await insertOf(postgres)).to.match(/ RETURNING pg_notify\('leveret_outbox', ''\)::text$/);
    for (const [dialect, options] of [
      [postgres, { notify: false }],
      [mysql, {}],
      [sqlite, {}],
    ] as const) {
      expect(await insertOf(dialect, options)).to.not.contain('pg_notify');
    }
  });

  it('says how long a message waits twice: when it counts as written, and when it is due', async () => {
    const deliverAt = new Date(Date.now() + 3_600_000);
    await outbox.publish(0, 'e', 'k', 1, { delay: 1_500 });
    await outbox.publish(0, 'e', 'k', 1, { deliverAt });
    await outbox.publish(0, 'e', 'k', 1, { deliverAt: new Date(0) });
    expect(written.map((each) => each.slice(10))).to.deep.equal([
      [1_500, 0, 1_500, 0],
      [0, deliverAt.getTime(), 0, deliverAt.getTime()],
      [],
    ]);
    const error = await rejection(outbox.publish(0, 'e', 'k', 1, { delay: 1_500, orderKey: 'o' }));
    expect(error).to.be.instanceOf(ConfigurationError);
    expect(error.message).to.contain('orderKey does not go with delay');
  });

  it('writes how large a body is, and whether somebody has to get it', async () => {
    const publication = { ...complete, body: Buffer.from('é'), properties: { messageId: 'm' }, headers: {} };
    await outbox.send(0, { ...publication, mandatory: true });
    await outbox.send(0, { ...publication, mandatory: false });
    expect(written.map((each) => [each[5], each[7]])).to.deep.equal([
      [1, 2],
      [0, 2],
    ]);
  });

  for (const rowCount of [0, 2]) {
    it(`does not take ${rowCount} rows for a message that is written`, async () => {
      const { database: recorded } = recordingDatabase(postgres, () => ({ rowCount }));
      const error = await rejection(new Outbox(recorded).publish(0, 'e', 'k', 1));
      expect(error).to.include({ code: 'LEV_OUTBOX_NOT_WRITTEN' });
      expect(error.message).to.contain(`wrote ${rowCount} rows instead of 1`);
    });
  }

  it('takes exchange and routing key of 255 bytes', async () => {
    await outbox.publish(0, 'x'.repeat(255), 'é'.repeat(127), 1);
    expect(written).to.have.lengthOf(1);
    await rejection(outbox.publish(0, 'x', 'é'.repeat(128), 1));
    expect(written).to.have.lengthOf(1);
  });
});

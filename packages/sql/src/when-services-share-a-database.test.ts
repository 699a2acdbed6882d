import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import type { SqlDatabase } from './database/sql-database.js';
import { SqlIdempotencyStore } from './idempotency/sql-idempotency-store.js';
import { TransactionalInbox } from './inbox/transactional-inbox.js';
import { Outbox } from './outbox/outbox.js';
import { OutboxRelay } from './relay/outbox-relay.js';
import { describeOnEachDatabase } from './test-support/each-database.js';
import { eventually } from './test-support/eventually.js';
import { FakeSender } from './test-support/fake-sender.js';

const LISTENER = 'OrderListener.onOrder';

describeOnEachDatabase('when services share a database,', (at) => {
  let billing: SqlDatabase<unknown>;
  let shipping: SqlDatabase<unknown>;
  beforeEach(async () => {
    billing = at.open('billing');
    shipping = at.open('shipping');
    for (const table of ['leveret_inbox', 'leveret_outbox', 'leveret_idempotency']) {
      await at.database.query(`DELETE FROM ${table}`);
    }
  });
  const text = (statement: string) => at.database.dialect.placeholders(statement);

  it('each handles every message once, under the same listener id', async () => {
    const handled = { billing: 0, shipping: 0 };
    const inboxes = [
      ['billing', new TransactionalInbox(billing)],
      ['shipping', new TransactionalInbox(shipping)],
    ] as const;
    for (let message = 0; message < 20; message++) {
      for (const [name, inbox] of [...inboxes, ...inboxes]) {
        await inbox.run(LISTENER, `m-${message}`, () => void handled[name]++);
      }
    }
    expect(handled).to.deep.equal({ billing: 20, shipping: 20 });
  });

  it('each claims every message, under the same key', async () => {
    for (const database of [billing, shipping]) {
      const store = new SqlIdempotencyStore(database);
      const claim = await store.claim('k', { leaseMs: 60_000 });
      if (claim.kind !== 'claimed') throw new Error(`expected a free key, found ${claim.kind}`);
      expect((await store.claim('k', { leaseMs: 60_000 })).kind).to.equal('in-progress');
      expect(await store.complete({ key: 'k', token: claim.token }, { ttlMs: 60_000 })).to.equal(true);
      expect((await store.claim('k', { leaseMs: 60_000 })).kind).to.equal('completed');
    }
  });

  it('each publishes its own messages, also with the same order key, and answers for no others', async () => {
    const [ours, theirs] = [new Outbox(billing), new Outbox(shipping)];
    const options = { orderKey: 'order-1' };
    await billing.transaction((tx) => ours.publish(tx, 'e', 'billing', 1, options));
    await shipping.transaction((tx) => theirs.publish(tx, 'e', 'shipping', 1, options));
    await at.database.query(text(`UPDATE leveret_outbox SET parked_at = 1, error = '' WHERE routing_key = ?`), [
      'billing',
    ]);
    const sender = new FakeSender();
    await using relay = new OutboxRelay(shipping, sender, { retention: false }).start();
    await eventually('its message is published', () => relay.stats.published === 1);
    await eventually('and deleted', async () => (await theirs.counts()).pending === 0);
    expect(sender.sent.map(({ routingKey }) => routingKey)).to.deep.equal(['shipping']);
    expect(await theirs.parked()).to.deep.equal([]);
    expect(await theirs.counts()).to.include({ pending: 0, parked: 0, heldUp: 0 });
    expect([await theirs.requeue('all'), await theirs.discard('all')]).to.deep.equal([0, 0]);
    expect(await ours.counts()).to.include({ parked: 1 });
    expect(await ours.discard('all')).to.equal(1);
  });

  describe('and the tables are from before services had names,', () => {
    it('what was handled then is a duplicate, and what is in progress is waited for', async () => {
      const insert = text('INSERT INTO leveret_inbox (listener, message_id, handled_at) VALUES (?, ?, 1)');
      await at.database.query(insert, [LISTENER, 'old']);
      const result = await new TransactionalInbox(billing).run(LISTENER, 'old', () => expect.fail('handled again'));
      expect(result).to.deep.equal({ kind: 'duplicate' });
      expect((await new TransactionalInbox(billing).run(LISTENER, 'new', () => 1)).kind).to.equal('handled');
    });

    it('claims of then count as long as they would have', async () => {
      const { now } = at.database.dialect;
      const insert = (key: string, completed: 0 | 1, leftMs: number) =>
        at.database.query(
          text(
            `INSERT INTO leveret_idempotency (claim_key, token, completed, ends_at) VALUES (?, 't', ${completed}, ${now} + ${leftMs})`,
          ),
          [key],
        );
      await insert('done', 1, 60_000);
      await insert('running', 0, 60_000);
      await insert('past', 1, -1);
      const store = new SqlIdempotencyStore(billing);
      const kinds: string[] = [];
      for (const key of ['done', 'running', 'past', 'fresh'])
        kinds.push((await store.claim(key, { leaseMs: 1_000 })).kind);
      expect(kinds).to.deep.equal(['completed', 'in-progress', 'claimed', 'claimed']);
    });

    it('messages of then are published, before later ones with their order key', async () => {
      const outbox = new Outbox(billing);
      await billing.transaction((tx) => outbox.publish(tx, 'e', 'old', 1, { orderKey: 'a' }));
      await at.database.query('UPDATE leveret_outbox SET service = NULL');
      await billing.transaction((tx) => outbox.publish(tx, 'e', 'new', 1, { orderKey: 'a' }));
      const sender = new FakeSender();
      await using relay = new OutboxRelay(billing, sender, { retention: false }).start();
      await eventually('both are published', () => relay.stats.published === 2);
      expect(sender.sent.map(({ routingKey }) => routingKey)).to.deep.equal(['old', 'new']);
    });
  });
});

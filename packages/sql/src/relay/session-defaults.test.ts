import { silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { it } from 'mocha';
import mysql2 from 'mysql2/promise';
import { mysqlDatabase } from '../database/mysql-database.js';
import { Outbox } from '../outbox/outbox.js';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { eventually } from '../test-support/eventually.js';
import { FakeSender } from '../test-support/fake-sender.js';
import { OutboxRelay } from './outbox-relay.js';

describeOnEachDatabase(
  'OutboxRelay on connections that commit nothing by themselves',
  (at) => {
    it('publishes each message once', async () => {
      const pool = mysql2.createPool({ uri: at.url, connectionLimit: 5 });
      pool.on('connection', (connection) => {
        // The connection of the callback driver, whatever the types of the promised one say.
        (connection as unknown as { query(text: string): void }).query('SET SESSION autocommit = 0');
      });
      const database = mysqlDatabase(pool, { service: 'test' });
      const outbox = new Outbox(database);
      const sender = new FakeSender();
      const relay = new OutboxRelay(database, sender, { pollInterval: 10, lease: 100, logger: silentLogger }).start();
      try {
        for (let n = 0; n < 5; n++) await database.transaction((tx) => outbox.publish(tx, 'e', 'k', n));
        await eventually('all are published', () => relay.stats.published >= 5);
        // Long enough for the leases of what would not have been committed to end.
        const seen = relay.stats.polls;
        await eventually('it has looked again', () => relay.stats.polls > seen + 20);
        await relay.stop();
        expect(sender.bodies).to.deep.equal(['0', '1', '2', '3', '4']);
        expect((await at.database.query('SELECT count(*) AS n FROM leveret_outbox')).rows[0]?.['n']).to.equal(0);
      } finally {
        await relay.stop();
        await pool.end();
      }
    });
  },
  ({ service }) => service === 'mariadb',
);

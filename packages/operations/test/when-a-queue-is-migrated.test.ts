import {
  commitMigration,
  type MigrationStep,
  migrateQueue,
  OperationsSession,
  planOfMigration,
  rollBackMigration,
} from '@leveret/operations';
import type { ConsumeMessage } from 'amqplib';
import { expect } from 'chai';
import { after, before, it } from 'mocha';
import { onEachNode } from '../../../tools/scripts/each-broker.mjs';
import { ids, Outside, upTo } from './support/parking.js';

const STEPS = ['begin', 'declare', 'prepare', 'catch-up', 'bind', 'unbind', 'drain'] as const;

onEachNode('when a queue is migrated', (node) => {
  let outside: Outside;
  let session: OperationsSession;
  const open = () =>
    OperationsSession.connect({ connection: { urls: node.url }, management: { url: node.managementUrl } });

  before(async () => {
    outside = await Outside.open(node.url);
    session = await open();
  });
  after(async () => {
    // Undefined where all of this was skipped.
    await session?.close();
    await outside?.close();
  });

  /** A classic queue bound to a topic exchange, and the name of the new one. */
  async function setUp(name: string, args: Record<string, unknown> = {}) {
    const queue = await outside.queue(name, args);
    const exchange = `${queue}.topic`;
    await outside.channel.assertExchange(exchange, 'topic', { durable: false, autoDelete: true });
    await outside.channel.bindQueue(queue, exchange, 'order.#');
    let last = 0;
    const publish = async (count: number, key = 'order.paid') => {
      for (let n = 0; n < count; n++) {
        last++;
        outside.channel.publish(exchange, key, Buffer.from(`body ${last}`), {
          messageId: String(last),
          headers: { tenant: 'acme' },
        });
      }
      await outside.channel.waitForConfirms();
    };
    return { queue, exchange, to: `${queue}.v2`, publish, published: () => upTo(last) };
  }

  // Else each end waits for two counts of RabbitMQ, which are 5 s apart.
  const options = (queue: string) => ({ queue, nothingHeld: true });
  const exists = async (queue: string) => (await session.broker.queue(queue)) !== undefined;

  /** First sightings, which is what somebody handles who remembers ids. */
  const firsts = (taken: readonly ConsumeMessage[]) => [...new Set(ids(taken))];

  it('moves messages in order and as they were, and the bindings; the old queue goes at the commit', async function () {
    this.timeout(30_000);
    const { queue, to, publish } = await setUp('moves', { 'x-message-ttl': 600_000 });
    await publish(600);
    const report = await migrateQueue(session, options(queue));
    expect(report).to.eql({ from: queue, to, state: 'moved', why: undefined, moved: 600, consumers: 0 });
    await publish(2);
    expect(await outside.count(queue)).to.equal(0);
    outside.channel.sendToQueue(queue, Buffer.from('straight'), { messageId: 'straight' });
    await outside.channel.waitForConfirms();
    expect((await commitMigration(session, options(queue))).moved).to.equal(1);
    const taken = await outside.takeAll(to);
    expect(ids(taken)).to.eql([...upTo(602), 'straight']);
    expect(taken[0]?.content.toString()).to.equal('body 1');
    expect(taken[0]?.fields.routingKey).to.equal('order.paid');
    expect(taken[0]?.properties.headers).to.eql({ tenant: 'acme', 'x-leveret-moved-exchange': `${queue}.topic` });
    expect(await session.queueType(to)).to.equal('quorum');
    for (const gone of [queue, `leveret.migration.${queue}`]) expect(await exists(gone), gone).to.equal(false);
    expect(await session.broker.exchangeExists(`leveret.migrating.${queue}`)).to.equal(false);
    const again = await commitMigration(session, options(queue)).catch((caught: unknown) => caught);
    expect(again).to.include({ code: 'LEV_NOTHING_FOUND' });
    await session.broker.deleteQueue(to);
  });

  /** Begins, and dies at the nth call of a step. */
  async function die(work: typeof migrateQueue, queue: string, at: MigrationStep, meanwhile: () => Promise<void>) {
    const mortal = await open();
    let isDead = false;
    const onStep = (step: MigrationStep, moved: number) => {
      if (step !== at || (step === 'catch-up' && moved < 300)) return;
      isDead = true;
      void mortal.close();
      throw new Error(`died at ${step}`);
    };
    const error = await work(mortal, { ...options(queue), onStep }).catch((caught: unknown) => caught);
    expect(isDead, at).to.equal(true);
    expect(String(error)).to.match(/died at|connection|closed/i);
    await mortal.close();
    await meanwhile();
  }

  for (const step of STEPS) {
    it(`goes on after a process that died at ${step}: nothing is lost, doubles have the same id`, async function () {
      this.timeout(30_000);
      const { queue, to, publish, published } = await setUp(`died ${step}`);
      await publish(700);
      await die(migrateQueue, queue, step, () => publish(5));
      await migrateQueue(session, options(queue));
      await publish(5);
      expect((await commitMigration(session, options(queue))).state).to.equal('committed');
      const taken = await outside.takeAll(to);
      // What was published between two bindings may have come before the last of them; among each other they keep their order.
      expect(firsts(taken).filter((id) => Number(id) <= 700)).to.eql(upTo(700));
      expect(firsts(taken)).to.have.members(published());
      await session.broker.deleteQueue(to);
    });

    it(`leads back after a process that died at ${step}`, async function () {
      this.timeout(30_000);
      const { queue, to, publish, published } = await setUp(`back ${step}`);
      await publish(700);
      await die(migrateQueue, queue, step, () => publish(5));
      if (step === 'begin') {
        const error = await rollBackMigration(session, options(queue)).catch((caught: unknown) => caught);
        expect(error).to.include({ code: 'LEV_NOTHING_FOUND' });
      } else {
        expect((await rollBackMigration(session, options(queue))).state).to.equal('rolled-back');
      }
      await publish(5);
      expect(firsts(await outside.takeAll(queue))).to.have.members(published());
      expect(await exists(to)).to.equal(false);
    });
  }

  it('leads back after a process that died on the way back, and goes forward again', async function () {
    this.timeout(60_000);
    const { queue, to, publish, published } = await setUp('died back');
    await publish(700);
    await migrateQueue(session, options(queue));
    for (const step of ['prepare', 'catch-up', 'bind', 'unbind', 'drain', 'delete'] as const) {
      await migrateQueue(session, options(queue));
      await die(rollBackMigration, queue, step, () => publish(2));
    }
    expect((await rollBackMigration(session, options(queue))).state).to.equal('rolled-back');
    expect(await exists(to)).to.equal(false);
    const taken = await outside.takeAll(queue);
    expect(firsts(taken)).to.have.members(published());
  });

  it('waits for consumers, and for what consumers that have stopped still hold', async function () {
    this.timeout(120_000);
    const all = (name: string) => ({ queue: name });
    const { queue, to, publish } = await setUp('waits');
    await publish(3);
    const held: ConsumeMessage[] = [];
    const { consumerTag } = await outside.channel.consume(queue, (message) => message && held.push(message));
    while (held.length < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await migrateQueue(session, all(queue))).to.include({ moved: 0, consumers: 1 });
    expect(await commitMigration(session, all(queue))).to.include({ state: 'waiting', consumers: 1 });
    await outside.channel.cancel(consumerTag);
    const waiting = await commitMigration(session, all(queue));
    expect(waiting.state).to.equal('waiting');
    expect(waiting.why).to.include('3 of its messages are in hand');
    for (const message of held) outside.channel.nack(message);
    expect(await commitMigration(session, all(queue))).to.include({ state: 'committed', moved: 3 });
    expect(ids(await outside.takeAll(to))).to.eql(upTo(3));
    await session.broker.deleteQueue(to);
  });

  it('is not committed while something leads to the old queue', async function () {
    this.timeout(30_000);
    const { queue, exchange, to, publish } = await setUp('leads');
    const dead = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': queue };
    const retry = await outside.queue('leads retry', dead);
    await publish(1);
    await migrateQueue(session, options(queue));
    // As a service does that has not been deployed anew.
    await outside.channel.bindQueue(queue, exchange, 'order.#');
    const error = await commitMigration(session, options(queue)).catch((caught: unknown) => caught);
    expect(error).to.include({ code: 'LEV_OPERATION_REFUSED' });
    expect(String(error)).to.include(`${exchange}" (order.#)`).and.include(retry);
    await outside.channel.deleteQueue(retry);
    await migrateQueue(session, options(queue));
    await commitMigration(session, options(queue));
    expect(ids(await outside.takeAll(to))).to.eql(['1']);
    await session.broker.deleteQueue(to);
  });

  it('says what the new queue cannot have before it touches anything', async () => {
    const { queue, to } = await setUp('loses', { 'x-max-priority': 5, 'x-queue-version': 1 });
    const plan = await planOfMigration(session, queue);
    expect(plan.losses.map(({ name }) => name)).to.eql(['x-max-priority']);
    expect(plan.notes.join()).to.include('x-queue-version');
    const error = await migrateQueue(session, options(queue)).catch((caught: unknown) => caught);
    expect(error).to.include({ code: 'LEV_OPERATION_REFUSED' });
    expect(String(error)).to.include('x-max-priority');
    expect(await exists(to)).to.equal(false);
    const agreed = { ...options(queue), without: ['x-max-priority'], as: `${queue}.new` };
    expect(await migrateQueue(session, agreed)).to.include({ to: `${queue}.new`, state: 'moved' });
    const other = await migrateQueue(session, { ...options(queue), as: to }).catch((caught: unknown) => caught);
    expect(String(other)).to.include('is under way');
    await rollBackMigration(session, options(queue));
    const missing = await migrateQueue(session, options('no-such-queue')).catch((caught: unknown) => caught);
    expect(missing).to.include({ code: 'LEV_QUEUE_MISSING' });
  });
});

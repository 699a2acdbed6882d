import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { groupErrors, look, OperationsSession } from '@leveret/operations';
import { expect } from 'chai';
import { after, before, it } from 'mocha';
import { onEachNode } from '../../../tools/scripts/each-broker.mjs';
import { ids, KINDS, Outside, sessionOn, upTo } from './support/parking.js';

const COUNT = 40;
// A hundred of them, on every version: tools/operations/prove.mjs.
const VIEWS = 8;

onEachNode('when errors are looked at', (node) => {
  let outside: Outside;
  let session: OperationsSession;

  before(async () => {
    outside = await Outside.open(node.url);
    session = await sessionOn(node);
  });
  after(async () => {
    // Undefined where all of this was skipped.
    await session?.close();
    await outside?.close();
  });

  for (const [kind, args] of KINDS) {
    it(`leaves order and delivery counts of a ${kind} queue as they were, however often`, async function () {
      this.timeout(60_000);
      const queue = await outside.queue(kind, args);
      await outside.park(queue, COUNT, 'work');
      const first = await look(session, [queue]);
      for (let view = 1; view < VIEWS; view++) {
        const { messages } = await look(session, [queue]);
        expect(messages.map(({ key }) => key)).to.eql(first.messages.map(({ key }) => key));
      }
      expect(first.queues).to.eql([{ name: queue, messages: COUNT, isComplete: true, otherConsumers: 0, staged: 0 }]);
      const taken = await outside.takeAll(queue);
      expect(ids(taken)).to.eql(upTo(COUNT));
      for (const { properties } of taken) expect(properties.headers?.['x-delivery-count']).to.equal(undefined);
    });
  }

  it('asks a management API again that was on its way up', async () => {
    let asked = 0;
    const server = createServer((_request, response) => {
      response.writeHead(++asked === 1 ? 500 : 200).end('{}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const early = await OperationsSession.connect({ connection: { urls: node.url }, management: { url } });
    try {
      expect(await early.management().catch((error: Error) => error.message)).to.include('status 500');
      expect(await early.management()).to.include({ url });
      await early.management();
      expect(asked).to.equal(2);
    } finally {
      await early.close();
      server.close();
      server.closeAllConnections();
    }
  });

  it('shows a message as it was parked, also where a copy stands in its place', async () => {
    const queue = await outside.queue('as it was', { 'x-queue-type': 'quorum' });
    const death = { queue: 'work', reason: 'rejected', count: 2, exchange: 'orders', 'routing-keys': ['order.paid'] };
    const exchange = `${queue}.exchange`;
    await outside.channel.assertExchange(exchange, 'fanout', { durable: false, autoDelete: true });
    await outside.channel.bindQueue(queue, exchange, '');
    outside.channel.publish(exchange, 'some.key', Buffer.from([0, 255, 128]), {
      messageId: 'm',
      priority: 3,
      type: 'Order',
      headers: { CC: ['other'], 'x-death': [death], bytes: Buffer.from([1, 2]), deep: { list: [1, 'a', null] } },
    });
    await outside.channel.waitForConfirms();
    for (let view = 0; view < 3; view++) {
      const [parked] = (await look(session, [queue])).messages;
      expect(parked?.message).to.include({
        exchange,
        routingKey: 'some.key',
        messageId: 'm',
        priority: 3,
        type: 'Order',
      });
      expect(parked?.message.body).to.eql(Buffer.from([0, 255, 128]));
      expect(Object.keys(parked?.message.headers ?? {}).sort()).to.eql(['CC', 'bytes', 'deep', 'x-death']);
      expect(parked?.message.headers).to.deep.include({ CC: ['other'], deep: { list: [1, 'a', null] } });
      expect(parked?.failure).to.include({ source: 'dead-letter', queue: 'work', routingKey: 'order.paid' });
    }
  });

  it('has the order right after processes that died while they looked', async () => {
    const queue = await outside.queue('died', { 'x-queue-type': 'quorum', 'x-delivery-limit': 3 });
    await outside.park(queue, 20, 'work');
    for (let round = 0; round < 5; round++) {
      // Each death counts as a delivery: more of them than the limit are survived, because each look clears the count.
      await outside.takeAndDie(queue);
      const { messages } = await look(session, [queue]);
      expect(messages.map(({ message }) => message.messageId)).to.eql(upTo(20));
    }
    expect(ids(await outside.takeAll(queue))).to.eql(upTo(20));
  });

  it('puts what came in the middle of another look behind what was there', async () => {
    const queue = await outside.queue('middle', { 'x-queue-type': 'quorum' });
    await outside.park(queue, 10, 'work');
    await look(session, [queue]);
    await outside.park(queue, 5, 'work', 11);
    expect((await look(session, [queue])).messages.map(({ message }) => message.messageId)).to.eql(upTo(15));
  });

  it('serves several who look at once, one behind the other', async () => {
    const queue = await outside.queue('several', { 'x-queue-type': 'quorum' });
    await outside.park(queue, 30, 'work');
    const other = await OperationsSession.connect({ connection: { urls: node.url }, management: false });
    const looked = await Promise.all([session, other, session, other].map((each) => look(each, [queue])));
    for (const { messages } of looked) expect(messages.map(({ message }) => message.messageId)).to.eql(upTo(30));
    await other.close();
  });

  it('groups what failed in the same way', async () => {
    const queues = await Promise.all(['one', 'two', 'three'].map((name) => outside.queue(name)));
    for (const queue of queues) await outside.park(queue, 20, 'work');
    const groups = groupErrors((await look(session, queues)).messages);
    expect(groups.map(({ id, count }) => [id.at(-1), count])).to.eql(['0', '1', '2', '3', '4'].map((id) => [id, 12]));
    const [group] = groups;
    expect(group).to.include({ source: 'leveret', errorName: 'Error', reason: 'exhausted' });
    expect(group?.listeners).to.eql(['Orders.onPaid']);
    expect(group?.services).to.eql(['trade']);
    expect(group?.queues).to.eql([...queues].sort());
    expect(group?.firstSeen).to.equal(1_700_000_005_000);
    expect(group?.lastSeen).to.equal(1_700_000_030_000);
  });

  it('says which queue is not there', async () => {
    const error = await look(session, ['no-such-queue']).catch((caught: unknown) => caught);
    expect(error).to.include({ code: 'LEV_QUEUE_MISSING' });
  });
});

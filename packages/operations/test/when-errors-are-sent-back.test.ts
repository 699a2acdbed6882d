import {
  discard,
  edit,
  exportLine,
  importErrors,
  look,
  OperationsSession,
  retry,
  setValue,
  undoableDiscards,
  undoDiscard,
} from '@leveret/operations';
import { expect } from 'chai';
import { getMetadataStorage } from 'class-validator';
import { Leveret, listener, MemoryIdempotencyStore, republish } from 'leveret';
import { after, before, it } from 'mocha';
import { onEachNode } from '../../../tools/scripts/each-broker.mjs';
import { ids, KINDS, Outside, sessionOn, upTo } from './support/parking.js';

// What it puts on the global object is none of a test's.
getMetadataStorage();

onEachNode('when errors are sent back', (node) => {
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
    it(`sends those that are chosen from a ${kind} queue, in order, as they were, and leaves the others`, async () => {
      const work = await outside.queue(`work ${kind}`);
      const errors = await outside.queue(`errors ${kind}`, args);
      await outside.park(errors, 20, work);
      const report = await retry(session, { queues: [errors], selection: ['0000000000000001', '5'] });
      expect(report).to.deep.include({ sent: 5, left: 0, stopped: undefined });
      const sent = await outside.takeAll(work);
      expect(ids(sent)).to.eql(['1', '5', '6', '11', '16']);
      const { headers, contentType } = sent[0]?.properties ?? {};
      expect(contentType).to.equal('application/json');
      expect(sent[0]?.content.toString()).to.equal('{"id":1}');
      expect(Object.keys(headers ?? {}).sort()).to.eql(['x-leveret-retry-of', 'x-tenant']);
      const left = await outside.takeAll(errors);
      expect(ids(left)).to.eql(upTo(20).filter((id) => !['1', '5', '6', '11', '16'].includes(id)));
      for (const { properties } of left) expect(properties.headers?.['x-delivery-count']).to.equal(undefined);
      expect(await session.broker.queue(`leveret.retrying.${errors}`)).to.equal(undefined);
    });
  }

  it('says what it would do, and does nothing', async () => {
    const work = await outside.queue('dry');
    const errors = await outside.queue('dry errors');
    await outside.park(errors, 3, work);
    const report = await retry(session, { queues: [errors], selection: 'all', dryRun: true });
    expect(report.planned.map(({ target }) => target)).to.eql(Array(3).fill({ exchange: '', routingKey: work }));
    expect(await outside.count(work)).to.equal(0);
    expect(await outside.count(errors)).to.equal(3);
  });

  it('touches nothing when one of them has no place to go', async () => {
    const errors = await outside.queue('nowhere errors');
    await outside.park(errors, 3, 'a-queue-that-is-gone');
    const error = await retry(session, { queues: [errors], selection: 'all' }).catch((caught: unknown) => caught);
    expect(error).to.include({ code: 'LEV_OPERATION_REFUSED' });
    expect(String(error)).to.include('a-queue-that-is-gone');
    expect(ids(await outside.takeAll(errors))).to.eql(upTo(3));
  });

  it('finds the queue of what Spring has parked, and of dead letters', async () => {
    const work = await outside.queue('spring work', { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': '' });
    const errors = await outside.queue('spring errors');
    const exchange = `${work}.topic`;
    await outside.channel.assertExchange(exchange, 'topic', { durable: false, autoDelete: true });
    await outside.channel.bindQueue(work, exchange, 'order.#');
    const spring = { 'x-original-exchange': exchange, 'x-original-routingKey': 'order.paid.eu' };
    const headers = { ...spring, 'x-exception-message': 'card declined', __TypeId__: 'com.acme.Order' };
    outside.channel.sendToQueue(errors, Buffer.from('{}'), { messageId: 's', headers });
    const death = { queue: work, reason: 'rejected', count: 1, exchange, 'routing-keys': ['order.paid'] };
    outside.channel.sendToQueue(errors, Buffer.from('{}'), { messageId: 'd', headers: { 'x-death': [death] } });
    await outside.channel.waitForConfirms();
    expect((await retry(session, { queues: [errors], selection: 'all' })).sent).to.equal(2);
    const sent = await outside.takeAll(work);
    expect(ids(sent)).to.eql(['s', 'd']);
    expect(sent[0]?.properties.headers).to.include({ __TypeId__: 'com.acme.Order' });
    expect(Object.keys(sent[1]?.properties.headers ?? {})).to.eql(['x-leveret-retry-of']);
  });

  it('goes on with what a process had begun that was killed', async () => {
    const work = await outside.queue('killed work');
    const errors = await outside.queue('killed errors', { 'x-queue-type': 'quorum' });
    await outside.park(errors, 10, work);
    const stopped = await OperationsSession.connect({ connection: { urls: node.url }, management: false });
    let sent = 0;
    const dying = retry(stopped, {
      queues: [errors],
      selection: 'all',
      rate: 20,
      onProgress: ({ phase }) => {
        // The connection goes without a word, as it does with the process.
        if (phase === 'sending' && ++sent === 4) void stopped.close();
      },
    }).catch((caught: unknown) => caught);
    expect(await dying).to.include({ code: 'LEV_OPERATION_INTERRUPTED' });
    const looked = await look(session, [errors]);
    expect(looked.queues[0]?.staged).to.be.within(5, 7);
    const report = await retry(session, { queues: [errors], selection: 'all' });
    expect(report.resumed).to.be.within(5, 7);
    const arrived = ids(await outside.takeAll(work));
    expect([...new Set(arrived)].sort()).to.eql([...upTo(10)].sort());
    expect(arrived.length).to.be.at.most(11);
    expect(await outside.count(errors)).to.equal(0);
  });

  it('stops when it is asked to, and puts back what it had not sent', async () => {
    const work = await outside.queue('stopped work');
    const errors = await outside.queue('stopped errors');
    await outside.park(errors, 10, work);
    const stop = new AbortController();
    let sent = 0;
    const report = await retry(session, {
      queues: [errors],
      selection: 'all',
      rate: 50,
      signal: stop.signal,
      onProgress: () => {
        if (++sent === 3) stop.abort();
      },
    });
    expect(report.stopped).to.equal('aborted');
    expect(report.sent).to.be.within(3, 9);
    expect(report.left).to.equal(10 - report.sent);
    expect(ids(await outside.takeAll(work))).to.eql(upTo(report.sent));
    const left = upTo(report.left, report.sent + 1);
    expect((await look(session, [errors])).messages.map(({ message }) => message.messageId)).to.eql(left);
    expect((await retry(session, { queues: [errors], selection: 'all' })).sent).to.equal(report.left);
  });

  it('puts back what is staged of the next queue when a message is refused', async () => {
    const work = await outside.queue('refused work', { 'x-max-length': 2, 'x-overflow': 'reject-publish' });
    const queues = [await outside.queue('refused one'), await outside.queue('refused two')] as const;
    await outside.park(queues[0], 10, work);
    await outside.park(queues[1], 10, work, 11);
    const report = await retry(session, { queues, selection: 'all', rate: 50 });
    expect(report).to.include({ stopped: 'refused' });
    expect(report.sent + report.left).to.equal(20);
    const { messages, queues: looked } = await look(session, queues);
    expect(looked.map(({ staged }) => staged)).to.eql([0, 0]);
    const everywhere = [...ids(await outside.takeAll(work)), ...messages.map(({ message }) => message.messageId)];
    expect([...new Set(everywhere)]).to.have.members(upTo(20));
    expect(messages.filter(({ queue }) => queue === queues[1])).to.have.length(10);
  });

  it('keeps to the rate', async () => {
    const work = await outside.queue('rate work');
    const errors = await outside.queue('rate errors');
    await outside.park(errors, 30, work);
    const from = performance.now();
    await retry(session, { queues: [errors], selection: 'all', rate: 50 });
    // The first goes at once, and what a slow machine is late with may be made up for by five.
    expect(performance.now() - from).to.be.at.least((29 - 5) * 20);
  });

  it('lets as many wait for their turn as are in hand, without a warning of Node', async () => {
    const work = await outside.queue('waiting work');
    const errors = await outside.queue('waiting errors');
    await outside.park(errors, 30, work);
    const warnings: Error[] = [];
    const hear = (warning: Error) => warnings.push(warning);
    process.on('warning', hear);
    const signal = new AbortController().signal;
    await retry(session, { queues: [errors], selection: 'all', rate: 200, signal });
    // Warnings come a tick later.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', hear);
    expect(warnings.map(String)).to.deep.equal([]);
  });

  it('lets the others follow only when listeners have handled the first', async function () {
    this.timeout(20_000);
    const work = await outside.queue('canary work');
    const errors = await outside.queue('canary errors', { 'x-queue-type': 'quorum' });
    await outside.park(errors, 25, work);
    let isMended = false;
    const handled: unknown[] = [];
    const onOrder = listener(
      { id: 'onOrder', queue: work, payload: Object, recoverer: republish('', errors), retry: { maxAttempts: 1 } },
      async (_body: unknown, context) => {
        if (!isMended) throw new Error('not yet');
        handled.push(context.message.messageId);
      },
    );
    const app = await Leveret.start({
      connection: { urls: node.url },
      listeners: [onOrder],
      logger: 'silent',
      service: 'trade',
    });
    const options = { queues: [errors], selection: 'all', canary: 5, canaryTimeoutMs: 10_000 } as const;
    const failed = await retry(session, options);
    expect(failed).to.include({ stopped: 'canary-failed', sent: 5, left: 20 });
    expect(failed.canary).to.include({ sent: 5, handled: 0, failed: 5, silent: 0 });
    expect(failed.canary?.outcomes[0]).to.include({ outcome: 'recovered', listener: 'onOrder', error: 'not yet' });
    const parked = (await look(session, [errors])).messages;
    // Those that failed again are parked again, behind the others.
    expect(parked.map(({ message }) => message.messageId)).to.have.members(upTo(25));
    expect(parked.slice(0, 20).map(({ message }) => message.messageId)).to.eql(upTo(20, 6));
    expect(parked.at(-1)?.failure).to.include({ service: 'trade', errorMessage: 'not yet', queue: work });
    isMended = true;
    const mended = await retry(session, options);
    expect(mended).to.include({ stopped: undefined, sent: 25, left: 0 });
    expect(mended.canary).to.include({ handled: 5, failed: 0, silent: 0 });
    await app.close();
    expect(handled).to.have.members(upTo(25));
    expect(handled).to.have.length(25);
  });

  it('says that nothing was heard of the first, and sends no others', async () => {
    const work = await outside.queue('silent work');
    const errors = await outside.queue('silent errors');
    await outside.park(errors, 5, work);
    const report = await retry(session, { queues: [errors], selection: 'all', canary: 2, canaryTimeoutMs: 200 });
    expect(report).to.include({ stopped: 'canary-silent', sent: 2, left: 3 });
    expect(report.canary).to.include({ silent: 2 });
    expect(await outside.count(errors)).to.equal(3);
  });

  it('edits: a new id with a link, the rest as it was', async () => {
    const work = await outside.queue('edit work');
    const errors = await outside.queue('edit errors', { 'x-queue-type': 'quorum' });
    await outside.park(errors, 3, work);
    const body = Buffer.from(setValue('{"id":2}', 'id=22'));
    const report = await edit(session, { queues: [errors], id: '2', change: { body } });
    const [sent] = await outside.takeAll(work);
    expect(sent?.content.toString()).to.equal('{"id":22}');
    expect(sent?.properties.messageId).to.equal(report.messageId).and.not.equal('2');
    expect(sent?.properties.headers).to.include({ 'x-leveret-edit-of': '2', 'x-tenant': 'acme' });
    expect(ids(await outside.takeAll(errors))).to.eql(['1', '3']);
  });

  it('is handled once by a listener that remembers ids: a double is dropped, an edited message is not', async function () {
    this.timeout(20_000);
    const work = await outside.queue('inbox work');
    const errors = await outside.queue('inbox errors');
    await outside.park(errors, 2, work);
    const handled: unknown[] = [];
    const onOrder = listener(
      { id: 'onOrder', queue: work, payload: Object, idempotent: true },
      async (body: unknown, { message }) => {
        handled.push([message.messageId, body]);
      },
    );
    const app = await Leveret.start({
      connection: { urls: node.url },
      listeners: [onOrder],
      idempotency: { store: new MemoryIdempotencyStore() },
      logger: 'silent',
    });
    const until = async (done: () => boolean) => {
      const end = performance.now() + 15_000;
      while (!done() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
      expect(done()).to.equal(true);
    };
    const counts = () => app.listeners.get('onOrder').inspect().counts;
    await retry(session, { queues: [errors], selection: ['1'] });
    await until(() => handled.length === 1);
    // As when a process was killed behind the confirm of a copy: the same message comes again, with its id.
    await outside.park(errors, 1, work);
    await retry(session, { queues: [errors], selection: ['1'] });
    await until(() => counts().duplicates === 1);
    await outside.park(errors, 1, work);
    const body = Buffer.from(setValue('{"id":1}', 'id=11'));
    const { messageId } = await edit(session, { queues: [errors], id: '1', change: { body } });
    await until(() => handled.length === 2);
    expect(handled).to.eql([
      ['1', { id: 1 }],
      [messageId, { id: 11 }],
    ]);
    await app.close();
  });

  it('throws away, and has it back for a while', async () => {
    const errors = await outside.queue('discard errors', { 'x-queue-type': 'quorum' });
    await outside.park(errors, 4, 'work');
    const gone = await discard(session, { queues: [errors], selection: ['2', '3'], undoForMs: 60_000 });
    expect(gone.discarded).to.equal(2);
    expect((await look(session, [errors])).messages.map(({ message }) => message.messageId)).to.eql(['1', '4']);
    const listed = async () => (await undoableDiscards(session)).find(({ undo }) => undo === gone.undo);
    const found = await listed();
    expect(found).to.deep.include({ messages: 2, queues: [errors] });
    expect(found?.undoUntil).to.be.within(Date.now() + 30_000, Date.now() + 60_000);
    expect(await undoDiscard(session, gone.undo ?? '')).to.equal(2);
    expect(await listed()).to.equal(undefined);
    const back = (await look(session, [errors])).messages;
    expect(back.map(({ message }) => message.messageId)).to.eql(['1', '4', '2', '3']);
    expect(back[2]?.failure).to.include({ source: 'leveret', queue: 'work' });
    expect((await discard(session, { queues: [errors], selection: 'all' })).discarded).to.equal(4);
    expect(await outside.count(errors)).to.equal(0);
  });

  it('exports and imports byte for byte, and leaves out what is there already', async () => {
    const errors = await outside.queue('export errors', { 'x-queue-type': 'quorum' });
    const other = await outside.queue('import errors');
    await outside.park(errors, 2, 'work');
    const headers = { bytes: Buffer.from([0, 255]), deep: { $type: 'x', list: [1.5, null, true] } };
    outside.channel.sendToQueue(errors, Buffer.from([0xff, 0xfe, 0]), { messageId: 'binary', headers });
    await outside.channel.waitForConfirms();
    const { messages } = await look(session, [errors]);
    const lines = messages.map(exportLine);
    expect(await importErrors(session, lines, { to: other })).to.eql({ imported: 3, present: 0 });
    expect(await importErrors(session, lines, { to: other })).to.eql({ imported: 0, present: 3 });
    const again = (await look(session, [other])).messages;
    expect(again.map(({ key }) => key)).to.eql(messages.map(({ key }) => key));
    for (const [index, { message }] of again.entries()) {
      const { redelivered: _r, deliveryMode: _d, ...now } = message;
      const { redelivered: _s, deliveryMode: _e, ...then } = messages[index]?.message ?? ({} as never);
      expect(now).to.eql(then);
    }
  });
});

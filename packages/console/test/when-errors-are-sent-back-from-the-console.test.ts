import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MASK, type RunningConsole, startConsole } from '@leveret/console';
import { silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { Leveret, listener, republish } from 'leveret';
import { after, before, it } from 'mocha';
import { onEachNode } from '../../../tools/scripts/each-broker.mjs';
import { ErrorQueues, idsOf, TYPES, upTo } from './support/error-queues.js';
import { managementAnswers, PageClient, TOKENS, until } from './support/page-client.js';

onEachNode('when errors are sent back from the console', (node) => {
  let queues: ErrorQueues;
  const consoles: RunningConsole[] = [];

  before(async () => {
    queues = await ErrorQueues.open(node.url);
    await managementAnswers(node.managementUrl);
  });
  after(async () => {
    await Promise.all(consoles.map((each) => each.close()));
    await queues?.close();
  });

  async function open(options: Parameters<typeof startConsole>[0] = {}): Promise<PageClient> {
    const running = await startConsole({
      connection: { urls: node.url },
      management: { url: node.managementUrl },
      tokens: TOKENS,
      port: 0,
      logger: silentLogger,
      lookAgainAfter: 0,
      ...options,
    });
    consoles.push(running);
    return PageClient.login(running.url, TOKENS.operate, 'anna');
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look at what they expect
  function ended(page: PageClient, { id }: { id: string }): Promise<any> {
    return until(
      'the end of the job',
      async () => {
        const job = await page.ok(`api/jobs/${id}`);
        return job.endedAt !== undefined && job;
      },
      60_000,
    );
  }

  for (const type of TYPES) {
    it(`leaves 995 of a ${type} queue alone when a canary of five fails again`, async function () {
      this.timeout(60_000);
      const [work, errors] = [await queues.declare('work', type), await queues.declare('errors', type)];
      await queues.park(errors, work, 1000);
      const failing = listener(
        {
          queue: { name: work, declare: false },
          payload: Object,
          retry: { maxAttempts: 1 },
          recoverer: republish('', errors),
        },
        ({ id }: { id?: number }) => {
          throw new Error(`still down for card 4111-${id}-1234`);
        },
      );
      await using _app = await Leveret.start({
        connection: { urls: node.url },
        listeners: [failing],
        logger: 'silent',
      });
      const page = await open({ queues: [errors], mask: ['card.number'] });
      const job = await page.ok('api/errors/retry', { selection: 'all', canary: 5 });
      expect(job).to.include({ kind: 'retry', who: 'anna (token of operate)' });
      const done = await ended(page, job);
      expect(done).to.include({ phase: 'stopped', stopped: 'canary-failed', sent: 5, total: 1000, left: 995 });
      expect(done.canary).to.include({ sent: 5, handled: 0 });
      expect(done.canary.failed).to.be.at.least(1);
      expect(done.canary.errors[0]).to.include(`still down for card ${MASK}`);
      await until('the five to be parked again', async () => (await queues.count(errors)) === 1000);
      // The others are where they were, in their order, and the five behind them.
      const taken = idsOf(await queues.takeAll(errors));
      expect(taken.slice(0, 995)).to.eql(upTo(1000).slice(5));
      expect(taken.slice(995).toSorted((a, b) => a - b)).to.eql(upTo(5));
      const audit = await page.ok('api/audit');
      expect(audit.map(({ what, ok }: { what: string; ok: boolean }) => [what, ok])).to.deep.include.members([
        ['errors.retry', true],
        ['errors.retry.end', false],
      ]);
    });
  }

  it('sends a canary first and the others behind it at the rate, each once, whoever looks', async function () {
    this.timeout(60_000);
    const [work, errors] = [await queues.declare('work'), await queues.declare('errors')];
    await queues.park(errors, work, 205);
    const times: number[] = [];
    const handled: number[] = [];
    const mended = listener({ queue: { name: work, declare: false }, payload: Object }, ({ id }: { id?: number }) => {
      handled.push(Number(id));
      times.push(performance.now());
    });
    await using _app = await Leveret.start({ connection: { urls: node.url }, listeners: [mended], logger: 'silent' });
    const page = await open({ queues: [errors] });
    const events = await page.events();
    const job = await page.ok('api/errors/retry', { selection: 'all', canary: 5, rate: 50 });
    await until('half of them', async () => (await page.ok(`api/jobs/${job.id}`)).sent > 100);
    // As a page does that is loaded again.
    const [listed] = await page.ok('api/jobs');
    expect(listed).to.include({ id: job.id, phase: 'sending', total: 205 });
    expect((await page.post('api/errors/retry', { selection: 'all' })).status).to.equal(409);
    const done = await ended(page, job);
    expect(done, JSON.stringify(done)).to.include({ phase: 'done', sent: 205, total: 205, left: 0 });
    expect(done.canary).to.include({ sent: 5, handled: 5, failed: 0, silent: 0 });
    await until('all to be handled', () => handled.length >= 205);
    expect(handled.toSorted((a, b) => a - b)).to.eql(upTo(205));
    const seconds = ((times.at(-1) ?? 0) - (times[5] ?? 0)) / 1000;
    expect(199 / seconds).to.be.within(45, 55);
    const jobs = () => events.seen.filter(({ event }) => event === 'job').map(({ data }) => data);
    await until('the page to be told', () => jobs().some(({ phase }) => phase === 'done'));
    const told = jobs();
    expect(told.at(-1)).to.include({ phase: 'done', sent: 205 });
    expect(told.filter(({ phase }) => phase === 'sending').length).to.be.above(5);
    events.close();
  });

  it('stops when it is told to: what was not sent is parked', async function () {
    this.timeout(60_000);
    const [work, errors] = [await queues.declare('work'), await queues.declare('errors')];
    await queues.park(errors, work, 100);
    const page = await open({ queues: [errors] });
    const job = await page.ok('api/errors/retry', { selection: 'all', rate: 20 });
    await until('some to be sent', async () => (await page.ok(`api/jobs/${job.id}`)).sent >= 5);
    await page.ok(`api/jobs/${job.id}/stop`, {});
    const done = await ended(page, job);
    expect(done).to.include({ phase: 'stopped', stopped: 'aborted' });
    expect(done.sent + done.left).to.equal(100);
    expect(await queues.count(work)).to.equal(done.sent);
    expect(await queues.count(errors)).to.equal(done.left);
    expect((await page.post('api/jobs/0/stop', {})).status).to.equal(404);
  });

  it('touches nothing when one of them has no place to go', async () => {
    const errors = await queues.declare('errors');
    await queues.park(errors, 'is-not-there', 3);
    const page = await open({ queues: [errors] });
    const done = await ended(page, await page.ok('api/errors/retry', { selection: 'all' }));
    expect(done).to.deep.include({ phase: 'failed', sent: 0 });
    expect(done.error).to.include({ code: 'LEV_OPERATION_REFUSED' });
    expect(await queues.count(errors)).to.equal(3);
  });

  it('sends an edited message with a new id and a link, and the original where it was masked', async () => {
    const [work, errors] = [await queues.declare('work'), await queues.declare('errors')];
    await queues.park(errors, work, 2);
    const page = await open({ queues: [errors], mask: ['card.number'] });
    const [{ id }] = (await page.ok('api/errors')).groups.filter(({ id }: { id: string }) => id.endsWith('1'));
    const [{ key }] = (await page.ok(`api/errors/groups/${id}/messages`)).messages;
    const { body } = await page.ok(`api/errors/messages/${key}`);
    expect(body).to.deep.include({ masked: ['card.number'], truncated: false });
    const edit = {
      key,
      queue: errors,
      body: body.text.replace('"id": 1', '"id": 100'),
      headers: { 'x-tenant': null, 'x-new': 'yes' },
    };
    const plan = await page.ok('api/errors/edit/plan', edit);
    expect(plan).to.deep.include({ sent: false, target: { exchange: '', routingKey: work } });
    expect(JSON.parse(plan.before)).to.eql({ id: 1, card: { number: MASK } });
    expect(JSON.parse(plan.after)).to.eql({ id: 100, card: { number: MASK } });
    expect(plan.headersAfter).to.eql({ 'x-new': 'yes' });
    expect(await queues.count(work)).to.equal(0);
    const sent = await page.ok('api/errors/edit', edit);
    expect(sent).to.include({ sent: true, messageId: plan.messageId });
    const [message] = await queues.takeAll(work);
    expect(message?.content.toString()).to.equal('{"id":100,"card":{"number":"4111-1-1234"}}');
    expect(message?.properties.messageId).to.equal(plan.messageId);
    expect(message?.properties.headers).to.deep.equal({
      'x-new': 'yes',
      'x-leveret-edit-of': '1',
      'x-leveret-retry-of': key,
    });
    expect(await queues.count(errors)).to.equal(1);
    expect((await page.post('api/errors/edit', edit)).status).to.equal(404);
  });

  it('refuses an edit that would send a placeholder, or changes nothing', async () => {
    const [work, errors] = [await queues.declare('work'), await queues.declare('errors')];
    await queues.park(errors, work, 1);
    const page = await open({ queues: [errors], mask: ['card.number'] });
    const [{ sampleKey: key }] = (await page.ok('api/errors')).groups;
    for (const change of [
      { body: `{"other":"${MASK}"}` },
      { body: `{"card":{"number":"${MASK}"},}` },
      { headers: { 'x-other': MASK } },
      {},
      { headers: { 'x-leveret-queue': 'x' } },
    ]) {
      expect(
        (await page.post('api/errors/edit', { key, queue: errors, ...change })).status,
        JSON.stringify(change),
      ).to.equal(400);
    }
    expect(await queues.count(errors)).to.equal(1);
    expect(await queues.count(work)).to.equal(0);
  });

  it('throws away with a way back', async () => {
    const [work, errors] = [await queues.declare('work'), await queues.declare('errors')];
    await queues.park(errors, work, 10);
    const page = await open({ queues: [errors] });
    const { discarded, undo, undoUntil } = await page.ok('api/errors/discard', { selection: ['0000000000000001'] });
    expect(discarded).to.equal(2);
    expect(undoUntil).to.be.above(Date.now());
    expect(await queues.count(errors)).to.equal(8);
    const [listed, ...others] = await page.ok('api/errors/discards');
    expect([listed.undo, listed.who, others]).to.eql([undo, 'anna (token of operate)', []]);
    // Also one that is started anew, and none that shows other queues.
    const anew = await open({ queues: [errors] });
    const [found] = await anew.ok('api/errors/discards');
    expect(found).to.include({ undo, discarded: 2 }).and.not.have.property('who');
    expect(found.queues).to.eql([errors]);
    expect(found.undoUntil).to.be.within(undoUntil - 5000, undoUntil);
    expect(await (await open({ queues: [work] })).ok('api/errors/discards')).to.eql([]);
    const withoutManagement = await open({ queues: [errors], management: false });
    expect(await withoutManagement.ok('api/errors/discards')).to.eql([]);
    expect(await page.ok('api/errors/discard/undo', { undo })).to.eql({ back: 2 });
    expect(await queues.count(errors)).to.equal(10);
    for (const each of [page, anew]) expect(await each.ok('api/errors/discards')).to.eql([]);
    expect((await page.post('api/errors/discard/undo', { undo })).status).to.equal(404);
    expect((await page.post('api/errors/discard/undo', { undo: `../${undo.slice(3)}` })).status).to.equal(400);
  });

  it('keeps who did what in a queue, and in a file, and does nothing when it cannot', async () => {
    const [work, errors, kept] = [
      await queues.declare('work'),
      await queues.declare('errors'),
      await queues.declare('audit'),
    ];
    await queues.channel.deleteQueue(kept);
    await queues.park(errors, work, 4);
    const page = await open({ queues: [errors], audit: { queue: kept } });
    await page.ok('api/errors/discard', { selection: ['0000000000000001'] });
    const entries = (await queues.takeAll(kept)).map(({ content, properties }) => {
      expect(properties).to.include({ deliveryMode: 2, contentType: 'application/json', type: 'leveret.audit' });
      return JSON.parse(content.toString());
    });
    expect(entries.map(({ what, who, ok }) => [what, who, ok])).to.eql([
      ['session.login', 'anna (token of operate)', true],
      ['errors.discard', 'anna (token of operate)', true],
      ['errors.discard.end', 'anna (token of operate)', true],
    ]);
    expect(entries[2]).to.deep.include({ count: 1, ids: ['0000000000000001'] });

    const folder = mkdtempSync(join(tmpdir(), 'leveret-console-'));
    try {
      const file = join(folder, 'audit.jsonl');
      const other = await open({ queues: [errors], audit: { file } });
      await other.ok('api/errors/discard', { selection: ['0000000000000002'] });
      const lines = readFileSync(file, 'utf8').trim().split('\n');
      expect(lines.map((line) => JSON.parse(line).what)).to.eql([
        'session.login',
        'errors.discard',
        'errors.discard.end',
      ]);
      const unwritable = await open({ queues: [errors], audit: { file: join(folder, 'no', 'such', 'folder') } });
      const { status, json } = await unwritable.post('api/errors/discard', { selection: 'all' });
      expect(status).to.equal(503);
      expect(json.error.message).to.include('Nothing was done');
      expect(await queues.count(errors)).to.equal(2);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

import { MASK, type RunningConsole, startConsole } from '@leveret/console';
import { silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { after, before, it } from 'mocha';
import { onEachNode } from '../../../tools/scripts/each-broker.mjs';
import { ErrorQueues, idsOf, TYPES, upTo } from './support/error-queues.js';
import { managementAnswers, PageClient, TOKENS, until } from './support/page-client.js';

onEachNode('when errors are looked at in the console', (node) => {
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

  async function open(options: Parameters<typeof startConsole>[0] = {}, token = TOKENS.operate): Promise<PageClient> {
    const running = await startConsole({
      connection: { urls: node.url },
      management: { url: node.managementUrl },
      tokens: TOKENS,
      port: 0,
      logger: silentLogger,
      ...options,
    });
    consoles.push(running);
    return PageClient.login(running.url, token);
  }

  for (const type of TYPES) {
    it(`shows 1,000 messages of five kinds in three ${type} queues as five groups, within 2 s`, async function () {
      this.timeout(60_000);
      const named = [await queues.declare('a', type), await queues.declare('b', type), await queues.declare('c', type)];
      const [a = '', b = '', c = ''] = named;
      await queues.park(a, 'work', 400);
      await queues.park(b, 'work', 300, 401);
      await queues.park(c, 'work', 300, 701);
      const page = await open({ queues: named });
      const from = performance.now();
      const { groups, queues: looked } = await page.ok('api/errors');
      expect(performance.now() - from).to.be.below(2000);
      expect(groups.map(({ count }: { count: number }) => count)).to.eql([200, 200, 200, 200, 200]);
      expect(looked.map(({ messages }: { messages: number }) => messages)).to.eql([400, 300, 300]);
      for (const { histogram, queues: parkedIn } of groups) {
        expect(histogram.counts.reduce((sum: number, count: number) => sum + count, 0)).to.equal(200);
        expect(parkedIn).to.eql(named.toSorted());
      }
      // Every message of a group, page by page, each once.
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const next: string = after === undefined ? '' : `&after=${encodeURIComponent(after)}`;
        const answer = await page.ok(`api/errors/groups/${groups[0].id}/messages?limit=70${next}`);
        expect(answer.total).to.equal(200);
        seen.push(...answer.messages.map(({ messageId }: { messageId: string }) => messageId));
        after = answer.next;
      } while (after !== undefined);
      expect(new Set(seen).size).to.equal(200);
      expect(seen).to.have.length(200);
    });

    it(`leaves order and delivery counts of a ${type} queue as they were, after a hundred views`, async function () {
      this.timeout(120_000);
      const queue = await queues.declare('views', type);
      await queues.park(queue, 'work', 20);
      const page = await open({ queues: [queue], lookAgainAfter: 0 });
      let first: unknown;
      for (let view = 0; view < 100; view++) {
        const { messages } = await page.ok(`api/errors/groups/0000000000000001/messages`);
        first ??= messages;
        expect(messages).to.eql(first);
      }
      const taken = await queues.takeAll(queue);
      expect(idsOf(taken)).to.eql(upTo(20));
      for (const { properties } of taken) expect(properties.headers?.['x-delivery-count']).to.equal(undefined);
    });
  }

  it('shares looks between those who look at the same time, and those who look a moment later', async () => {
    const queue = await queues.declare('shared');
    await queues.park(queue, 'work', 5);
    const page = await open({ queues: [queue], lookAgainAfter: '1m' });
    const [first, ...others] = await Promise.all(Array.from({ length: 20 }, () => page.ok('api/errors')));
    for (const each of others) expect(each.lookedAt).to.equal(first.lookedAt);
    await queues.park(queue, 'work', 1, 6);
    expect(
      (await page.ok('api/errors')).groups.reduce((sum: number, { count }: { count: number }) => sum + count, 0),
    ).to.equal(5);
    expect((await page.ok('api/errors?refresh=1')).queues[0].messages).to.equal(6);
  });

  it('shows a message with body, headers, time line and target', async () => {
    const [work, queue] = [await queues.declare('work'), await queues.declare('one')];
    await queues.park(queue, work, 1);
    const page = await open({ queues: [queue] });
    const [group] = (await page.ok('api/errors')).groups;
    const message = await page.ok(`api/errors/messages/${group.sampleKey}?queue=${queue}`);
    expect(message).to.deep.include({
      queue,
      messageId: '1',
      routingKey: queue,
      ownHeaders: ['x-tenant'],
      target: { exchange: '', routingKey: work },
    });
    expect(JSON.parse(message.body.text)).to.eql({ id: 1, card: { number: '4111-1-1234' } });
    expect(message.failure).to.include({
      listener: 'Orders.onPaid',
      attempts: 3,
      errorMessage: 'card 4111-1-1234 was declined',
    });
    expect(message.timeline.map(({ what }: { what: string }) => what)).to.eql(['published', 'attempts', 'parked']);
    expect((await page.get(`api/errors/messages/000000000000?queue=${queue}`)).status).to.equal(404);
  });

  it('says where a message could go to nobody', async () => {
    const queue = await queues.declare('no-target');
    await queues.park(queue, 'nowhere-at-all', 1);
    const page = await open({ queues: [queue] });
    const [group] = (await page.ok('api/errors')).groups;
    const { target, noTarget } = await page.ok(`api/errors/messages/${group.sampleKey}`);
    expect(target).to.equal(undefined);
    expect(noTarget).to.include('nowhere-at-all');
    const plan = await page.ok('api/errors/retry/plan', { selection: [group.id] });
    expect(plan.faults.join()).to.include('nowhere-at-all');
  });

  it('masks on the server, in everything that it answers', async () => {
    const [work, queue] = [await queues.declare('work'), await queues.declare('masked')];
    await queues.park(queue, work, 3, 1, { 'x-card': '4111-header', card: { number: 'in a header' } });
    queues.channel.sendToQueue(queue, Buffer.from('{"card":{"number":"4111-broken"},}'), { messageId: 'broken' });
    await queues.channel.waitForConfirms();
    const page = await open({ queues: [queue], mask: ['card.number', 'x-card'] });
    const events = await page.events();
    const answers: string[] = [];
    for (const path of ['api/errors', 'api/errors/groups/0000000000000001/messages', 'api/errors/export']) {
      answers.push((await page.get(path)).text);
    }
    const { groups } = await page.ok('api/errors');
    for (const { id } of groups) {
      for (const { key } of (await page.ok(`api/errors/groups/${id}/messages`)).messages) {
        answers.push((await page.get(`api/errors/messages/${key}`)).text);
        answers.push((await page.post('api/errors/edit/plan', { key, queue, headers: { 'x-tenant': 'b' } })).text);
      }
    }
    await until('the entry of the export', () =>
      events.seen.some(({ event, data }) => event === 'audit' && data.what === 'errors.export'),
    );
    answers.push(JSON.stringify(events.seen), (await page.get('api/audit')).text);
    events.close();
    for (const text of answers) expect(text).to.not.match(/4111-|in a header/);
    expect(answers.join('')).to.include(MASK);
    expect((await page.ok('api/session')).masked).to.eql(['card.number', 'x-card']);
  });

  it('takes hostile payloads for data', async () => {
    const queue = await queues.declare('hostile');
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    const bodies = [
      '<script>alert(1)</script>',
      '{"__proto__":{"polluted":true},"constructor":1}',
      deep,
      '\u0000\u0001',
      '{"a":"\\ud800"}',
      'x'.repeat(1_000_000),
    ];
    for (const [index, body] of bodies.entries()) {
      queues.channel.sendToQueue(queue, Buffer.from(body), {
        messageId: `<img src=x onerror=alert(${index})>`,
        contentType: 'text/html',
        headers: {
          '<b>': '</script><script>alert(2)</script>',
          __proto__: { polluted: 1 },
          'x-leveret-fingerprint': '<i>',
          'x-leveret-last-failed-at': '+275760-09-13T00:00:00.000Z',
        },
      });
    }
    await queues.channel.waitForConfirms();
    const page = await open({ queues: [queue] });
    const errors = await page.get('api/errors');
    expect(errors.status).to.equal(200);
    expect(errors.headers['content-type']).to.equal('application/json; charset=utf-8');
    expect(errors.json.groups).to.have.length(1);
    const list = await page.ok(`api/errors/groups/${encodeURIComponent('<i>')}/messages`);
    expect(list.messages).to.have.length(bodies.length);
    for (const { key } of list.messages) {
      const message = await page.ok(`api/errors/messages/${key}`);
      expect(message.body.text.length).to.be.at.most(262_144);
    }
    expect(({} as { polluted?: unknown }).polluted).to.equal(undefined);
  });

  it('shows what it can without a management API, and says what it cannot', async () => {
    const queue = await queues.declare('named', 'quorum');
    await queues.park(queue, 'work', 2);
    const page = await open({ management: false, queues: [queue, 'is-not-there'] });
    const { broker, features, cannotShow } = await page.ok('api/session');
    expect(broker.management).to.equal(false);
    expect(features.topology).to.equal(false);
    expect(cannotShow.join(' ')).to.include('management HTTP API');
    expect(await page.ok('api/errors/queues')).to.eql([
      { name: queue, type: 'quorum', messages: 2, consumers: 0, because: 'it was named', staged: 0 },
    ]);
    expect((await page.get('api/topology')).status).to.equal(409);
    const none = await open({ management: false });
    const { status, json } = await none.get('api/errors');
    expect(status).to.equal(409);
    expect(json.error.message).to.include('Name the queues');
  });

  it('draws the topology, with error queues and consumers', async () => {
    const errors = await queues.declare('graph-errors');
    const work = `${errors}-work`;
    const exchange = `${errors}-exchange`;
    await queues.channel.assertExchange(exchange, 'topic', { durable: false, autoDelete: true });
    await queues.channel.assertQueue(work, { durable: true, deadLetterExchange: '', deadLetterRoutingKey: errors });
    await queues.channel.bindQueue(work, exchange, 'order.#');
    const page = await open();
    const { nodes, edges } = await until('the topology', async () => {
      const topology = await page.ok('api/topology');
      return (
        topology.edges.some(
          ({ kind, from }: { kind: string; from: string }) => kind === 'binding' && from === `exchange:${exchange}`,
        ) && topology
      );
    });
    expect(nodes).to.deep.include.members([
      { id: `exchange:${exchange}`, kind: 'exchange', name: exchange, type: 'topic' },
    ]);
    expect(nodes.find(({ id }: { id: string }) => id === `queue:${errors}`).role).to.equal('error');
    expect(edges).to.deep.include.members([
      { from: `exchange:${exchange}`, to: `queue:${work}`, kind: 'binding', label: 'order.#' },
      { from: `queue:${work}`, to: `queue:${errors}`, kind: 'dead-letter', label: '' },
    ]);
    await queues.channel.deleteQueue(work);
  });

  it('tells open pages how full queues are, and a page that comes back what it missed', async function () {
    this.timeout(30_000);
    const queue = await queues.declare('live');
    const page = await open({ queues: [queue] });
    const events = await page.events();
    await until('the first count', () =>
      events.seen.some(({ event, data }) => event === 'queues' && data[0].messages === 0),
    );
    await queues.park(queue, 'work', 3);
    await until('the next count', () =>
      events.seen.some(({ event, data }) => event === 'queues' && data[0]?.messages === 3),
    );
    await page.get('api/errors/export');
    const last = await until('an entry', () => events.seen.find(({ event }) => event === 'audit'));
    events.close();
    const before = Number(last.id.split('-')[1]) - 1;
    const again = await page.events(`${last.id.split('-')[0]}-${before}`);
    await until('what was missed', () =>
      again.seen.some(({ event, data }) => event === 'audit' && data.what === 'errors.export'),
    );
    again.close();
  });
});

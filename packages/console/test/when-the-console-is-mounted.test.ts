import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ConsoleHandler, type ConsoleOptions, consoleHandler } from '@leveret/console';
import { ConfigurationError, silentLogger } from '@leveret/core';
import { migrate, Outbox, OutboxRelay, sqliteDatabase } from '@leveret/sql';
import { expect } from 'chai';
import express from 'express';
import fastify from 'fastify';
import { Leveret, listener, schedule } from 'leveret';
import Libsql from 'libsql';
import { after, afterEach, before, it } from 'mocha';
import { onEachNode } from '../../../tools/scripts/each-broker.mjs';
import { ErrorQueues } from './support/error-queues.js';
import { PageClient, TOKENS, until } from './support/page-client.js';

onEachNode('when the console is mounted into an application', (node) => {
  let queues: ErrorQueues;
  const closing: (() => unknown)[] = [];

  before(async () => {
    queues = await ErrorQueues.open(node.url);
  });
  after(async () => {
    await queues?.close();
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  function handler(options: Partial<ConsoleOptions> = {}): ConsoleHandler {
    const page = consoleHandler({
      connection: { urls: node.url },
      management: { url: node.managementUrl },
      logger: silentLogger,
      ...(options.authorize === undefined ? { tokens: TOKENS } : {}),
      ...options,
    });
    closing.push(() => page.close());
    return page;
  }

  async function listening(server: Server): Promise<string> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => {
      server.close();
      server.closeAllConnections();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async function expectPageAt(url: string): Promise<PageClient> {
    const stranger = new PageClient(url);
    const { status, headers } = await stranger.get(url.slice(0, -1));
    expect([status, headers.location]).to.eql([308, 'leveret/']);
    expect((await stranger.get(url)).text).to.match(/<!doctype html>/i);
    const { headers: login } = await stranger.post('api/session', { token: TOKENS.operate });
    expect(login['set-cookie']?.[0]).to.include('Path=/ops/leveret/; ').and.include('HttpOnly; SameSite=Strict');
    const page = await PageClient.login(url, TOKENS.operate);
    expect(await page.ok('api/jobs')).to.eql([]);
    expect((await page.post('api/errors/retry', { selection: 1 })).status).to.equal(400);
    const events = await page.events();
    await until('an event', () => events.seen.length > 0);
    events.close();
    return page;
  }

  it('works below a path of node:http, and leaves other paths to it', async () => {
    const page = handler({ path: '/ops/leveret' });
    const base = await listening(
      createServer((request, response) => page(request, response, () => response.writeHead(418).end())),
    );
    await expectPageAt(`${base}/ops/leveret/`);
    expect((await new PageClient(base).get('/other')).status).to.equal(418);
  });

  it('works in Express, also behind its JSON parser', async () => {
    const server = express();
    server.use(express.json());
    server.use('/ops/leveret', handler());
    server.get('/other', (_request, response) => {
      response.status(418).end();
    });
    const base = await listening(createServer(server));
    await expectPageAt(`${base}/ops/leveret/`);
    expect((await new PageClient(base).get('/other')).status).to.equal(418);
  });

  it('works in Fastify', async () => {
    const server = fastify();
    closing.push(() => server.close());
    await server.register(handler().fastify, { prefix: '/ops/leveret' });
    server.post('/other', async (request) => request.body);
    const base = await server.listen({ port: 0, host: '127.0.0.1' });
    await expectPageAt(`${base}/ops/leveret/`);
    expect((await new PageClient(base).post('/other', { a: 1 })).json).to.eql({ a: 1 });
  });

  it('lets the application say who is who', async () => {
    const users: Readonly<Record<string, unknown>> = {
      anna: { role: 'operate', who: 'anna' },
      bert: { role: 'read', who: 'bert' },
      cleo: { role: 'admin', who: 'cleo' },
    };
    const page = handler({
      authorize: ({ headers }) => {
        if (headers['x-user'] === 'dave') throw new Error('no');
        return users[String(headers['x-user'])] as never;
      },
    });
    const base = await listening(createServer(page));
    const as = (user: string, csrf?: string) => ({ 'x-user': user, 'x-leveret-csrf': csrf });
    const client = new PageClient(base);
    const { json } = await client.get('api/session', { headers: as('anna') });
    expect(json).to.include({ role: 'operate', who: 'anna' }).and.not.have.property('expiresAt');
    for (const user of ['nobody', 'cleo', 'dave']) {
      expect((await client.get('api/session', { headers: as(user) })).status, user).to.equal(401);
    }
    expect((await client.post('api/session', { token: TOKENS.operate }, { headers: as('nobody') })).status).to.equal(
      401,
    );
    const stop = (user: string, csrf?: string) => client.post('api/jobs/0/stop', {}, { headers: as(user, csrf) });
    const bert = (await client.get('api/session', { headers: as('bert') })).json;
    expect((await stop('anna')).status).to.equal(403);
    expect((await stop('anna', bert.csrf)).status).to.equal(403);
    expect((await stop('bert', bert.csrf)).status).to.equal(403);
    expect((await stop('anna', json.csrf)).status).to.equal(404);
  });

  it('shows its listeners, pauses them and lets them go on; and its schedules', async () => {
    const work = await queues.declare('work');
    let handled = 0;
    const orders = listener({ id: 'Orders', queue: { name: work, declare: false }, payload: Object }, () => {
      handled++;
    });
    const beat = schedule({ id: 'Beat', every: '1h', immediate: true }, () => {});
    const app = await Leveret.start({
      connection: { urls: node.url },
      listeners: [orders],
      schedules: [beat],
      logger: 'silent',
    });
    closing.push(() => app.close());
    const base = await listening(createServer(handler({ app })));
    const page = await PageClient.login(base, TOKENS.operate, 'anna');
    expect((await page.ok('api/session')).features).to.deep.include({
      listeners: true,
      schedules: true,
      outbox: false,
    });
    expect(await page.ok('api/listeners/pause', { id: 'Orders' })).to.include({ id: 'Orders', state: 'paused' });
    queues.channel.sendToQueue(work, Buffer.from('{}'), { contentType: 'application/json' });
    const [paused] = await page.ok('api/listeners');
    expect(paused.pausedBecause).to.equal('paused in the console by anna (token of operate)');
    expect(paused.hint).to.include('wait');
    expect(await page.ok('api/listeners/resume', { id: 'Orders' })).to.include({ state: 'running' });
    await until('the message to be handled', () => handled === 1);
    expect((await page.post('api/listeners/pause', { id: 'Other' })).status).to.equal(404);
    const [beating] = await until('the first run', async () => {
      const schedules = await page.ok('api/schedules');
      return schedules[0].lastRun !== undefined && schedules;
    });
    expect(beating).to.include({ id: 'Beat', lastResult: 'succeeded' });
    expect(beating.nextRun).to.be.above(Date.now());
  });

  it('shows its outbox, and lets what was parked be published again', async () => {
    const driver = new Libsql(':memory:');
    closing.push(() => driver.close());
    const database = sqliteDatabase(driver, { service: 'console-test' });
    await migrate(database);
    const outbox = new Outbox(database);
    const app = await Leveret.start({ connection: { urls: node.url }, logger: 'silent' });
    closing.push(() => app.close());
    await database.transaction((tx) =>
      outbox.publish(tx, 'no-such-exchange', 'key', { card: { number: '4111-1' } } as never),
    );
    const relay = new OutboxRelay(database, app.publisher, {
      maxFailures: 1,
      pollInterval: '20ms',
      logger: silentLogger,
    }).start();
    closing.push(() => relay.stop());
    const base = await listening(createServer(handler({ outbox, mask: ['card.number'] })));
    const page = await PageClient.login(base, TOKENS.operate);
    const { rows } = await until('the relay to give up', async () => {
      const shown = await page.ok('api/outbox');
      return shown.parked === 1 && shown;
    });
    expect(rows).to.have.length(1);
    expect(rows[0]).to.include({ exchange: 'no-such-exchange', routingKey: 'key' });
    expect(rows[0].preview).to.not.include('4111-1');
    await relay.stop();
    expect(await page.ok('api/outbox/requeue', { ids: [rows[0].id] })).to.eql({ requeued: 1 });
    expect(await page.ok('api/outbox')).to.include({ parked: 0, waiting: 1 });
  });

  it('tells what is wrong with its options, all of it', () => {
    const wrong = () =>
      consoleHandler({
        tokens: { operate: 'short' },
        mask: ['a..b'],
        audit: { queue: 'a', file: 'b' } as never,
        undoFor: 'soon' as never,
        colour: 'red',
      } as never);
    expect(wrong).to.throw(ConfigurationError).with.property('problems').with.length(5);
    expect(() => consoleHandler({})).to.throw(/tokens|authorize/);
    expect(() => consoleHandler({ tokens: TOKENS, authorize: () => undefined })).to.throw(/either/);
    expect(() => consoleHandler({ tokens: { operate: TOKENS.read, read: TOKENS.read } })).to.throw(/different/);
  });
});

import { type RunningConsole, startConsole } from '@leveret/console';
import { silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { after, before, it } from 'mocha';
import { onEachNode } from '../../../tools/scripts/each-broker.mjs';
import { ErrorQueues } from './support/error-queues.js';
import { PageClient, TOKENS } from './support/page-client.js';

/** Every address that changes something, with what it would be asked for. */
const ACTS: readonly (readonly [string, unknown])[] = [
  ['api/errors/retry', { selection: 'all' }],
  ['api/errors/retry/plan', { selection: 'all' }],
  ['api/errors/resume', {}],
  ['api/jobs/0/stop', {}],
  ['api/errors/edit', { key: 'k', queue: 'q', body: '{}' }],
  ['api/errors/edit/plan', { key: 'k', queue: 'q', body: '{}' }],
  ['api/errors/discard', { selection: 'all' }],
  ['api/errors/discard/undo', { undo: '0'.repeat(36) }],
  ['api/listeners/pause', { id: 'l' }],
  ['api/listeners/resume', { id: 'l' }],
  ['api/outbox/requeue', { ids: 'all' }],
];
const LOOKS = [
  'api/session',
  'api/events',
  'api/errors',
  'api/errors/queues',
  'api/errors/export',
  'api/errors/groups/g/messages',
  'api/errors/messages/k',
  'api/errors/discards',
  'api/jobs',
  'api/jobs/0',
  'api/listeners',
  'api/topology',
  'api/outbox',
  'api/schedules',
  'api/audit',
  'api/nothing',
];

onEachNode('when strangers ask the console', (node) => {
  let queues: ErrorQueues;
  let errors: string;
  let work: string;
  let running: RunningConsole;

  before(async () => {
    queues = await ErrorQueues.open(node.url);
    [work, errors] = [await queues.declare('work'), await queues.declare('errors')];
    await queues.park(errors, work, 10);
    running = await startConsole({
      connection: { urls: node.url },
      management: { url: node.managementUrl },
      queues: [errors],
      tokens: TOKENS,
      port: 0,
      logger: silentLogger,
    });
  });
  after(async () => {
    await running?.close();
    await queues?.close();
  });

  async function nothingHasChanged(): Promise<void> {
    expect(await queues.count(errors)).to.equal(10);
    expect(await queues.count(work)).to.equal(0);
  }

  it('tells nobody anything who is not logged in', async () => {
    const stranger = new PageClient(running.url);
    for (const path of LOOKS) {
      const { status, json, headers } = await stranger.get(path);
      expect(status, path).to.equal(401);
      expect(json.error.code).to.equal('LEV_CONSOLE_NOT_LOGGED_IN');
      expect(headers['cache-control']).to.equal('no-store');
    }
    stranger.cookie = `leveret-console-${new URL(running.url).port}=${'a'.repeat(43)}`;
    for (const path of LOOKS) expect((await stranger.get(path)).status, path).to.equal(401);
  });

  it('does nothing for nobody, for a reader, without the CSRF token, from another page, by another name, by a form', async () => {
    const [operator, reader] = [
      await PageClient.login(running.url, TOKENS.operate),
      await PageClient.login(running.url, TOKENS.read),
    ];
    const port = new URL(running.url).port;
    for (const [path, body] of ACTS) {
      const statuses = [
        (await new PageClient(running.url).post(path, body)).status,
        (await reader.post(path, body)).status,
        (await operator.post(path, body, { headers: { 'x-leveret-csrf': undefined } })).status,
        (await operator.post(path, body, { headers: { 'x-leveret-csrf': reader.csrf } })).status,
        (await operator.post(path, body, { headers: { origin: 'https://evil.example' } })).status,
        (await operator.post(path, body, { headers: { origin: 'null' } })).status,
        (await operator.post(path, body, { headers: { 'sec-fetch-site': 'cross-site' } })).status,
        (await operator.post(path, body, { headers: { host: 'evil.example' } })).status,
        (
          await operator.post(path, body, {
            headers: { host: `evil.example:${port}`, origin: `http://evil.example:${port}` },
          })
        ).status,
        (
          await operator.post(path, 'selection=all', {
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
          })
        ).status,
      ];
      expect(statuses, path).to.eql([401, 403, 403, 403, 403, 403, 403, 403, 403, 415]);
    }
    await nothingHasChanged();
    const audit = await operator.ok('api/audit');
    const refused = audit.filter(({ ok, what }: { ok: boolean; what: string }) => !ok && what === 'errors.discard');
    expect(refused).to.have.length(10);
    expect(refused.map(({ role }: { role?: string }) => role)).to.include.members(['read', 'operate', undefined]);
  });

  it('lets nobody in from another page, by another name, or with a wrong token, and slows down who tries', async () => {
    const stranger = new PageClient(running.url);
    const right = { token: TOKENS.operate };
    for (const headers of [
      { origin: 'https://evil.example' },
      { host: 'evil.example' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      const { status, headers: answered } = await stranger.post('api/session', right, { headers });
      expect(status).to.equal(403);
      expect(answered['set-cookie']).to.equal(undefined);
    }
    for (let wrong = 0; wrong < 5; wrong++) {
      expect((await stranger.post('api/session', { token: 'x'.repeat(20) })).status).to.equal(401);
    }
    const { status, headers } = await stranger.post('api/session', right);
    expect(status).to.equal(429);
    expect(Number(headers['retry-after'])).to.be.within(1, 60);
  });

  it('does not answer to another name at all, and serves no file but its own', async () => {
    const stranger = new PageClient(running.url);
    expect((await stranger.get('', { headers: { host: 'evil.example' } })).status).to.equal(403);
    for (const path of [
      '..%2f..%2fpackage.json',
      'manifest.json',
      '%2e%2e/package.json',
      'index.html%00',
      '/etc/passwd',
      '.env',
    ]) {
      expect((await stranger.get(path)).status, path).to.equal(404);
    }
    const { status, headers, text } = await stranger.get('');
    expect(status).to.equal(200);
    expect(text).to.match(/<!doctype html>/i);
    expect(text).to.not.match(/<script(?![^>]*src=)|<style|style=|onload=/i);
    expect(headers['content-security-policy']).to.include("default-src 'none'; script-src 'self'");
    expect(headers['x-content-type-options']).to.equal('nosniff');
  });

  it('refuses bodies that are too large, no JSON, or have fields that nobody knows', async () => {
    const other = await startConsole({
      connection: { urls: node.url },
      queues: [errors],
      tokens: TOKENS,
      port: 0,
      logger: silentLogger,
    });
    try {
      const operator = await PageClient.login(other.url, TOKENS.operate);
      for (const [body, expected] of [
        ['{', 400],
        ['[]', 400],
        ['"all"', 400],
        [{ selection: 'all', everything: true }, 400],
        [{ selection: 'everything' }, 400],
        [{ selection: [{}] }, 400],
        [{ selection: 'all', rate: -1 }, 400],
        [{ selection: 'all', rate: '50' }, 400],
        [{ selection: 'all', canary: 1e9 }, 400],
        [{ selection: 'all', via: 'pigeon' }, 400],
        [{ selection: 'all', queues: [work] }, 404],
        ['{"__proto__":{"selection":"all"}}', 400],
        [JSON.stringify({ selection: 'x'.repeat(3_000_000) }), 413],
      ] as const) {
        const { status, json } = await operator.post('api/errors/retry', body);
        expect(status, JSON.stringify(body).slice(0, 60)).to.equal(expected);
        expect(json.error.message).to.be.a('string');
      }
      expect((await operator.ask('api/jobs', { method: 'PUT' })).status).to.equal(405);
      expect((await operator.get('api/nothing')).status).to.equal(404);
      expect((await operator.get('api/jobs/%zz')).status).to.equal(404);
    } finally {
      await other.close();
    }
    await nothingHasChanged();
  });

  it('forgets a session at its logout', async () => {
    const other = await startConsole({
      connection: { urls: node.url },
      queues: [errors],
      tokens: { read: TOKENS.read },
      port: 0,
      logger: silentLogger,
    });
    try {
      const reader = await PageClient.login(other.url, TOKENS.read, 'anna <b>');
      expect((await reader.ok('api/session')).who).to.equal('anna b (token of read)');
      const page = await reader.events();
      expect((await reader.ask('api/session', { method: 'DELETE' })).status).to.equal(204);
      expect((await reader.get('api/jobs')).status).to.equal(401);
      expect((await new PageClient(other.url).post('api/session', { token: TOKENS.operate })).status).to.equal(401);
      page.close();
    } finally {
      await other.close();
    }
  });

  it('listens for others only when that is said on purpose', async () => {
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.com']) {
      const started = startConsole({ host, port: 0, tokens: TOKENS, logger: silentLogger });
      expect(
        await started.then(
          () => 'listens',
          (error: Error) => error.message,
        ),
      ).to.include('reachableByOthers');
    }
    expect(new URL(running.url).hostname).to.equal('127.0.0.1');
  });
});

import { once } from 'node:events';
import { type AddressInfo, createServer as createPlainServer, type Server } from 'node:net';
import { createServer } from 'node:tls';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { OperationsSession } from '../session/operations-session.js';
import { HandClock } from '../test-support/hand-clock.js';
import { examine } from './examine.js';

/** Of nobody, and valid until 3 November 2126: for this test only. */
const CERT = `
-----BEGIN CERTIFICATE-----
MIIBfzCCASWgAwIBAgIUVBXY4nvR5k0RIlV+a70CiB+KgOwwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNzE4MTc1N1oYDzIxMjYxMTAz
MTgxNzU3WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAS184yahy4AY7qEppQ5V1rsJNn9FlbzxjHNQRgDbx9VxrlT62g0LFoP
9BCcU6I4M/zbRV7jNLiRyYBP2ie4iZN0o1MwUTAdBgNVHQ4EFgQUv15AMINGeDJJ
tQ3KvEmcR/ZF35MwHwYDVR0jBBgwFoAUv15AMINGeDJJtQ3KvEmcR/ZF35MwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA2TpUOmRsVtulQgjk47S+
iIbAplrXjWDr8upsCLPtbnICIFrUNTHzYLoRyU6j+pJ0eDwK9ExTtM8b7U1JO21n
Lvg+
-----END CERTIFICATE-----
`.trimStart();
const KEY = `
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgolIiEWheW9pud8iG
RYpTp9xpEvcuAzgK2COTLccv/66hRANCAAS184yahy4AY7qEppQ5V1rsJNn9Flbz
xjHNQRgDbx9VxrlT62g0LFoP9BCcU6I4M/zbRV7jNLiRyYBP2ie4iZN0
-----END PRIVATE KEY-----
`.trimStart();
const ENDS_AT = Date.UTC(2126, 10, 3, 18, 17, 57);
const DAY_MS = 86_400_000;

describe('examine', () => {
  const PLAN = {} as never;
  let clock: HandClock;
  let host: object | undefined;
  let reader: Record<string, unknown> | undefined;
  let asked: string[];
  const servers: Server[] = [];

  beforeEach(() => {
    clock = new HandClock();
    asked = [];
    host = { username: 'app', hostname: '127.0.0.1', port: 1, tls: false };
    reader = {
      ...{ vhost: 'a/b', username: 'admin' },
      ...{ exchanges: async () => [], queues: async () => [], bindings: async () => [], policies: async () => [] },
      list: async () => [
        { name: 'rabbit@a', mem_alarm: true, disk_free_alarm: true },
        { name: 'rabbit@b', mem_alarm: false, disk_free_alarm: false },
      ],
      clockAheadMs: async () => 250,
      get: async (path: string) => {
        asked.push(path);
        return { configure: 'c', write: 'w', read: 'r' };
      },
    };
  });
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  const session = () =>
    ({
      ...{ clock, host, management: async () => reader },
      broker: { broker: { version: '4.3.6', frameMax: 131_072 }, channelMax: 2047 },
    }) as unknown as OperationsSession;
  const listening = async (server: Server) => {
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    host = { ...host, port: (server.address() as AddressInfo).port, tls: true };
  };

  it('finds out what the API knows, of the user of the connection', async () => {
    const { definitions, ...facts } = await examine(session(), PLAN);
    expect(facts).to.deep.equal({
      ...{ version: '4.3.6', frameMax: 131_072, channelMax: 2047, username: 'app', clockAheadMs: 250 },
      alarms: ['memory on rabbit@a', 'disk on rabbit@a'],
      permissions: { configure: 'c', write: 'w', read: 'r' },
      ...{ certificateDays: undefined, plan: PLAN, notLookedAt: [] },
    });
    expect(definitions).to.include({ isLive: true, version: '4.3.6' });
    expect(asked).to.deep.equal(['/api/permissions/a%2Fb/app']);
  });

  it('says what could not be looked at, and with what right it can', async () => {
    const refused = () => Promise.reject(new Error('401'));
    reader = { ...reader, list: refused, clockAheadMs: refused, get: refused };
    const facts = await examine(session(), PLAN);
    expect(facts).to.deep.include({ alarms: [], clockAheadMs: undefined, permissions: undefined });
    expect(facts.notLookedAt).to.have.lengthOf(2);
    expect(facts.notLookedAt[0]).to.contain('alarms: user admin').and.contain('monitoring');
    expect(facts.notLookedAt[1]).to.contain('permissions of app: user admin');
    expect((await examine(session())).notLookedAt, 'without a plan nobody needs them').to.have.lengthOf(1);
    reader = { ...reader, get: async () => ({ configure: 'c', write: 'w' }) };
    expect((await examine(session(), PLAN)).permissions).to.equal(undefined);
  });

  it('knows little without an API, and says so', async () => {
    reader = undefined;
    const facts = await examine(session());
    expect(facts).to.deep.include({ username: 'app', definitions: undefined, alarms: [], permissions: undefined });
    expect(facts.notLookedAt).to.deep.equal([
      'queues, exchanges, bindings, policies, alarms and permissions: the management API does not answer',
    ]);
  });

  it('knows when the certificate ends, and lets go of the connection', async () => {
    const server = createServer({ cert: CERT, key: KEY });
    await listening(server);
    clock.ms = ENDS_AT - 12.5 * DAY_MS;
    // Below TLS, of whose end the server may not hear.
    const gone = once(server, 'connection').then(([socket]) =>
      once(
        socket.on('error', () => {}),
        'close',
      ),
    );
    server.on('tlsClientError', () => {});
    expect((await examine(session())).certificateDays).to.be.closeTo(12.5, 0.01);
    await gone;
  });

  it('does not know it where nobody speaks TLS, or nobody listens', async () => {
    await listening(createPlainServer((socket) => socket.end('no TLS').on('error', () => {})));
    expect((await examine(session())).certificateDays).to.equal(undefined);
    host = { ...host, port: 1 };
    expect((await examine(session())).certificateDays).to.equal(undefined);
    host = undefined;
    expect(await examine(session())).to.include({ certificateDays: undefined, username: 'admin' });
  });
});

import { createServer, type Server, type Socket } from 'node:net';
import { LeveretError } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { eventually } from '../test-support/eventually.js';
import { RawPeer } from '../test-support/raw-peer.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import type { ManagedConnectionEvents } from './connection-events.js';
import { resolveConnectionOptions } from './connection-options.js';
import { ManagedConnection } from './managed-connection.js';

const NOBODY = 'amqp://127.0.0.1:1';
const afterwards: (() => unknown)[] = [];

/** Accepts connections and never says a word. */
async function silentPeer() {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket
      .resume()
      .on('error', () => undefined)
      .on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return { url: `amqp://127.0.0.1:${port}`, sockets };
}

async function rawPeer(): Promise<RawPeer> {
  const peer = await RawPeer.start();
  afterwards.push(() => peer.stop());
  return peer;
}

function setUp(urls: string | string[], events: Partial<ManagedConnectionEvents> = {}, options: object = {}) {
  const clock = new FakeClock();
  const told: string[] = [];
  const tell = (text: string) => void told.push(text);
  const connection = new ManagedConnection(
    'consume',
    resolveConnectionOptions({
      ...{ urls, startTimeout: '10s', connectionTimeout: '60s', reconnect: { initialInterval: '2s' } },
      ...options,
    }),
    {
      prepare: async () => undefined,
      accepted: () => false,
      secretNotRenewed: () => tell('secret not renewed'),
      connected: (_, again) => tell(again ? 'connected again' : 'connected'),
      disconnected: () => tell('disconnected'),
      connectFailed: (_, error, inMs) => tell(`connect failed (${(error as LeveretError).code}), again in ${inMs} ms`),
      failed: (error) => tell(`failed: ${(error as LeveretError).code}`),
      blocked: () => tell('blocked'),
      unblocked: () => tell('unblocked'),
      ...events,
    },
    clock,
  );
  afterwards.push(() => connection.close(100));
  const state = () => connection.health().state;
  return { connection, clock, told, state };
}

afterEach(async () => {
  for (const end of afterwards.splice(0).reverse()) await end();
});

describe('the start of a connection that runs out of time', () => {
  it('gives up while an attempt is made, whose socket it leaves', async () => {
    const peer = await silentPeer();
    const { connection, clock, told, state } = setUp(peer.url);
    const opened = rejectionOf(connection.open());
    await eventually('a connection', () => peer.sockets.size === 1);
    await clock.advance(9_999);
    expect(state()).to.equal('connecting');
    await clock.advance(1);
    const error = await opened;
    expect(error).to.include({ code: 'LEV_CONNECTION_FAILED' });
    expect(String(error)).to.match(
      /No connection to 127\.0\.0\.1:\d+ within 10000 ms \(startTimeout\)\. Last: no attempt has ended yet/,
    );
    expect([state(), connection.failure]).to.deep.equal(['failed', error]);
    expect(told).to.deep.equal(['failed: LEV_CONNECTION_FAILED']);
    await eventually('no socket', () => peer.sockets.size === 0);
    expect(clock.waits).to.deep.equal([]);
  });

  it('gives up while it waits for the next attempt, and tells why the last one failed', async () => {
    const { connection, clock, told, state } = setUp(
      NOBODY,
      {},
      { reconnect: { initialInterval: '1h', maxInterval: '1h' } },
    );
    const opened = rejectionOf(connection.open());
    await eventually('a pause', () => state() === 'waiting');
    await clock.advance(10_000);
    const error = (await opened) as Error;
    expect(error.message).to.match(/within 10000 ms \(startTimeout\)\. Last: .*127\.0\.0\.1:1/);
    expect(error.cause).to.include({ code: 'LEV_CONNECTION_FAILED' });
    expect([state(), told.at(-1)]).to.deep.equal(['failed', 'failed: LEV_CONNECTION_FAILED']);
    await eventually('no timer', () => clock.waits.length === 0);
  });

  it('says that the broker has not answered the declarations, where that is what takes so long', async () => {
    const peer = await rawPeer();
    const { connection, clock } = setUp(peer.url, { prepare: () => new Promise(() => undefined) });
    const opened = rejectionOf(connection.open());
    await eventually('a connection', () => peer.connections === 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await clock.advance(10_000);
    expect(String(await opened)).to.match(/127\.0\.0\.1:\d+ accepted it, and has not answered every declaration/);
    await eventually('no connection', () => peer.standing === 0);
  });

  it('tries once more when it is opened again', async () => {
    const peer = await silentPeer();
    const { connection, clock, state } = setUp(peer.url);
    for (const _ of ['once', 'again']) {
      const opened = rejectionOf(connection.open());
      await eventually('a connection', () => peer.sockets.size === 1);
      await clock.advance(10_000);
      expect(await opened).to.include({ code: 'LEV_CONNECTION_FAILED' });
      expect(state()).to.equal('failed');
      await eventually('no socket', () => peer.sockets.size === 0);
    }
  });

  it('leaves to others what was connected before: only this call has run out of time', async () => {
    const peer = await rawPeer();
    const { connection, clock, told, state } = setUp(peer.url);
    await connection.open();
    expect([state(), told]).to.deep.equal(['connected', ['connected']]);
    await connection.open();
    await peer.stop();
    await eventually('the loss', () => told.includes('disconnected'));
    const opened = rejectionOf(connection.open());
    await clock.advance(10_000);
    expect(await opened).to.include({ code: 'LEV_CONNECTION_FAILED' });
    expect(connection.failure).to.equal(undefined);
    expect(['connecting', 'waiting']).to.include(state());
    expect(told.filter((each) => each.startsWith('failed'))).to.deep.equal([]);
  });
});

describe('asking for a connection', () => {
  it('makes one attempt, and no more where nobody has opened it', async () => {
    const { connection, told, state, clock } = setUp(NOBODY);
    expect(await rejectionOf(connection.acquire(1000))).to.include({ code: 'LEV_CONNECTION_FAILED' });
    expect([state(), told]).to.deep.equal(['idle', ['connect failed (LEV_CONNECTION_FAILED), again in Infinity ms']]);
    expect(clock.waits).to.deep.equal([]);
  });

  it('shares the attempt that is under way, and bounds the wait for it', async () => {
    const peer = await silentPeer();
    const { connection, clock, state } = setUp(peer.url);
    const both = [connection.acquire(500), connection.acquire(2_000)].map((each) => rejectionOf(each));
    await eventually('a connection', () => peer.sockets.size === 1);
    await clock.advance(500);
    expect(String(await both[0])).to.match(/No connection within 500 ms/);
    expect(state()).to.equal('connecting');
    await clock.advance(1_500);
    expect(String(await both[1])).to.match(/No connection within 2000 ms/);
    expect(peer.sockets.size).to.equal(1);
  });

  it('is answered at once where there is one', async () => {
    const peer = await rawPeer();
    const { connection } = setUp(peer.url);
    await connection.open();
    expect(await connection.acquire(1)).to.equal(connection.link);
    expect(peer.connections).to.equal(1);
  });

  it('is refused once it is closed, as is opening it', async () => {
    const peer = await silentPeer();
    const { connection, clock } = setUp(peer.url);
    const opened = rejectionOf(connection.open());
    await eventually('a connection', () => peer.sockets.size === 1);
    await connection.close(100);
    await connection.close(100);
    for (const refused of [opened, rejectionOf(connection.open()), rejectionOf(connection.acquire(10))]) {
      expect(await refused).to.include({ code: 'LEV_INVALID_STATE' });
    }
    await eventually('no socket', () => peer.sockets.size === 0);
    expect(clock.waits).to.deep.equal([]);
  });
});

describe('a connection that is lost', () => {
  it('comes back, and says so', async () => {
    const peer = await rawPeer();
    const { connection, clock, told, state } = setUp(peer.url);
    await connection.open();
    await clock.advance(600_000);
    peer.cut();
    await eventually('its return', () => told.length === 3);
    expect(told).to.deep.equal(['connected', 'disconnected', 'connected again']);
    expect([state(), peer.connections, connection.health().host]).to.deep.equal([
      'connected',
      2,
      connection.link?.host,
    ]);
  });

  it('begins with short pauses again once it was back', async () => {
    const peer = await rawPeer();
    const { url } = peer;
    const reconnect = { initialInterval: '2s', maxInterval: '1m', jitter: 0, knockInterval: 0 };
    const { connection, clock, told, state } = setUp(url, {}, { reconnect });
    const pauses = () => told.flatMap((text) => /again in (\d+) ms/.exec(text)?.slice(1) ?? []).map(Number);
    const outage = async (from: RawPeer, rounds: number) => {
      const before = pauses().length;
      await from.stop();
      for (let round = 1; round <= rounds; round++) {
        await eventually('a failed round', () => pauses().length === before + round);
        if (round < rounds) await clock.advance(pauses().at(-1) ?? 0);
      }
      return pauses().slice(before);
    };
    await connection.open();
    await clock.advance(60_000);
    expect(await outage(peer, 3)).to.deep.equal([2_000, 4_000, 8_000]);
    const again = await RawPeer.start(Number(new URL(url).port));
    afterwards.push(() => again.stop());
    await clock.advance(8_000);
    await eventually('its return', () => state() === 'connected');
    await clock.advance(60_000);
    expect(await outage(again, 2)).to.deep.equal([2_000, 4_000]);
  });

  /** Lost twice in a row as soon as it was open: the next round waits. */
  async function spared() {
    const peer = await rawPeer();
    const { connection, clock, told, state } = setUp(peer.url);
    await clock.advance(5_000);
    await connection.open();
    peer.cut();
    await eventually('its return', () => state() === 'connected' && peer.connections === 2);
    peer.cut();
    await eventually('the pause', () => state() === 'waiting');
    return { peer, connection, clock, told, state };
  }

  it('is not hurried by whoever asks where the broker is spared: they wait for the round behind the pause', async () => {
    const { peer, connection, clock, state } = await spared();
    const asked = [connection.acquire(60_000), connection.acquire(60_000)];
    await clock.advance(1_000);
    expect([state(), peer.connections]).to.deep.equal(['waiting', 2]);
    await clock.advance(3_000);
    const links = await Promise.all(asked);
    expect(peer.connections).to.equal(3);
    expect(links).to.deep.equal([connection.link, connection.link]);
    await clock.advance(60_000);
    expect(clock.waits).to.deep.equal([]);
  });

  it('lets those who ask wait no longer than they said, while it is spared', async () => {
    const { connection, clock, state, peer } = await spared();
    const [error, later] = [connection.acquire(500), connection.acquire(60_000)].map((each) => rejectionOf(each));
    await clock.advance(500);
    expect(String(await error)).to.match(/No connection within 500 ms/);
    expect(((await error) as Error).cause).to.equal(connection.health().lastError);
    expect(state()).to.equal('waiting');
    await peer.stop();
    await clock.advance(4_000);
    expect(await later).to.include({ code: 'LEV_CONNECTION_FAILED' });
  });

  it('tells those who wait that it is closed', async () => {
    const { connection, clock } = await spared();
    const asked = rejectionOf(connection.acquire(60_000));
    await connection.close(100);
    expect(await asked).to.include({ code: 'LEV_INVALID_STATE' });
    await clock.advance(300);
    expect(clock.waits).to.deep.equal([]);
  });
});

describe('a connection that has failed', () => {
  it('is tried again for whoever asks for one, unless the broker has refused the credentials', async () => {
    const { connection, clock, state } = setUp(NOBODY);
    const opened = rejectionOf(connection.open());
    await clock.advance(10_000);
    await opened;
    expect(state()).to.equal('failed');
    expect(await rejectionOf(connection.acquire(1000))).to.include({ code: 'LEV_CONNECTION_FAILED' });
    expect(state()).to.equal('idle');
    const peer = await rawPeer();
    peer.refusesVhost = true;
    const refused = setUp(peer.url);
    const start = rejectionOf(refused.connection.open());
    for (let step = 0; refused.state() !== 'failed' && step < 200; step++) await refused.clock.advance(50);
    const error = await start;
    expect(error).to.include({ code: 'LEV_AUTHENTICATION_REFUSED' });
    expect(refused.told.at(-1)).to.equal('failed: LEV_AUTHENTICATION_REFUSED');
    const { connections } = peer;
    expect(await rejectionOf(refused.connection.acquire(1000))).to.equal(error);
    expect(peer.connections).to.equal(connections);
  });
});

describe('a connection that is closed while it is being made', () => {
  it('leaves none behind that comes late', async () => {
    const peer = await rawPeer();
    const { connection, told, state } = setUp(peer.url, {
      prepare: async () => {
        await connection.close(100);
      },
    });
    const opened = rejectionOf(connection.open());
    expect(await opened).to.include({ code: 'LEV_INVALID_STATE' });
    await eventually('no connection', () => peer.connections === 1 && peer.standing === 0);
    expect([state(), told]).to.deep.equal(['closed', []]);
  });
});

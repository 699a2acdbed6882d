import { getEventListeners } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import { tcpKnock } from './knock.js';

describe('tcpKnock', () => {
  let server: Server | undefined;
  const { signal } = new AbortController();

  afterEach(() => close());

  function close(): Promise<void> {
    return new Promise((resolve) => (server?.listening === true ? server.close(() => resolve()) : resolve()));
  }

  async function doorOf(host: string, greet: (socket: Socket) => void) {
    const listening = createServer(greet);
    server = listening;
    await new Promise<void>((resolve) => listening.listen(0, host, resolve));
    return { hostname: host, port: (listening.address() as AddressInfo).port };
  }

  it('is answered by whoever listens, and says nothing to them', async () => {
    const heard: string[] = [];
    let left = () => {};
    const leaving = new Promise<void>((resolve) => {
      left = resolve;
    });
    const door = await doorOf('localhost', (socket) => {
      socket.on('data', (data) => heard.push(String(data)));
      socket.on('error', () => {});
      socket.on('close', left);
    });
    expect(await tcpKnock()(door, signal)).to.equal(true);
    await leaving;
    expect(heard).to.deep.equal([]);
  });

  it('is not answered where nobody listens', async () => {
    const door = await doorOf('127.0.0.1', () => {});
    await close();
    expect(await tcpKnock()(door, signal)).to.equal(false);
  });

  it('is not answered by a proxy that accepts and hangs up', async () => {
    const knock = tcpKnock(900);
    expect(await knock(await doorOf('127.0.0.1', (socket) => socket.end()), signal)).to.equal(false);
    await close();
    expect(await knock(await doorOf('127.0.0.1', (socket) => socket.resetAndDestroy()), signal)).to.equal(false);
  });

  it('is not answered by a name that does not resolve', async () => {
    expect(await tcpKnock()({ hostname: 'x'.repeat(300), port: 5672 }, signal)).to.equal(false);
  });

  it('ends when it is told to, and leaves no listener behind', async () => {
    const abort = new AbortController();
    const knocking = tcpKnock()(await doorOf('127.0.0.1', (socket) => socket.on('error', () => {})), abort.signal);
    abort.abort();
    expect(await knocking).to.equal(false);
    expect(getEventListeners(abort.signal, 'abort')).to.have.lengthOf(0);
  });

  it('leaves no listener behind when it ends by itself', async () => {
    const abort = new AbortController();
    await tcpKnock()(await doorOf('127.0.0.1', (socket) => socket.end()), abort.signal);
    expect(getEventListeners(abort.signal, 'abort')).to.have.lengthOf(0);
  });
});

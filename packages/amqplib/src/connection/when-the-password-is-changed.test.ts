import type { ConnectionEvent } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, it } from 'mocha';
import { onEachMortalNode } from '../../../../tools/scripts/each-broker.mjs';
import { TcpProxy } from '../../../../tools/scripts/tcp-proxy.mjs';
import { AmqplibTransport } from '../amqplib-transport.js';
import { publicationOf, publish, queueOf, topologyOf } from '../test-support/declarations.js';
import { eventually } from '../test-support/eventually.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { uniqueName } from '../test-support/test-broker.js';
import type { ConnectionOptions } from './connection-options.js';

onEachMortalNode('when the password is changed', function (broker) {
  this.timeout(60_000);
  let transport: AmqplibTransport;
  let proxy: TcpProxy;
  let events: ConnectionEvent[];
  afterEach(async () => {
    await transport?.close({ timeoutMs: 1000 });
    await proxy?.down();
    await broker.changePassword('guest', 'guest');
  });

  async function connected(options: ConnectionOptions): Promise<void> {
    events = [];
    proxy = await TcpProxy.start(broker.url);
    const url = new URL(proxy.through(broker.url));
    if (options.credentials !== undefined) url.username = url.password = '';
    transport = new AmqplibTransport({ connection: { urls: url.href, ...options } });
    transport.on((event) => events.push(event));
    await transport.connect('consume');
    await transport.connect('publish');
  }
  const refusals = () =>
    events.filter(
      (event) =>
        event.type === 'connect-failed' && (event.error as { code?: string }).code === 'LEV_AUTHENTICATION_REFUSED',
    ) as Extract<ConnectionEvent, { type: 'connect-failed' }>[];

  it('says so, tries again with growing pauses, and goes on when the password is right again', async () => {
    const queue = uniqueName('rotation');
    await connected({});
    await transport.declare(topologyOf({ queues: [queueOf(queue)] }));
    const sink = new RecordingSink();
    await transport.subscribe(consumeRequest(queue), sink).ready;
    await broker.changePassword('guest', 'another');
    proxy.cut();
    await eventually('two refusals of each connection', () => refusals().length >= 4, 20_000);
    expect(transport.health().map(({ state }) => state)).to.not.include('failed');
    expect(transport.health()[0]?.lastError).to.include({ code: 'LEV_AUTHENTICATION_REFUSED' });
    expect(sink.failures).to.deep.equal([]);
    const pauses = refusals()
      .filter(({ role }) => role === 'consume')
      .map(({ retryInMs }) => retryInMs);
    expect(pauses[0]).to.be.within(1000, 1300);
    expect(pauses[1]).to.be.within(2000, 2600);
    // Publishing does not knock any faster: a broker that counts refusals would lock the user out.
    const before = refusals().length;
    for (let i = 0; i < 20; i++) {
      const error = await rejectionOf(transport.openPublishChannel({ confirm: true, timeoutMs: 5000 }));
      expect((error as Error).cause).to.include({ code: 'LEV_AUTHENTICATION_REFUSED' });
    }
    expect(refusals().length - before).to.be.at.most(2);

    await broker.changePassword('guest', 'guest');
    await eventually('both connections', () => transport.health().every(({ state }) => state === 'connected'), 20_000);
    await eventually('consuming again', () => sink.tags.length === 2);
    const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 5000 });
    expect(await publish(channel, publicationOf('', queue))).to.include({ kind: 'ack' });
  });

  it('asks for the credentials of each attempt, so that a new password is used at once', async () => {
    let password = 'guest';
    let asked = 0;
    await connected({
      credentials: async () => {
        asked++;
        return { username: 'guest', password };
      },
    });
    expect(asked).to.equal(2);
    await broker.changePassword('guest', 'rotated');
    password = 'rotated';
    proxy.cut();
    await eventually('both connections again', () => events.filter(({ type }) => type === 'connected').length === 4);
    expect([asked, refusals()]).to.deep.equal([4, []]);
  });

  it('takes a function that fails for a failed attempt, and asks again', async () => {
    let fails = false;
    await connected({
      credentials: () => {
        if (fails) throw new Error('vault is sealed');
        return { username: 'guest', password: 'guest' };
      },
    });
    fails = true;
    proxy.cut();
    await eventually('failed attempts', () => events.filter(({ type }) => type === 'connect-failed').length >= 3);
    expect(transport.health()[0]?.lastError?.message).to.include('vault is sealed');
    fails = false;
    await eventually('both connections', () => transport.health().every(({ state }) => state === 'connected'));
  });

  it('renews the secret of living connections before it expires', async () => {
    let asked = 0;
    let fails = false;
    await connected({
      credentials: () => {
        asked++;
        if (fails) throw new Error('vault is sealed');
        return { username: 'guest', password: 'guest', expiresIn: '1s' };
      },
    });
    await eventually('three renewals of each', () => asked >= 8);
    expect(events.map(({ type }) => type)).to.deep.equal(['connected', 'connected']);
    fails = true;
    await eventually('a renewal that fails', () => events.some(({ type }) => type === 'secret-not-renewed'));
    fails = false;
    const before = asked;
    await eventually('renewals again', () => asked >= before + 4);
    expect(events.map(({ type }) => type)).to.not.include('disconnected');
  });
});

import type { ConnectionEvent, LeveretError } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { FakeClock } from '../../../tools/scripts/fake-clock.mjs';
import { AmqplibTransport } from './amqplib-transport.js';
import { queueOf, topologyOf } from './test-support/declarations.js';
import { eventually } from './test-support/eventually.js';
import { RawPeer } from './test-support/raw-peer.js';
import { consumeRequest, RecordingSink } from './test-support/recording-sink.js';
import { rejectionOf } from './test-support/rejection-of.js';

const OPTIONS = { confirm: true, timeoutMs: 10_000 };

describe('AmqplibTransport', () => {
  let peer: RawPeer;
  let clock: FakeClock;
  let transport: AmqplibTransport;
  let events: ConnectionEvent[];

  const told = () => events.map(({ type }) => type);
  const opened = (options = OPTIONS) => transport.openPublishChannel(options);
  const isOver = async (promise: Promise<unknown>) => {
    let over = false;
    const end = () => {
      over = true;
    };
    promise.then(end, end);
    // What a peer in this process has said by now has been read.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    return over;
  };

  beforeEach(async () => {
    peer = await RawPeer.start();
    clock = new FakeClock();
    transport = new AmqplibTransport({ connection: { urls: peer.url, heartbeat: 0 }, clock });
    events = [];
    transport.on((event) => events.push(event));
  });
  afterEach(async () => {
    peer.cut();
    await transport.close({ timeoutMs: 100 });
    await peer.stop();
  });

  it('takes warn or fail for what exists with other properties, and nothing else', () => {
    expect(() => new AmqplibTransport({ mismatch: 'warn' })).to.not.throw();
    expect(() => new AmqplibTransport({ mismatch: 'fail' })).to.not.throw();
    expect(() => new AmqplibTransport({ mismatch: 'ignore' as 'warn' })).to.throw(
      /mismatch must be 'fail' or 'warn'; got "ignore"/,
    );
  });

  it('knows nothing and holds nothing before it has connected, and refuses what needs a connection', async () => {
    expect([transport.publishBlocked, transport.broker, transport.holdsBack('q')]).to.deep.equal([
      ...[false, undefined, false],
    ]);
    expect(transport.health().map(({ role, state, blocked }) => [role, state, blocked])).to.deep.equal([
      ['consume', 'idle', false],
      ['publish', 'idle', false],
    ]);
    expect(transport.unanswered()).to.deep.equal([]);
    expect(await rejectionOf(transport.lookForExchange('x', 10))).to.include({ code: 'LEV_PUBLISH_NOT_CONNECTED' });
    expect(await rejectionOf(transport.countMessages('q', 10))).to.include({ code: 'LEV_CONNECTION_FAILED' });
    expect(peer.connections).to.equal(0);
  });

  it('asks on whichever connection there is', async () => {
    await transport.connect('publish');
    expect(await transport.countMessages('q', 1000)).to.equal(0);
    expect(await transport.lookForExchange('orders', 1000)).to.deep.equal({ missing: undefined });
    expect(peer.connections).to.equal(1);
  });

  describe('that is listened to', () => {
    it('tells each listener of both connections, and who has left nothing more', async () => {
      const seen: string[] = [];
      const leave = transport.on(({ type }) => seen.push(type));
      await transport.connect('publish');
      expect(seen).to.deep.equal(['connected']);
      leave();
      await transport.connect('consume');
      expect(seen).to.deep.equal(['connected']);
      expect(events).to.deep.include.members([
        {
          type: 'connected',
          role: 'publish',
          host: transport.health()[1]!.host,
          broker: transport.broker,
          again: false,
        },
        {
          type: 'connected',
          role: 'consume',
          host: transport.health()[0]!.host,
          broker: transport.broker,
          again: false,
        },
      ]);
    });

    it('goes on past a listener that throws, and warns of it', async () => {
      const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
      const seen: string[] = [];
      transport.on(() => {
        throw new Error('a listener that fails');
      });
      transport.on(({ type }) => seen.push(type));
      await transport.connect('publish');
      expect((await warned).message).to.equal('a listener that fails');
      expect(seen).to.deep.equal(['connected']);
    });

    it('tells of a broker that takes no messages, by the connection, until it does', async () => {
      await transport.connect('publish');
      peer.block('low on memory');
      await eventually('blocked', () => transport.publishBlocked);
      expect(transport.health()[1]).to.include({ role: 'publish', blocked: true });
      peer.block(undefined);
      await eventually('unblocked', () => !transport.publishBlocked);
      expect(events.slice(1)).to.deep.equal([
        { type: 'blocked', role: 'publish', reason: 'low on memory' },
        { type: 'unblocked', role: 'publish' },
      ]);
    });

    it('tells of an end with its reason, and of the return', async () => {
      await transport.connect('publish');
      await clock.advance(60_000);
      peer.cut();
      await eventually('its return', () => told().length === 3);
      expect(told()).to.deep.equal(['connected', 'disconnected', 'connected']);
      expect(events[1]).to.include({ role: 'publish' });
      expect((events[1] as { error?: Error }).error).to.be.instanceOf(Error);
      expect(events[2]).to.include({ role: 'publish', again: true });
    });
  });

  describe('that opens a channel to publish on', () => {
    it('connects for it, and says when nobody is there', async () => {
      const channel = await opened();
      expect([channel.isOpen, peer.connections]).to.deep.equal([true, 1]);
      await peer.stop();
      await eventually('the end', () => !channel.isOpen);
      const error = (await rejectionOf(opened())) as LeveretError;
      expect(error).to.include({ code: 'LEV_PUBLISH_NOT_CONNECTED' });
      expect(error.message).to.match(/There is no connection to publish on; nothing was sent\. .*127\.0\.0\.1/);
      expect(error.cause).to.be.instanceOf(Error);
    });

    it('asks for confirms only where they are wanted', async () => {
      await opened({ ...OPTIONS, confirm: false });
      expect(peer.asked).to.not.include(CONFIRM_SELECT);
      await opened();
      expect(peer.asked).to.include(CONFIRM_SELECT);
    });

    for (const [what, open] of Object.entries({
      'a channel': () => opened(),
      'a channel for requests': () => transport.openReplyChannel(OPTIONS),
    })) {
      it(`opens ${what} on another connection when the first stands and does not answer for a second`, async () => {
        await transport.connect('publish');
        peer.mute();
        const opening = open();
        expect(await isOver(opening)).to.equal(false);
        await clock.advance(999);
        expect(await isOver(opening)).to.equal(false);
        expect(peer.connections).to.equal(1);
        await clock.advance(1);
        expect((await opening).isOpen).to.equal(true);
        expect(peer.connections).to.equal(2);
      });
    }

    it('does not look for another connection where there is no second to wait', async () => {
      await transport.connect('publish');
      peer.mute();
      const opening = rejectionOf(opened({ confirm: true, timeoutMs: 999 }));
      await isOver(opening);
      await clock.advance(999);
      expect(await opening).to.include({ code: 'LEV_PUBLISH_NOT_CONNECTED' });
      expect(peer.connections).to.equal(1);
    });

    it('has one time for a channel for requests, its consumer included', async () => {
      await transport.connect('publish');
      await clock.advance(3_000);
      peer.unanswered.add(BASIC_CONSUME);
      const opening = transport.openReplyChannel(OPTIONS);
      const refused = rejectionOf(opening);
      await eventually('the consumer', () => peer.asked.includes(BASIC_CONSUME));
      await clock.advance(9_999);
      expect(await isOver(opening)).to.equal(false);
      await clock.advance(1);
      expect(await refused).to.include({ code: 'LEV_PUBLISH_NOT_CONNECTED' });
    });

    it('waits for a broker that is blocked, and says that it is', async () => {
      await transport.connect('publish');
      peer.block('low on memory');
      await eventually('blocked', () => transport.publishBlocked);
      peer.mute();
      const opening = rejectionOf(opened({ confirm: true, timeoutMs: 5_000 }));
      await isOver(opening);
      await clock.advance(4_999);
      expect(await isOver(opening)).to.equal(false);
      await clock.advance(1);
      const error = (await opening) as LeveretError;
      expect(error).to.include({ code: 'LEV_PUBLISH_BLOCKED' });
      expect(error.message).to.contain('within 5000 ms; nothing was sent');
      expect(error.cause).to.be.instanceOf(Error);
      expect(peer.connections).to.equal(1);
    });

    it('opens one apart on a connection of its own, which is closed with its last channel, again and again', async () => {
      await transport.connect('publish');
      for (const connections of [2, 3]) {
        const apart = await Promise.all([opened(APART), opened(APART)]);
        expect(apart.map(({ isOpen }) => isOpen)).to.deep.equal([true, true]);
        expect([peer.connections, peer.standing]).to.deep.equal([connections, 2]);
        await apart[0]!.close();
        expect(await isOver(apart[0]!.close())).to.equal(true);
        expect(peer.standing).to.equal(2);
        await apart[1]!.close();
        await eventually('the end of the connection', () => peer.standing === 1);
      }
      expect(told()).to.deep.equal(['connected']);
    });

    it('can open one apart when nobody was there before', async () => {
      await transport.close({ timeoutMs: 100 });
      const port = Number(new URL(peer.url).port);
      await peer.stop();
      transport = new AmqplibTransport({ connection: { urls: `amqp://127.0.0.1:${port}` }, clock });
      expect(await rejectionOf(opened(APART))).to.include({ code: 'LEV_PUBLISH_NOT_CONNECTED' });
      peer = await RawPeer.start(port);
      const apart = await opened(APART);
      expect(apart.isOpen).to.equal(true);
      await apart.close();
      await eventually('the end of the connection', () => peer.standing === 0);
    });
  });

  describe('that declares', () => {
    it('does so on the connection that there is, whichever it is', async () => {
      await transport.connect('publish');
      await transport.declare(topologyOf({ queues: [queueOf('q')] }));
      expect([transport.isAsDeclared('q'), peer.connections]).to.deep.equal([true, 1]);
    });

    it('leaves it to the next connection when one is cut meanwhile', async () => {
      const queue = queueOf('q');
      await Promise.all([transport.connect('consume'), transport.connect('publish')]);
      peer.mute();
      const declaring = transport.declare(topologyOf({ queues: [queue] }));
      expect(await isOver(declaring)).to.equal(false);
      peer.cut();
      await declaring;
      await eventually('the declaration', () => transport.isAsDeclared('q'));
      expect(told()).to.not.include('declare-failed');
    });

    it('says which declaration has no answer, and for how long', async () => {
      await transport.connect('consume');
      peer.mute();
      const declaring = transport.declare(topologyOf({ queues: [queueOf('q')] }));
      await isOver(declaring);
      await clock.advance(1_500);
      expect(transport.unanswered().map(({ kind, forMs }) => [kind, forMs])).to.deep.equal([['declare', 1_500]]);
      peer.cut();
      await declaring;
      expect(transport.unanswered()).to.deep.equal([]);
    });
  });

  describe('that is closed', () => {
    it('ends all connections, also the one apart and those that are being made, and leaves no timer', async () => {
      await Promise.all([transport.connect('consume'), transport.connect('publish')]);
      await opened(APART);
      expect(peer.standing).to.equal(3);
      const closed = transport.close({ timeoutMs: 1000 });
      expect(transport.close({ timeoutMs: 1 })).to.equal(closed);
      await closed;
      expect(transport.health().map(({ state }) => state)).to.deep.equal(['closed', 'closed']);
      await eventually('no connection', () => peer.standing === 0);
      // What lingers for a socket's last bytes.
      await clock.advance(250);
      expect(clock.waits).to.deep.equal([]);
    });

    it('waits for the one apart, too', async () => {
      await opened(APART);
      peer.mute();
      const closing = transport.close({ timeoutMs: 1000 });
      expect(await isOver(closing)).to.equal(false);
      await clock.advance(999);
      expect(await isOver(closing)).to.equal(false);
      await clock.advance(1);
      await closing;
      await eventually('no connection', () => peer.standing === 0);
    });

    it('gives its consumers half of the time, and the connections what is left of it', async () => {
      const sink = new RecordingSink(() => {});
      transport.subscribe(consumeRequest('q'), sink);
      await transport.connect('consume');
      await eventually('consuming', () => sink.tags.length === 1);
      peer.mute();
      const closing = transport.close({ timeoutMs: 1000 });
      expect(await isOver(closing)).to.equal(false);
      await clock.advance(499);
      expect(peer.standing).to.equal(1);
      expect(await isOver(closing)).to.equal(false);
      await clock.advance(500);
      expect(await isOver(closing)).to.equal(false);
      await clock.advance(1);
      expect(await isOver(closing)).to.equal(true);
      await closing;
      await eventually('no connection', () => peer.standing === 0);
    });
  });
});

const APART = { ...OPTIONS, apart: true };
const CONFIRM_SELECT = '0055000a';
const BASIC_CONSUME = '003c0014';

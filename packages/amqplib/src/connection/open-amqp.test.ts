import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { eventually } from '../test-support/eventually.js';
import { RawPeer } from '../test-support/raw-peer.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { resolveConnectionOptions } from './connection-options.js';
import { openAmqp } from './open-amqp.js';

describe('openAmqp', () => {
  const openTo = (peer: RawPeer, signal: AbortSignal, clock: FakeClock) => {
    const options = resolveConnectionOptions({ urls: peer.url, heartbeat: 0, connectionTimeout: '5s' });
    return openAmqp(options.hosts[0]!, options, 'test', signal, clock);
  };

  it('opens nothing for a signal that has fired, and nothing more for one that fires', async () => {
    const peer = await RawPeer.start();
    const clock = new FakeClock();
    const fired = AbortSignal.abort();
    expect(await rejectionOf(openTo(peer, fired, clock))).to.include({ code: 'LEV_CONNECTION_FAILED' });
    expect([peer.connections, clock.waits]).to.deep.equal([0, []]);
    peer.unanswered.add('000a0028');
    const controller = new AbortController();
    const given = rejectionOf(openTo(peer, controller.signal, clock));
    await eventually('the handshake', () => peer.asked.includes('000a0028'));
    controller.abort();
    expect(await given).to.include({ code: 'LEV_CONNECTION_FAILED' });
    await eventually('no connection', () => peer.standing === 0);
    expect([getEventListeners(controller.signal, 'abort').length, clock.waits]).to.deep.equal([0, []]);
    await peer.stop();
  });

  it('waits for the whole handshake as long as it may take, and leaves no timer or listener behind', async () => {
    const peer = await RawPeer.start();
    const clock = new FakeClock();
    const { signal } = new AbortController();
    const model = await openTo(peer, signal, clock);
    expect([getEventListeners(signal, 'abort').length, clock.waits]).to.deep.equal([0, []]);
    model.on('error', () => {});
    peer.unanswered.add('000a0028');
    const before = peer.asked.length;
    const late = rejectionOf(openTo(peer, signal, clock));
    await eventually('the handshake', () => peer.asked.slice(before).includes('000a0028'));
    expect(clock.waits).to.deep.equal([5_000]);
    await clock.advance(5_000);
    expect(String(await late)).to.contain('no complete AMQP handshake within 5000 ms (connectionTimeout)');
    await eventually('one connection', () => peer.standing === 1);
    await peer.stop();
  });
});

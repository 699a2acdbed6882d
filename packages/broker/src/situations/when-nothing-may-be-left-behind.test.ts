import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { VirtualClock } from '../clock/virtual-clock.js';
import { RawClient, table } from '../testing/raw-client.support.test.js';
import { eventually, Situation } from '../testing/situation.support.test.js';

/** Timers that keep this process alive. */
const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;

describe('when nothing may be left behind', () => {
  const ways: readonly [string, (situation: Situation) => Promise<unknown>][] = [
    ['has said nothing yet', (situation) => situation.open()],
    ['has not finished its handshake', (situation) => situation.connect({ stopBeforeOpen: true })],
    ['had a wrong password, and cannot be told', (situation) => situation.connect({ password: 'x', capabilities: [] })],
    ['had a wrong password, and does not read that', (situation) => situation.connect({ password: 'x' })],
    ['is open', (situation) => situation.client()],
    ['is open and beats', (situation) => situation.client({ heartbeat: 60 })],
    [
      'has closed, and leaves its socket open',
      async (situation) => {
        const client = await situation.client({ heartbeat: 60 });
        await client.call(0, 'connection.close');
      },
    ],
    [
      'was closed, and does not answer',
      async (situation) => {
        const client = await situation.client({ heartbeat: 60 });
        situation.broker.faults.closeConnections();
        await client.next('connection.close');
      },
    ],
    [
      'waits for frames that a fault holds back',
      async (situation) => {
        const client = await situation.client();
        situation.broker.faults.delayFrames('1h');
        client.send(1, 'queue.declare', { queue: 'q' });
        await eventually(() => expect(situation.broker.queue('q')).to.not.equal(undefined));
        await new Promise((resolve) => setImmediate(resolve));
      },
    ],
  ];
  for (const [what, begin] of ways) {
    for (const end of ['close', 'kill', 'cut'] as const) {
      it(`no timer is, of a connection that ${what}, behind ${end === 'cut' ? 'its cut' : `${end}()`}`, async () => {
        await using situation = await Situation.start();
        // That of the test itself included, which is there by now.
        const before = timers();
        await begin(situation);
        if (end === 'cut') {
          situation.disconnect();
          await eventually(() => expect(timers()).to.equal(before));
        } else {
          await situation.broker[end]();
          expect(timers()).to.equal(before);
        }
      });
    }
  }

  it('no connection is in the list of a broker that has stopped, and no socket that does not close by itself', async () => {
    await using situation = await Situation.start();
    const { broker } = situation;
    const client = await situation.client();
    client.send(1, 'queue.declare', { queue: 'transient' });
    await client.settle();
    const stubborn: Socket = connect({ port: broker.port, host: '127.0.0.1', allowHalfOpen: true });
    stubborn.on('error', () => {});
    await once(stubborn, 'connect');
    const gone = once(stubborn, 'close');
    stubborn.resume();
    await broker.stop();
    expect([broker.connections, broker.queues()]).to.deep.equal([[], []]);
    stubborn.destroy();
    await gone;
  });

  it('nothing is scheduled any more on a clock that was lent to a broker', async () => {
    const clock = new VirtualClock({ running: false });
    await using situation = await Situation.start({ clock, version: '4.0' });
    const client = await situation.client();
    const expires = { 'x-expires': 60_000, 'x-message-ttl': 30_000 };
    client.send(1, 'queue.declare', { queue: 'q', durable: true, arguments: table(expires) });
    client.publish(1, '', 'q', 'm', { delivery_mode: 2 });
    client.send(1, 'queue.declare', { queue: 'held' });
    client.publish(1, '', 'held', 'm');
    client.send(1, 'basic.get', { queue: 'held' });
    await client.settle();
    expect(clock.nextDueAt).to.not.equal(undefined);
    await situation.broker.close();
    expect(clock.nextDueAt).to.equal(undefined);
    let called = false;
    clock.schedule(() => {
      called = true;
    }, 1);
    clock.advance(1);
    expect(called, 'it is still of use to whoever lent it').to.equal(true);
  });

  it('a port is free again, and the one of the management API', async () => {
    const first = await Situation.start({ managementPort: 0 });
    const { port, managementUrl = '' } = first.broker;
    await first[Symbol.asyncDispose]();
    const managementPort = Number(new URL(managementUrl).port);
    await using second = await Situation.start({ port, managementPort });
    expect([second.broker.port, second.broker.managementUrl]).to.deep.equal([port, managementUrl]);
    (await RawClient.connect(port)).destroy();
  });
});

import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import { RejectMessage, RequeueMessage } from '../errors/outcome-signal.js';
import type { KillSwitchPolicy } from '../outage/kill-switch.js';
import { ListenerContainer } from './listener-container.js';
import {
  aDefinition,
  aQueueDeclaration,
  ListenerHarness,
  type ListenerParts,
} from './listener-harness.support.test.js';
import { ScriptedTransport } from './scripted-transport.support.test.js';

const SWITCH: KillSwitchPolicy = { activeAt: 4, tripAt: 0.5, withinMs: 30_000, pauseMs: 30_000, when: () => true };

function setUp(
  parts: ListenerParts & { readonly killSwitch?: Partial<KillSwitchPolicy>; readonly version?: string } = {},
) {
  const called: string[] = [];
  const service = { isDown: true, error: (): Error => new Error('connect ECONNREFUSED amqp://user:secret@db') };
  const handle = ({ payload }: { readonly payload: unknown }) => {
    called.push(String(payload));
    if (service.isDown || String(payload).startsWith('poison')) throw service.error();
  };
  const given: ListenerParts = {
    handle,
    ...parts,
    definition: {
      queueDeclaration: aQueueDeclaration(),
      killSwitch: { ...SWITCH, ...parts.killSwitch },
      ...parts.definition,
    },
    recover: parts.recover ?? (() => 'ack'),
    retry: parts.retry ?? { maxAttempts: 1 },
  };
  const { clock, logger, events, publisher, happened } = new ListenerHarness(given);
  const transport = new ScriptedTransport();
  transport.broker = { product: 'RabbitMQ', version: parts.version ?? '3.10.8', frameMax: 131_072 };
  const container = new ListenerContainer(aDefinition(given), { transport, publisher, clock, logger, events });
  const types = (type: string) => happened.filter((event) => event.type === type);
  return { called, service, clock, logger, transport, container, happened, types };
}

/** Lets it come to rest. */
async function rest() {
  for (let turns = 0; turns < 20; turns++) await turn();
}

describe('the kill switch of a listener', () => {
  it('pauses at the share, gives back what failed then and what waits, and parks what failed before', async () => {
    const { container, transport, types } = setUp();
    await container.start();
    transport.last.deliver('a', 'b', 'c', 'd', 'e', 'f');
    await rest();
    expect(transport.frames).to.deep.equal([
      'basic.ack 1',
      'basic.ack 2',
      'basic.ack 3',
      'basic.nack 5 requeue',
      'basic.nack 6 requeue',
      'basic.nack 4 requeue',
    ]);
    expect(types('recovered')).to.have.length(3);
    expect(transport.last.calls).to.deep.equal(['pause']);
    expect(container.state).to.equal('paused');
  });

  it('says why in the log, in inspect and in an event, without secrets', async () => {
    const { container, transport, clock, logger, types } = setUp();
    await container.start();
    transport.last.deliver('a', 'b', 'c', 'd');
    await rest();
    const reason = '4 of the latest 4 attempts failed; the last: connect ECONNREFUSED amqp://user:***@db';
    expect(types('listener-paused')).to.deep.equal([
      {
        type: 'listener-paused',
        by: 'kill-switch',
        reason,
        forMs: 30_000,
        listenerId: 'Orders.onPaid',
        queue: 'orders',
      },
    ]);
    expect(container.inspect().paused).to.include({ by: 'kill-switch', reason, resumesAt: clock.now() + 30_000 });
    expect(container.inspect().killSwitch).to.include({ state: 'tripped', trips: 1 });
    expect(logger.said.filter((line) => line === 'warn: listener paused')).to.have.length(1);
  });

  it('tries one message after each pause, until one succeeds', async () => {
    const { container, transport, clock, called, service, types } = setUp();
    await container.start();
    transport.last.deliver('a', 'b', 'c', 'd');
    await clock.advance(29_999);
    expect(transport.last.calls).to.deep.equal(['pause']);
    await clock.advance(1);
    expect(transport.last.calls).to.deep.equal(['pause', 'resume 1']);
    transport.last.deliver('e');
    await rest();
    expect(transport.last.calls).to.deep.equal(['pause', 'resume 1', 'pause']);
    transport.last.deliver('f');
    await clock.advance(29_999);
    expect(called).to.deep.equal(['a', 'b', 'c', 'd', 'e']);
    service.isDown = false;
    await clock.advance(1);
    transport.last.deliver('g');
    await rest();
    expect(called.slice(5)).to.deep.equal(['g', 'e', 'f']);
    expect(types('listener-probed').map((event) => 'succeeded' in event && event.succeeded)).to.deep.equal([
      false,
      true,
    ]);
    expect(types('listener-resumed')).to.have.length(1);
    expect(container.state).to.equal('running');
    await clock.advance(1000);
    expect(transport.last.calls.slice(-2)).to.deep.equal(['pause', 'resume 50']);
    expect(transport.frames.filter((frame) => frame.startsWith('basic.ack'))).to.have.length(6);
  });

  it('tries what it has when nothing else comes', async () => {
    const { container, transport, clock, called } = setUp();
    await container.start();
    transport.last.deliver('a', 'b', 'c', 'd');
    await clock.advance(30_000);
    transport.last.deliver('e');
    await clock.advance(30_000);
    expect(called.at(-1)).to.equal('e');
    expect(called).to.have.length(5);
    await clock.advance(1000);
    expect(called).to.deep.equal(['a', 'b', 'c', 'd', 'e', 'e']);
  });

  it('is not stopped by a message that fails for ever', async () => {
    const { container, transport, clock, service } = setUp();
    await container.start();
    transport.last.deliver('a', 'b', 'c', 'd');
    await rest();
    service.isDown = false;
    await clock.advance(30_000);
    transport.last.deliver('poison');
    await clock.advance(30_000);
    expect(container.state).to.equal('paused');
    transport.last.deliver('e');
    await rest();
    expect(container.state).to.equal('running');
  });

  it('is not tripped by one message that fails again and again', async () => {
    const { container, transport, clock } = setUp({ retry: { maxAttempts: 20 }, killSwitch: { activeAt: 6 } });
    await container.start();
    transport.last.deliver('poison');
    await clock.advance(1_000_000);
    expect(container.state).to.equal('running');
    expect(transport.frames).to.deep.equal(['basic.ack 1']);
  });

  it('comes back with more and more consumers', async () => {
    const { container, transport, clock, service } = setUp({ definition: { concurrency: 5 } });
    await container.start();
    for (const subscription of transport.subscriptions) subscription.deliver('a', 'b', 'c');
    await rest();
    service.isDown = false;
    await clock.advance(30_000);
    const open = () => transport.subscriptions.map(({ calls }) => calls.at(-1));
    const probing = transport.subscriptions.find(({ calls }) => calls.at(-1) === 'resume 1');
    expect(open().filter((call) => call === 'resume 1')).to.have.length(1);
    probing?.deliver('p');
    await rest();
    const wanted: [number, number][] = [];
    for (let step = 0; step < 5; step++) {
      wanted.push([container.inspect().wanted, open().filter((call) => call?.startsWith('resume')).length]);
      await clock.advance(1000);
    }
    expect(wanted).to.deep.equal([
      [1, 1],
      [2, 2],
      [4, 4],
      [5, 5],
      [5, 5],
    ]);
    expect(open()).to.deep.equal(Array(5).fill('resume 50'));
  });

  it('gives back what waits for another attempt, whose attempts begin anew', async () => {
    const attempts: string[] = [];
    const service = { isDown: true };
    const { container, transport, clock } = setUp({
      definition: { concurrency: 2 },
      retry: { maxAttempts: 3 },
      killSwitch: { activeAt: 4 },
      handle: ({ attempt, payload }) => {
        attempts.push(`${payload} ${attempt}`);
        if (service.isDown) throw new Error('down');
      },
    });
    await container.start();
    const [one, other] = transport.subscriptions;
    one?.deliverMessage({ text: 'a', messageId: 'a' });
    other?.deliverMessage({ text: 'b', messageId: 'b' });
    await clock.advance(1000);
    expect(attempts).to.have.length(4);
    expect(transport.frames).to.deep.equal(['basic.nack 1 requeue', 'basic.nack 1 requeue']);
    container.resume();
    one?.deliverMessage({ text: 'a', messageId: 'a', redelivered: true });
    await rest();
    expect(attempts.at(-1)).to.equal('a 1');
  });

  it('takes what was at work when it tripped and fails later for its victim', async () => {
    const ends: ((error?: Error) => void)[] = [];
    const { container, transport, clock, types } = setUp({
      definition: { concurrency: 3 },
      killSwitch: { activeAt: 2 },
      handle: () =>
        new Promise<void>((resolve, reject) => ends.push((error) => (error === undefined ? resolve() : reject(error)))),
    });
    await container.start();
    for (const subscription of transport.subscriptions) subscription.deliver('x');
    await rest();
    ends[0]?.(new Error('down'));
    await rest();
    expect(types('recovered')).to.have.length(1);
    ends[1]?.(new Error('down'));
    await rest();
    expect(container.state).to.equal('paused');
    await clock.advance(10_000);
    ends[2]?.(new Error('timed out at last'));
    await rest();
    expect(types('recovered')).to.have.length(1);
    expect(types('given-back')).to.have.length(2);
  });

  it('acknowledges what was at work when it tripped and succeeds', async () => {
    const ends: (() => void)[] = [];
    const { container, transport } = setUp({
      definition: { concurrency: 2 },
      killSwitch: { activeAt: 1 },
      handle: ({ payload }) =>
        payload === 'slow' ? new Promise<void>((resolve) => ends.push(resolve)) : Promise.reject(new Error('down')),
    });
    await container.start();
    transport.subscriptions[0]?.deliver('slow');
    transport.subscriptions[1]?.deliver('x');
    await rest();
    expect(container.state).to.equal('paused');
    ends[0]?.();
    await rest();
    expect(transport.subscriptions[0]?.channel.frames).to.deep.equal(['basic.ack 1']);
    expect(container.state).to.equal('paused');
  });

  describe('counts', () => {
    const fails = async (error: () => Error, killSwitch: Partial<KillSwitchPolicy> = {}) => {
      const it = setUp({ killSwitch: { activeAt: 2, ...killSwitch } });
      it.service.error = error;
      await it.container.start();
      it.transport.last.deliver('a', 'b', 'c');
      await rest();
      return it;
    };

    it('no message that was rejected on purpose', async () => {
      const { container } = await fails(() => new RejectMessage('not mine'));
      expect(container.state).to.equal('running');
    });

    it('what asks to be requeued, and gives it back', async () => {
      const { container, transport } = await fails(() => new RequeueMessage('not now'));
      expect(container.state).to.equal('paused');
      expect(transport.frames).to.deep.equal([
        'basic.reject 1 requeue',
        'basic.nack 3 requeue',
        'basic.nack 2 requeue',
      ]);
    });

    it('no invalid message', async () => {
      const { container, transport } = setUp({
        killSwitch: { activeAt: 2 },
        route: {
          convert: () => {
            throw new Error('no JSON');
          },
        },
      });
      await container.start();
      transport.last.deliver('a', 'b', 'c');
      await rest();
      expect(container.state).to.equal('running');
    });

    it('only the errors that it is told to', async () => {
      const { container } = await fails(() => new TypeError('a bug'), {
        when: (error) => !(error instanceof TypeError),
      });
      expect(container.state).to.equal('running');
    });

    it('an error about which nobody can tell, and says so', async () => {
      const { container, logger } = await fails(() => new Error('down'), {
        when: () => {
          throw new Error('oops');
        },
      });
      expect(container.state).to.equal('paused');
      expect(logger.said).to.include('error: killSwitch.when() threw: the failure counts');
    });
  });

  describe('where giving back costs a delivery', () => {
    it('keeps what failed and what waits, and gives none of it back', async () => {
      const { container, transport, clock, service, called } = setUp({
        definition: { queueDeclaration: aQueueDeclaration({ type: 'quorum' }), killSwitch: SWITCH },
      });
      await container.start();
      transport.last.deliver('a', 'b', 'c', 'd', 'e', 'f');
      await rest();
      expect(transport.frames).to.deep.equal(['basic.ack 1', 'basic.ack 2', 'basic.ack 3']);
      expect(container.inspect()).to.include({ held: 3, atWork: 0, state: 'paused' });
      await clock.advance(300_000);
      expect(transport.frames).to.have.length(3);
      service.isDown = false;
      await clock.advance(31_000);
      expect(transport.frames).to.have.length(6);
      expect(container.state).to.equal('running');
      expect(called.length).to.be.within(15, 18);
    });
  });

  it('keeps its place and what it has where order matters', async () => {
    const { container, transport, clock, service, called } = setUp({
      definition: {
        queueDeclaration: aQueueDeclaration({ type: 'quorum' }),
        killSwitch: { ...SWITCH, activeAt: 1 },
        ordered: true,
        prefetch: 1,
      },
    });
    await container.start();
    transport.last.deliver('a');
    await clock.advance(65_000);
    expect(called).to.deep.equal(['a', 'a', 'a']);
    expect(transport.frames).to.deep.equal([]);
    service.isDown = false;
    await clock.advance(30_000);
    expect(transport.frames).to.deep.equal(['basic.ack 1']);
    expect(transport.last.calls).to.deep.equal([]);
    transport.last.deliver('b');
    await rest();
    expect(called.at(-1)).to.equal('b');
  });

  it('loses nothing in none mode', async () => {
    const { container, transport, clock, service, called, types } = setUp({ policy: { acknowledge: 'none' } });
    await container.start();
    transport.last.deliver('a', 'b', 'c', 'd', 'e', 'f');
    await rest();
    expect(container.state).to.equal('paused');
    service.isDown = false;
    await clock.advance(35_000);
    expect(called.slice(-3).sort()).to.deep.equal(['d', 'e', 'f']);
    expect(types('handled')).to.have.length(3);
    expect(types('dropped')).to.have.length(0);
  });

  it('yields to a person, who pauses and resumes it', async () => {
    const { container, transport, clock, service } = setUp();
    await container.start();
    transport.last.deliver('a', 'b', 'c', 'd');
    await rest();
    await container.pause({ reason: 'I look into it' });
    await clock.advance(120_000);
    expect(container.inspect().paused).to.include({ by: 'person', reason: 'I look into it' });
    expect(transport.last.calls).to.deep.equal(['pause']);
    service.isDown = false;
    container.resume();
    expect(transport.last.calls).to.deep.equal(['pause', 'resume 50']);
    expect(container.inspect().killSwitch).to.include({ state: 'watching' });
  });

  it('is resumed at once by a person, with all consumers', async () => {
    const { container, transport } = setUp();
    await container.start();
    transport.last.deliver('a', 'b', 'c', 'd');
    await rest();
    container.resume();
    expect(transport.last.calls).to.deep.equal(['pause', 'resume 50']);
  });

  it('begins anew when the listener is stopped and started', async () => {
    const { container, transport, clock } = setUp();
    await container.start();
    transport.last.deliver('a', 'b', 'c', 'd');
    await rest();
    await container.stop();
    await container.start();
    expect(container.state).to.equal('running');
    await clock.advance(60_000);
    expect(transport.last.calls).to.deep.equal([]);
  });

  it('tries another message when the first has proved nothing', async () => {
    const { container, transport, clock, service, called } = setUp();
    await container.start();
    transport.last.deliver('a', 'b', 'c', 'd');
    await clock.advance(30_000);
    service.error = () => new RejectMessage('not mine');
    transport.last.deliver('odd');
    await rest();
    expect(transport.frames.at(-1)).to.equal('basic.reject 5');
    await clock.advance(1000);
    expect(transport.last.calls.at(-1)).to.equal('resume 1');
    service.isDown = false;
    transport.last.deliver('e');
    await rest();
    expect(container.state).to.equal('running');
    expect(called).to.include.members(['odd', 'e']);
  });
});

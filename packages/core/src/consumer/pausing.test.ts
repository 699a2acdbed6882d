import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import { ConfigurationError } from '../errors/configuration-error.js';
import { ListenerContainer } from './listener-container.js';
import {
  aDefinition,
  aQueueDeclaration,
  ListenerHarness,
  type ListenerParts,
} from './listener-harness.support.test.js';
import { ScriptedTransport, SlowHandler } from './scripted-transport.support.test.js';

function listener(parts: ListenerParts = {}, version = '3.10.8') {
  const slow = new SlowHandler();
  const given = { handle: slow.handle as NonNullable<ListenerParts['handle']>, ...parts };
  const { clock, logger, events, publisher, happened } = new ListenerHarness(given);
  const transport = new ScriptedTransport();
  transport.broker = { product: 'RabbitMQ', version, frameMax: 131_072 };
  const container = new ListenerContainer(aDefinition(given), { transport, publisher, clock, logger, events });
  const types = () => happened.map(({ type }) => type);
  return { slow, clock, logger, transport, container, happened, types };
}

const queue = (type: 'classic' | 'quorum') => ({ queueDeclaration: aQueueDeclaration({ type }) });
const classic = { definition: queue('classic') };
const quorum = { definition: queue('quorum') };

describe('pausing a listener', () => {
  it('cancels, lets what runs end and acknowledges it, and gives back what waits', async () => {
    const { container, transport, slow } = listener(classic);
    await container.start();
    transport.last.deliver('a', 'b', 'c');
    await turn();
    const paused = container.pause({ reason: 'the pay service is down' });
    await turn();
    expect(transport.last.calls).to.deep.equal(['pause']);
    expect(transport.frames).to.deep.equal(['basic.nack 2 requeue', 'basic.nack 3 requeue']);
    slow.end();
    expect(await paused).to.deep.equal({ atWork: 0 });
    expect(transport.frames.at(-1)).to.equal('basic.ack 1');
    expect(slow.began).to.deep.equal(['a']);
  });

  it('gives back what still comes before the broker has heard of it', async () => {
    const { container, transport, slow } = listener(classic);
    await container.start();
    await container.pause();
    transport.last.deliver('late');
    await turn();
    expect(transport.frames).to.deep.equal(['basic.nack 1 requeue']);
    expect(slow.began).to.deep.equal([]);
  });

  it('goes on with what it fetches in advance as before', async () => {
    const { container, transport, slow } = listener(classic);
    await container.start();
    await container.pause();
    container.resume();
    transport.last.deliver('a');
    await turn();
    expect(transport.last.calls).to.deep.equal(['pause', 'resume 50']);
    expect(slow.began).to.deep.equal(['a']);
    slow.end();
    await turn();
    expect(container.state).to.equal('running');
  });

  it('tells why, since when and until when', async () => {
    const { container, clock } = listener(classic);
    await container.start();
    await container.pause({ reason: 'maintenance', for: '10m' });
    const pausedAt = clock.now();
    expect(container.inspect()).to.deep.include({
      state: 'paused',
      wanted: 0,
      attached: 0,
      paused: { by: 'person', reason: 'maintenance', pausedAt, resumesAt: pausedAt + 600_000 },
    });
    container.resume();
    expect(container.inspect()).to.deep.include({ state: 'running', wanted: 1, paused: undefined });
  });

  it('has an event and a line each way', async () => {
    const { container, clock, logger, happened } = listener(classic);
    await container.start();
    await container.pause({ reason: 'maintenance' });
    await clock.advance(1500);
    container.resume();
    const news = happened.filter(({ type }) => type === 'listener-paused' || type === 'listener-resumed');
    const place = { listenerId: 'Orders.onPaid', queue: 'orders' };
    expect(news).to.deep.equal([
      { type: 'listener-paused', by: 'person', reason: 'maintenance', forMs: undefined, ...place },
      { type: 'listener-resumed', by: 'person', pausedForMs: 1500, ...place },
    ]);
    expect(logger.said).to.deep.equal(['warn: listener paused', 'info: listener goes on']);
  });

  describe('for a time', () => {
    it('goes on by itself, and not before', async () => {
      const { container, clock, transport, happened } = listener(classic);
      await container.start();
      await container.pause({ for: '30s' });
      await clock.advance(29_999);
      expect(container.state).to.equal('paused');
      await clock.advance(1);
      expect(container.state).to.equal('running');
      expect(transport.last.calls).to.deep.equal(['pause', 'resume 50']);
      expect(happened.at(-1)).to.include({ type: 'listener-resumed', by: 'time' });
    });

    it('takes the reason and the end of the pause that was asked for last', async () => {
      const { container, clock } = listener(classic);
      await container.start();
      await container.pause({ for: '30s', reason: 'short' });
      await container.pause({ for: '2m', reason: 'longer' });
      await clock.advance(30_000);
      expect(container.inspect().paused).to.include({ reason: 'longer' });
      await container.pause({ reason: 'until somebody says so' });
      await clock.advance(10_000_000);
      expect(container.state).to.equal('paused');
    });

    it('is over when somebody resumes it before', async () => {
      const { container, clock, types } = listener(classic);
      await container.start();
      await container.pause({ for: '30s' });
      container.resume();
      await container.pause();
      await clock.advance(30_000);
      expect(container.state).to.equal('paused');
      expect(types().filter((type) => type === 'listener-resumed')).to.have.length(1);
    });
  });

  it('does nothing when it is resumed without a pause', async () => {
    const { container, logger, types } = listener(classic);
    await container.start();
    container.resume();
    expect(types()).not.to.include('listener-resumed');
    expect(logger.said).to.deep.equal([]);
  });

  it('waits for what runs as long as it is told to, and interrupts nothing', async () => {
    const { container, transport, clock, slow } = listener(classic);
    await container.start();
    transport.last.deliver('a');
    await turn();
    const paused = container.pause({ timeout: '5s' });
    await clock.advance(5000);
    expect(await paused).to.deep.equal({ atWork: 1 });
    expect(slow.signals[0]?.aborted).to.equal(false);
    slow.end();
    await turn();
    expect(transport.frames).to.deep.equal(['basic.ack 1']);
  });

  for (const options of [
    { for: 'soon' },
    { for: 0 },
    { reason: '' },
    { reason: 7 },
    { timeout: -1 },
    { reason: 'x'.repeat(501) },
  ]) {
    it(`refuses ${JSON.stringify(options).slice(0, 40)}, and goes on`, async () => {
      const { container } = listener(classic);
      await container.start();
      const error = await container.pause(options as never).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).to.be.instanceOf(ConfigurationError);
      expect(container.state).to.equal('running');
    });
  }

  it('gives back what waits for another attempt, which goes on with the next one', async () => {
    const attempts: number[] = [];
    const { container, transport } = listener({
      ...classic,
      retry: {},
      handle: ({ attempt }) => {
        attempts.push(attempt);
        throw new Error('down');
      },
    });
    await container.start();
    transport.last.deliverMessage({ messageId: 'm-1' });
    await turn();
    await container.pause();
    expect(transport.frames).to.deep.equal(['basic.nack 1 requeue']);
    container.resume();
    transport.last.deliverMessage({ messageId: 'm-1', redelivered: true });
    await turn();
    expect(attempts).to.deep.equal([1, 2]);
  });

  it('waits for no further attempt of what fails while it is paused', async () => {
    const ends: (() => void)[] = [];
    const handle = () => new Promise<void>((_, reject) => ends.push(() => reject(new Error('down'))));
    const { container, transport } = listener({ ...classic, retry: {}, handle });
    await container.start();
    transport.last.deliver('a');
    await turn();
    const paused = container.pause();
    ends[0]?.();
    expect(await paused).to.deep.equal({ atWork: 0 });
    expect(transport.frames).to.deep.equal(['basic.nack 1 requeue']);
  });

  describe('where giving back costs a delivery', () => {
    it('keeps what waits, and handles it first when it goes on', async () => {
      const { container, transport, slow, types } = listener(quorum);
      await container.start();
      transport.last.deliver('a', 'b', 'c');
      await turn();
      const paused = container.pause();
      slow.end();
      await paused;
      await turn();
      expect(transport.frames).to.deep.equal(['basic.ack 1']);
      expect(types().filter((type) => type === 'put-off')).to.have.length(2);
      expect(container.inspect()).to.include({ held: 2, atWork: 0 });
      container.resume();
      transport.last.deliver('d');
      for (let ended = 0; ended < 3; ended++) {
        await turn();
        slow.end();
      }
      await turn();
      expect(slow.began).to.deep.equal(['a', 'b', 'c', 'd']);
    });

    it('keeps what waits for another attempt, too', async () => {
      const attempts: string[] = [];
      const { container, transport, clock } = listener({
        ...quorum,
        retry: {},
        handle: ({ attempt, payload }) => {
          attempts.push(`${payload} ${attempt}`);
          if (attempts.length === 1) throw new Error('down');
        },
      });
      await container.start();
      transport.last.deliver('a', 'b');
      await turn();
      await container.pause();
      await clock.advance(30_000);
      expect(transport.frames).to.deep.equal([]);
      container.resume();
      await turn();
      expect(transport.frames).to.deep.equal(['basic.ack 1', 'basic.ack 2']);
      expect(attempts.slice(1)).to.have.length(2);
    });

    it('keeps it for a minute only, where others may be waiting for it', async () => {
      const { container, transport, clock } = listener(quorum);
      await container.start();
      await container.pause();
      transport.last.deliver('a');
      await clock.advance(59_999);
      expect(transport.frames).to.deep.equal([]);
      await clock.advance(1);
      expect(transport.frames).to.deep.equal(['basic.nack 1 requeue']);
      await container.pause({ for: '1m' });
      transport.last.deliver('b');
      await clock.advance(60_000);
      expect(transport.frames).to.have.length(1);
      expect(container.state).to.equal('running');
    });

    it('gives it back when the broker would take it back', async () => {
      const { container, transport, clock, types } = listener({
        definition: { ...queue('quorum'), consumerTimeoutMs: 60_000 },
      });
      await container.start();
      await container.pause();
      transport.last.deliver('a', 'b');
      await clock.advance(44_000);
      expect(transport.frames).to.deep.equal([]);
      await clock.advance(1000);
      expect(transport.frames).to.deep.equal(['basic.nack 1 requeue', 'basic.nack 2 requeue']);
      expect(types()).not.to.include('intake-reduced');
      container.resume();
      expect(transport.last.calls.at(-1)).to.equal('resume 50');
    });

    it('gives it back when it stops, and handles nothing', async () => {
      const { container, transport, slow } = listener(quorum);
      await container.start();
      await container.pause();
      transport.last.deliver('a', 'b');
      await container.stop();
      expect(transport.frames).to.deep.equal(['basic.nack 1 requeue', 'basic.nack 2 requeue']);
      expect(slow.began).to.deep.equal([]);
    });

    it('gives back at once on RabbitMQ 4.3, where that is free', async () => {
      const { container, transport } = listener(quorum, '4.3.6');
      await container.start();
      await container.pause();
      transport.last.deliver('a');
      await turn();
      expect(transport.frames).to.deep.equal(['basic.nack 1 requeue']);
    });
  });

  it('keeps what the broker has forgotten in none mode, and handles it', async () => {
    const { container, transport, slow } = listener({ policy: { acknowledge: 'none' } });
    await container.start();
    await container.pause();
    transport.last.deliver('a');
    await turn();
    expect(slow.began).to.deep.equal([]);
    const stopped = container.stop();
    await turn();
    expect(slow.began).to.deep.equal(['a']);
    slow.end();
    await stopped;
  });

  describe('in order', () => {
    const ordered = { definition: { ...queue('classic'), ordered: true, prefetch: 1 } };

    it('leaves its place when what runs has ended, with what it had fetched', async () => {
      const { container, transport, slow } = listener(ordered);
      await container.start();
      const [first] = transport.subscriptions;
      transport.last.deliver('a', 'b');
      await turn();
      const paused = container.pause();
      await turn();
      expect(first?.calls).to.deep.equal(['cancel']);
      slow.end();
      await paused;
      await turn();
      expect(first?.calls).to.deep.equal(['cancel', 'close']);
      expect(transport.frames).to.deep.equal(['basic.ack 1']);
    });

    it('takes a place again when it is resumed, also while it is still leaving', async () => {
      const { container, transport, slow } = listener(ordered);
      await container.start();
      transport.last.deliver('a');
      await turn();
      void container.pause();
      container.resume();
      await turn();
      expect(transport.subscriptions).to.have.length(1);
      slow.end();
      await turn();
      expect(transport.subscriptions).to.have.length(2);
      transport.last.deliver('b');
      await turn();
      expect(slow.began).to.deep.equal(['a', 'b']);
    });
  });

  describe('while the connection comes and goes', () => {
    it('takes nothing of what comes after', async () => {
      const { container, transport, slow } = listener(classic);
      await container.start();
      await container.pause();
      transport.last.reconnect();
      await turn();
      transport.last.deliver('a');
      await turn();
      expect(slow.began).to.deep.equal([]);
      expect(container.state).to.equal('paused');
      expect(transport.last.calls).to.deep.equal(['pause']);
    });
  });

  describe('around its start', () => {
    it('begins without consuming when it was paused before', async () => {
      const { container, transport, slow } = listener(classic);
      await container.pause({ reason: 'not yet' });
      await container.start();
      expect(container.state).to.equal('paused');
      expect(transport.subscriptions).to.have.length(0);
      container.resume();
      await turn();
      transport.last.deliver('a');
      await turn();
      expect(slow.began).to.deep.equal(['a']);
    });

    it('ends a start that waits for the broker', async () => {
      const { container, transport } = listener(classic);
      transport.answers = false;
      const started = container.start();
      await turn();
      await container.pause();
      await started;
      expect(container.state).to.equal('paused');
    });

    it('stays paused over a stop and a start', async () => {
      const { container, transport } = listener(classic);
      await container.start();
      await container.pause();
      await container.stop();
      expect(container.state).to.equal('stopped');
      await container.start();
      expect(container.state).to.equal('paused');
      expect(transport.subscriptions).to.have.length(1);
    });
  });

  it('stops at once while it is paused', async () => {
    const { container, transport } = listener(classic);
    await container.start();
    await container.pause();
    expect(await container.stop()).to.deep.equal({ abandoned: 0 });
    expect(transport.last.calls).to.deep.equal(['pause', 'cancel', 'close']);
    container.resume();
    expect(transport.last.calls).to.deep.equal(['pause', 'cancel', 'close']);
  });

  it('takes one at a time when it goes on, where its handlers were too slow before', async () => {
    const { container, transport, slow, clock } = listener({
      definition: { ...queue('classic'), consumerTimeoutMs: 60_000 },
    });
    await container.start();
    transport.last.deliver('a', 'b');
    await clock.advance(45_000);
    expect(transport.last.calls).to.deep.equal(['pause']);
    const paused = container.pause();
    slow.end();
    await paused;
    await turn();
    expect(transport.last.calls).to.deep.equal(['pause']);
    container.resume();
    expect(transport.last.calls).to.deep.equal(['pause', 'resume 1']);
  });
});

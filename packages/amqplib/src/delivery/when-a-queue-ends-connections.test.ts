import type { ConnectionEvent } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { AmqplibTransport } from '../amqplib-transport.js';
import { eventually } from '../test-support/eventually.js';
import { hex } from '../test-support/property-bytes.js';
import { RawPeer } from '../test-support/raw-peer.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';

const PLAIN = hex('0000');

describe('when consuming from a queue ends the connection', () => {
  let peer: RawPeer;
  let transport: AmqplibTransport;
  let events: ConnectionEvent[];

  beforeEach('start a peer', async () => {
    peer = await RawPeer.start();
    transport = new AmqplibTransport({ connection: { urls: peer.url, reconnect: { initialInterval: 1 } } });
    events = [];
    transport.on((event) => events.push(event));
  });
  afterEach('stop the peer', async () => {
    await transport.close({ timeoutMs: 1000 });
    await peer.stop();
  });

  const suspected = () => events.filter((event) => event.type === 'queue-suspected');
  const lost = () => events.filter((event) => event.type === 'disconnected').length;

  /** A good listener goes on while the bad queue is tried again. */
  async function expectUndisturbed(good: RecordingSink): Promise<void> {
    const [ends, before] = [lost(), good.deliveries.length];
    await peer.deliver(PLAIN, undefined, 'good');
    await eventually('the good one', () => good.deliveries.length > before);
    expect(lost()).to.equal(ends);
  }

  it('gives it a connection of its own after the second time, when its messages do', async () => {
    const [good, bad] = [new RecordingSink(), new RecordingSink()];
    let rounds = 0;
    peer.onConsume = (queue) => {
      if (queue !== 'bad') return;
      rounds++;
      peer.sendNonsense('bad');
    };
    transport.subscribe(consumeRequest('good'), good);
    transport.subscribe(consumeRequest('bad'), bad);
    await eventually('the suspicion', () => suspected().length === 1);
    await eventually('a third round', () => rounds >= 3);
    await eventually(
      'the good one consuming',
      () => good.tags.length > 0 && transport.health()[0]?.state === 'connected',
    );
    await eventually('two connections', () => peer.standing >= 1);
    expect(suspected()[0]).to.include({ queue: 'bad' });
    expect(lost()).to.equal(2);
    await expectUndisturbed(good);
    expect(transport.health().find(({ suspect }) => suspect === 'bad')?.role).to.equal('consume');
  });

  it('does so when the broker closes the connection over its consumer, and uses the queue when it can again', async () => {
    const [good, bad] = [new RecordingSink(), new RecordingSink()];
    peer.closes.set('bad', { code: 541, text: 'INTERNAL_ERROR' });
    transport.subscribe(consumeRequest('good'), good);
    transport.subscribe(consumeRequest('bad'), bad);
    await eventually('the suspicion', () =>
      suspected().some((event) => event.type === 'queue-suspected' && event.queue === 'bad'),
    );
    peer.closes.clear();
    await eventually('the bad one consuming', () => bad.tags.length === 1);
    await eventually('the good one consuming', () => good.tags.length > 0);
    await expectUndisturbed(good);
    await peer.deliver(PLAIN, undefined, 'bad');
    await eventually('a message of the bad one', () => bad.deliveries.length === 1);
  });

  it('closes those connections with the transport', async () => {
    peer.onConsume = (queue) => {
      if (queue === 'bad') peer.sendNonsense('bad');
    };
    transport.subscribe(consumeRequest('bad'), new RecordingSink());
    await eventually('the suspicion', () => suspected().length === 1);
    await transport.close({ timeoutMs: 1000 });
    await eventually('no connection', () => peer.standing === 0);
  });
});

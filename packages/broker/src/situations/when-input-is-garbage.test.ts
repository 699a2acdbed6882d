import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { RawClient, table } from '../testing/raw-client.support.test.js';
import { eventually, Situation } from '../testing/situation.support.test.js';
import { encodeMethod } from '../wire/methods.js';
import { encodeProperties } from '../wire/properties.js';

function frame(type: number, channel: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(7);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
}

function header(size: number, properties: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(60, 0);
  head.writeUInt32BE(size, 8);
  return Buffer.concat([head, properties]);
}

/** A conversation with something of everything. */
const CONVERSATION = Buffer.concat([
  frame(1, 1, encodeMethod('channel.open')),
  frame(1, 1, encodeMethod('confirm.select')),
  frame(1, 1, encodeMethod('queue.declare', { queue: 'fuzz', arguments: table({ 'x-max-length': 5, a: { b: [1] } }) })),
  frame(1, 1, encodeMethod('queue.bind', { queue: 'fuzz', exchange: 'amq.headers', arguments: table({ h: 1 }) })),
  frame(1, 1, encodeMethod('basic.publish', { exchange: 'amq.headers', routingKey: 'k' })),
  frame(2, 1, header(4, encodeProperties({ headers: table({ h: 1, CC: ['x'] }), expiration: '50', delivery_mode: 2 }))),
  frame(3, 1, Buffer.from('body')),
  frame(1, 1, encodeMethod('basic.consume', { queue: 'fuzz', consumerTag: 't' })),
  frame(1, 1, encodeMethod('basic.ack', { deliveryTag: 1, multiple: true })),
  frame(8, 0, Buffer.alloc(0)),
  frame(1, 1, encodeMethod('channel.close')),
]);

async function stillWorks(situation: Situation): Promise<void> {
  const client = await situation.client();
  client.send(1, 'queue.declare', { queue: '', exclusive: true });
  expect((await client.next('queue.declare-ok')).name).to.equal('queue.declare-ok');
  client.destroy();
}

describe('when input is garbage', () => {
  it('survives mutated conversations, and the other connections live on', async () => {
    await using situation = await Situation.start({ version: '3.10' });
    const witness = await situation.client();
    const mutation = fc.tuple(fc.nat(CONVERSATION.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (mutations) => {
        const bytes = Buffer.from(CONVERSATION);
        for (const [at, value] of mutations) bytes[at] = value;
        const client = await RawClient.connect(situation.broker.port);
        client.raw(bytes);
        client.raw(Buffer.alloc(0));
        client.socket.end();
        await client.next('socket closed');
      }),
      { numRuns: 150 },
    );
    witness.send(1, 'queue.declare', { queue: 'still here' });
    expect((await witness.next()).name).to.equal('queue.declare-ok');
    await stillWorks(situation);
  });

  it('survives random bytes in place of a handshake', async () => {
    await using situation = await Situation.start();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, greets) => {
        const client = await situation.open();
        if (greets) client.raw(Buffer.from('AMQP\0\0\x09\x01', 'latin1'));
        client.raw(Buffer.from(bytes));
        client.socket.end();
        await client.next('socket closed').catch(() => {});
      }),
      { numRuns: 100 },
    );
    await stillWorks(situation);
  });

  it('survives a flood of channels and half-open sockets', async () => {
    await using situation = await Situation.start();
    const client = await situation.connect();
    for (let channel = 1; channel <= 2047; channel++) client.send(channel, 'channel.open');
    await eventually(() => expect(client.seen.length).to.equal(2047));
    const halfOpen = await Promise.all(Array.from({ length: 50 }, () => situation.open()));
    await stillWorks(situation);
    for (const socket of halfOpen) socket.destroy();
    client.destroy();
    await eventually(() => expect(situation.broker.connections).to.deep.equal([]));
  });

  it('waits for ever in 3.10 for a body that has overrun, and refuses it in 4.3', async () => {
    for (const version of ['3.10', '4.3'] as const) {
      await using situation = await Situation.start({ version });
      const client = await situation.client();
      client.send(1, 'basic.publish', { routingKey: 'q' });
      client.frame(2, 1, header(2, encodeProperties({})));
      client.frame(3, 1, Buffer.from('too long'));
      if (version === '3.10') {
        expect(await client.lines()).to.deep.equal([]);
      } else {
        expect((await client.next()).method?.text('replyText')).to.equal(
          'FRAME_ERROR - content body frame exceeds remaining content size',
        );
      }
    }
  });
});
